// The host-key guard: one key exchange judged by known_hosts before a word about the user is said. The grant is the
// very connection that was judged, so the host cannot be swapped between the check and the log-in.
import { isIP } from 'node:net';
import { basename } from 'node:path';
import type { NegotiatedAlgorithms } from 'ssh2';
import { z } from 'zod';
import type { Guard, Rule } from '../guards/guard.ts';
import { hostKeyDrills } from './host-key-drills.ts';
import { decideHostKey, entriesFor, type HostKey, type HostKeyVerdict, rsaBits } from './known-hosts.ts';
import { type KnownHostsLook, readKnownHosts } from './known-hosts-file.ts';
import { knownHostsName } from './known-hosts-match.ts';
import { offerFor } from './transport-algorithms.ts';
import { type Dial, dial, type HeldConnection } from './transport-dial.ts';

export interface HostKeyRequest {
  /** An IP address, or a name of letters, digits, `.`, `-` and `_`. */
  readonly host: string;
  readonly port: number;
  /** known_hosts files, each of which must exist. */
  readonly knownHosts: readonly string[];
  /** The name to look up instead of host and port, for hosts whose address moves (ssh_config(5), HostKeyAlias). */
  readonly hostKeyAlias?: string | undefined;
}

export interface HostKeyFacts {
  readonly request: HostKeyRequest;
  readonly files: KnownHostsLook;
  /** Absent when the files must not be used: then nothing is dialled. */
  readonly dial?: Dial;
  readonly verdict?: HostKeyVerdict;
}

/** A host that has proven the key it was trusted for. Only the guard makes one. */
export class VerifiedHost {
  readonly request: HostKeyRequest;
  readonly key: HostKey;
  readonly verdict: HostKeyVerdict;
  readonly negotiated: NegotiatedAlgorithms;
  /** @internal */
  readonly held: HeldConnection;

  /** @internal */
  constructor({ request, dial: dialed, verdict }: HostKeyFacts) {
    if (dialed?.outcome !== 'presented' || !dialed.held || !dialed.negotiated || !verdict) {
      throw new TypeError('no verified host without a held connection');
    }
    this.request = request;
    this.key = dialed.key;
    this.verdict = verdict;
    this.negotiated = dialed.negotiated;
    this.held = dialed.held;
  }
}

const host = z
  .string()
  .max(253)
  .refine((text) => isIP(text) !== 0 || /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(text));

const request: z.ZodType<HostKeyRequest> = z.strictObject({
  host,
  port: z.int().min(1).max(65_535),
  knownHosts: z.array(z.string().min(1)).min(1).max(8),
  hostKeyAlias: host.optional(),
});

/** Milliseconds between two keepalive questions; three without an answer end the connection. */
const KEEPALIVE_MS = 5_000;

/** How the look names the host and judges its key; the guard's mutants replace one part at a time. */
interface Look {
  readonly accepted: readonly HostKeyVerdict['verdict'][];
  readonly nameOf: (request: HostKeyRequest) => string;
  readonly decide: typeof decideHostKey;
}

const strict: Look = {
  accepted: ['known'],
  nameOf: ({ host, port, hostKeyAlias }) => hostKeyAlias?.toLowerCase() ?? knownHostsName(host, port),
  decide: decideHostKey,
};

const observeWith =
  ({ accepted, nameOf, decide }: Look) =>
  async (asked: HostKeyRequest, signal: AbortSignal): Promise<HostKeyFacts> => {
    const files = await readKnownHosts(asked.knownHosts);
    if (files.fault) return { request: asked, files };
    const named = entriesFor(nameOf(asked), files.entries);
    let verdict: HostKeyVerdict | undefined;
    const accepts = (key: HostKey): boolean => {
      verdict = decide(key, named);
      return accepted.includes(verdict.verdict);
    };
    const { host, port } = asked;
    const dialed = await dial({
      host,
      port,
      offer: offerFor(named),
      accepts,
      keepaliveMs: KEEPALIVE_MS,
      signal,
    });
    return { request: asked, files, dial: dialed, ...(verdict ? { verdict } : {}) };
  };

const where = ({ verdict }: HostKeyFacts): string =>
  verdict && 'by' in verdict ? `line ${verdict.by.line} of ${basename(verdict.by.file)}` : 'known_hosts';

/** NIST SP 800-131A revision 2, section 3: shorter RSA keys are disallowed for signatures. */
const MIN_RSA_BITS = 2048;

const isVerdict = (facts: HostKeyFacts, verdict: HostKeyVerdict['verdict']): boolean =>
  facts.verdict?.verdict === verdict;

const unknown: Rule<HostKeyFacts> = {
  code: 'host-key.unknown',
  remedy: 'Get the host key fingerprint from its administrator, compare it, and add the key to known_hosts.',
  refuses: (facts) => isVerdict(facts, 'unknown') && 'no known_hosts line names this host',
};

