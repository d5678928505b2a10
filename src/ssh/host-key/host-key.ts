// The host-key guard: one key exchange judged by known_hosts before a word about the user is said. The grant is the
// very connection that was judged, so the host cannot be swapped between the check and the log-in.
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { dial } from '../transport/dial.ts';
import type { HeldConnection } from '../transport/key-exchange.ts';
import type { Negotiated } from '../transport/negotiated.ts';
import type { HostKeyRequest } from './host-key-request.ts';
import { type HostKeyFacts, rules, unknown } from './host-key-rules.ts';
import { isHostName } from './host-name.ts';
import { decideHostKey, entriesFor, type HostKey, type HostKeyVerdict } from './known-hosts.ts';
import { readKnownHosts } from './known-hosts-file.ts';
import { knownHostsName, revocableNames } from './known-hosts-match.ts';

/** A host that has proven the key it was trusted for. */
export interface VerifiedHost {
  readonly request: HostKeyRequest;
  readonly key: HostKey;
  readonly verdict: HostKeyVerdict;
  readonly negotiated: Negotiated;
}

// The connection itself is for the log-in alone: what is granted can be shown, kept and printed.
const connections = new WeakMap<VerifiedHost, HeldConnection>();

/**
 * Returns the connection on which the host proved its key, or `undefined` for what this guard did not grant.
 *
 * @internal
 */
export function heldConnection(host: VerifiedHost): HeldConnection | undefined {
  return connections.get(host);
}

function grant({ request, dial: dialed, verdict }: HostKeyFacts): VerifiedHost {
  if (dialed?.outcome !== 'presented' || !dialed.held || !dialed.negotiated || !verdict)
    throw new TypeError('no verified host without a held connection');
  const { key, negotiated, held } = dialed;
  const verified = Object.freeze({ request, key, verdict, negotiated });
  connections.set(verified, held);
  return verified;
}

const host = z.string().refine(isHostName);

const request: z.ZodType<HostKeyRequest> = z.strictObject({
  host,
  port: z.int().min(1).max(65_535),
  knownHosts: z.array(z.string().min(1)).min(1).max(8),
  hostKeyAlias: host.optional(),
});

/** Milliseconds between two keepalive questions; three without an answer end the connection. */
const KEEPALIVE_MS = 5_000;

/** How the look names the host and judges its key; drills of broken looks replace one part at a time. */
interface Look {
  readonly accepted: readonly HostKeyVerdict['verdict'][];
  readonly nameOf: (request: HostKeyRequest) => string;
  /** Under which names a key of the host may be revoked, besides that one. */
  readonly othersOf: (request: HostKeyRequest) => readonly string[];
  readonly decide: typeof decideHostKey;
}

export const strict: Look = {
  accepted: ['known'],
  nameOf: ({ host, port, hostKeyAlias }) => hostKeyAlias?.toLowerCase() ?? knownHostsName(host, port),
  othersOf: ({ host, port }) => revocableNames(host, port),
  decide: decideHostKey,
};

/**
 * The only look, with the parts that decide.
 *
 * @internal
 */
export const observeWith =
  ({ accepted, nameOf, othersOf, decide }: Look) =>
  async (asked: HostKeyRequest, signal: AbortSignal): Promise<HostKeyFacts> => {
    const files = await readKnownHosts(asked.knownHosts);
    if (files.fault) return { request: asked, files };
    const named = entriesFor(nameOf(asked), files.entries, othersOf(asked));
    let verdict: HostKeyVerdict | undefined;
    const accepts = (key: HostKey): boolean => {
      verdict = decide(key, named);
      return accepted.includes(verdict.verdict);
    };
    const { host, port } = asked;
    const dialed = await dial({
      host,
      port,
      name: asked.hostKeyAlias?.toLowerCase() ?? knownHostsName(host, 22),
      named,
      acceptsUnknown: accepted.includes('unknown'),
      accepts,
      keepaliveMs: KEEPALIVE_MS,
      signal,
    });
    return { request: asked, files, dial: dialed, ...(verdict ? { verdict } : {}) };
  };

const describe = ({ request: { host, port }, dial: dialed, ...facts }: HostKeyFacts): string => {
  if (dialed?.outcome !== 'presented') return `${host}:${port}`;
  const { key, negotiated } = dialed;
  const sealed = negotiated ? ` ${negotiated.kex} ${negotiated.clientToServer.cipher}` : '';
  return `${host}:${port} ${key.type} ${key.fingerprint} ${facts.verdict?.verdict ?? 'unjudged'}${sealed}`;
};

const definition = {
  id: 'host-key',
  dimension: 'architecture_remote_execution_hardening',
  request,
  observe: observeWith(strict),
  rules,
  grant,
  release: async ({ dial: dialed }: HostKeyFacts): Promise<void> => {
    if (dialed?.outcome === 'presented') dialed.held?.destroy();
  },
  subject: (facts: HostKeyFacts) => ({ kind: 'ssh-host', name: describe(facts) }),
};

/** Refuses every host that known_hosts does not vouch for. There is no option that turns this off. */
export const hostKey: Guard<HostKeyRequest, VerifiedHost> = defineHouseGuard(definition);

/**
 * The same guard for first contact: a host that no line names is accepted, to be pinned once it has let us in. It has
 * its own id and its own policy digest, so that what it allows can never count as evidence of strict checking.
 */
export const hostKeyAcceptNew: Guard<HostKeyRequest, VerifiedHost> = defineHouseGuard({
  ...definition,
  id: 'host-key-accept-new',
  observe: observeWith({ ...strict, accepted: ['known', 'unknown'] }),
  rules: rules.filter((rule) => rule !== unknown),
});
