// The hosts file of `guardrails ssh`: which hosts, as whom, and by which known_hosts they are believed.
import { homedir } from 'node:os';
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import type { Target } from '../ssh/transport/connection.ts';
import type { Credentials } from '../ssh/transport/credentials.ts';
import { parseInput, readInput } from './state.ts';

interface HostsFile {
  readonly knownHosts?: readonly string[] | undefined;
  readonly privateKey?: string | undefined;
  readonly agentKeys?: readonly string[] | undefined;
  readonly hosts: readonly {
    readonly host: string;
    readonly user: string;
    readonly port?: number | undefined;
    readonly hostKeyAlias?: string | undefined;
  }[];
}

const schema: z.ZodType<HostsFile> = z.strictObject({
  knownHosts: z.array(z.string().min(1)).min(1).optional(),
  privateKey: z.string().min(1).optional(),
  agentKeys: z
    .array(z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/))
    .min(1)
    .optional(),
  hosts: z
    .array(
      z.strictObject({
        host: z.string(),
        user: z.string().min(1),
        port: z.int().min(1).max(65_535).optional(),
        hostKeyAlias: z.string().optional(),
      }),
    )
    .min(1)
    .max(10_000),
});

const expand = (path: string): string => path.replace(/^~(?=\/)/, homedir());

export interface Hosts {
  readonly targets: readonly Target[];
  readonly credentials: Credentials;
}

/**
 * Reads a hosts file. Without `knownHosts` it is the user's own file, without `privateKey` the agent of SSH_AUTH_SOCK.
 *
 * @throws CodedError `input.unreadable`, `json.*`, `hosts.malformed`.
 */
export async function readHosts(path: string): Promise<Hosts> {
  const json = await parseInput(path, (text) => parseStrictJson(text, { maxBytes: 1_048_576, maxDepth: 8 }));
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const remedy =
      'Write {"hosts": [{"host": "10.0.0.2", "user": "me"}]}; see docs/ssh.md for the other keys.';
    throw new CodedError('hosts.malformed', `${path}: the hosts file does not match its schema`, remedy);
  }
  const { hosts, privateKey, agentKeys, knownHosts = ['~/.ssh/known_hosts'] } = parsed.data;
  const targets = hosts.map(({ host, user, port = 22, hostKeyAlias }) => ({
    host,
    user,
    port,
    knownHosts: knownHosts.map(expand),
    ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
  }));
  const agent = process.env['SSH_AUTH_SOCK'];
  if (privateKey !== undefined) {
    return { targets, credentials: { privateKey: await readInput(expand(privateKey)) } };
  }
  return { targets, credentials: agent ? { agent, ...(agentKeys ? { agentKeys } : {}) } : {} };
}