const rules: readonly Rule<HostKeyFacts>[] = [
  {
    code: 'host-key.unreadable',
    remedy: 'Name known_hosts files that exist and that this process can read.',
    refuses: ({ files }) =>
      files.fault?.kind === 'unreadable' && `a known_hosts file cannot be read: ${files.fault.why}`,
  },
  {
    code: 'host-key.file-writable',
    remedy: 'Check the lines of the file, then make it yours and writable by you alone (chmod go-w).',
    refuses: ({ files }) =>
      files.fault?.kind === 'writable' && `a known_hosts file is not this user's alone: ${files.fault.why}`,
  },
  {
    code: 'host-key.unreachable',
    remedy: 'Check address, port, network and that sshd runs; see MaxStartups if it drops connections.',
    refuses: ({ dial }) => dial?.outcome === 'unreachable' && `no key exchange with the host: ${dial.why}`,
  },
  {
    code: 'host-key.no-common-algorithm',
    remedy:
      'Update sshd on the host, or let it offer curve25519, AES-GCM or CTR, SHA-2 and a key other than DSA.',
    refuses: ({ dial }) =>
      dial?.outcome === 'no-common-algorithm' && 'the host offers outdated algorithms only',
  },
  {
    code: 'host-key.no-strict-kex',
    remedy: 'Update sshd on the host (OpenSSH 9.6, or a distribution patch for CVE-2023-48795).',
    refuses: ({ dial }) => dial?.outcome === 'no-strict-kex' && 'the host does not do strict key exchange',
  },
  {
    code: 'host-key.unproven',
    remedy: 'Somebody may be between you and the host: check the network path before you try again.',
    refuses: ({ dial }) => dial?.outcome === 'unproven' && 'the host did not prove that it holds its key',
  },
  {
    code: 'host-key.short-rsa',
    remedy: 'Give the host an Ed25519 key, or RSA of at least 3072 bits, and distribute it.',
    refuses: ({ dial }) => {
      const bits = dial?.outcome === 'presented' ? rsaBits(dial.key) : undefined;
      return bits !== undefined && bits < MIN_RSA_BITS && `the RSA key of the host has only ${bits} bits`;
    },
  },
  {
    code: 'host-key.revoked',
    remedy: 'Do not connect. The key was revoked: give the host a new key and distribute it.',
    refuses: (facts) => isVerdict(facts, 'revoked') && `the host shows a key revoked by ${where(facts)}`,
  },
  {
    code: 'host-key.changed',
    remedy: 'Find out why the key changed. Only if it was replaced on purpose, replace the line.',
    refuses: (facts) => isVerdict(facts, 'changed') && `the host shows another key than ${where(facts)}`,
  },
  {
    code: 'host-key.other-type',
    remedy: 'Compare the new key with the host administrator, then add it beside the known one.',
    refuses: (facts) =>
      isVerdict(facts, 'other-type') && `the host shows another type of key than ${where(facts)}`,
  },
  {
    code: 'host-key.needs-certificate',
    remedy: 'Host certificates are not supported here: add the plain key of the host to known_hosts.',
    refuses: (facts) =>
      isVerdict(facts, 'needs-certificate') && `${where(facts)} asks for a host certificate`,
  },
  unknown,
];

const describe = ({ request: { host, port }, dial: dialed, ...facts }: HostKeyFacts): string => {
  if (dialed?.outcome !== 'presented') return `${host}:${port}`;
  const { key, negotiated } = dialed;
  const sealed = negotiated ? ` ${negotiated.kex} ${negotiated.cs.cipher}` : '';
  return `${host}:${port} ${key.type} ${key.fingerprint} ${facts.verdict?.verdict ?? 'unjudged'}${sealed}`;
};

/** Refuses every host that known_hosts does not vouch for. There is no option that turns this off. */
export const hostKey: Guard<HostKeyRequest, HostKeyFacts, VerifiedHost> = {
  id: 'host-key',
  dimension: 'architecture_remote_execution_hardening',
  request,
  observe: observeWith(strict),
  rules,
  grant: (facts) => new VerifiedHost(facts),
  release: async ({ dial: dialed }) => {
    if (dialed?.outcome === 'presented') dialed.held?.destroy();
  },
  subject: (facts) => ({ kind: 'ssh-host', name: describe(facts) }),
  drills: hostKeyDrills,
  mutants: [
    { id: 'look.ignores-port', observe: observeWith({ ...strict, nameOf: ({ host }) => host }) },
    {
      id: 'look.ignores-alias',
      observe: observeWith({ ...strict, nameOf: (r) => knownHostsName(r.host, r.port) }),
    },
    {
      id: 'look.compares-type-only',
      observe: observeWith({
        ...strict,
        decide: (key, named) =>
          decideHostKey(
            key,
            named.map((entry) => (entry.type === key.type ? { ...entry, blob: key.blob } : entry)),
          ),
      }),
    },
    {
      id: 'look.ignores-revocation',
      observe: observeWith({
        ...strict,
        decide: (key, named) =>
          decideHostKey(
            key,
            named.filter(({ marker }) => marker !== 'revoked'),
          ),
      }),
    },
  ],
};

/**
 * The same guard for first contact: a host that no line names is accepted, to be pinned once it has let us in. It has
 * its own id and its own policy digest, so that what it allows can never count as evidence of strict checking.
 */
export const hostKeyAcceptNew: Guard<HostKeyRequest, HostKeyFacts, VerifiedHost> = {
  ...hostKey,
  id: 'host-key-accept-new',
  observe: observeWith({ ...strict, accepted: ['known', 'unknown'] }),
  rules: rules.filter((rule) => rule !== unknown),
  drills: hostKeyDrills.map((drill) =>
    drill.expects === unknown.code ? { ...drill, expects: 'allow' } : drill,
  ),
  mutants: [],
};
