// The hosts file of `guardrails ssh`: which hosts, as whom, and by which known_hosts they are believed.
import { homedir, userInfo } from 'node:os';
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { readBounded, whyOf } from '../evidence/files.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { schemaReason } from '../kernel/schema-reason.ts';
import { type ConfiguredHost, parseSshConfig, routeTo, type SshConfig } from '../ssh/config/ssh-config.ts';
import { type ConnectOptions, connect } from '../ssh/transport/connect.ts';
import type { Connection, Target } from '../ssh/transport/connection.ts';
import type { Credentials } from '../ssh/transport/credentials.ts';
import type { HostWay } from '../ssh/transport/fleet.ts';
import { parseInput, readInput } from './state.ts';

interface HostsFile {
  readonly knownHosts?: readonly string[] | undefined;
  readonly privateKey?: string | undefined;
  readonly agentKeys?: readonly string[] | undefined;
  readonly hosts: readonly {
    readonly host: string;
    readonly user?: string | undefined;
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
        user: z.string().min(1).optional(),
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
  /** How each is entered. Whoever asks closes the connections to jump hosts afterwards. */
  readonly ways: (options: ConnectOptions) => {
    readonly wayOf: (target: Target) => Promise<HostWay>;
    readonly close: () => void;
  };
}

/** Keys of the hosts file that are for all hosts. */
interface Common {
  readonly credentials: Credentials;
  readonly knownHosts: readonly string[];
}

async function commonOf({ privateKey, agentKeys, knownHosts }: HostsFile): Promise<Common> {
  const agent = process.env['SSH_AUTH_SOCK'];
  const own =
    privateKey !== undefined
      ? { privateKey: await readInput(expand(privateKey)) }
      : agent
        ? { agent, ...(agentKeys ? { agentKeys } : {}) }
        : {};
  return { credentials: own, knownHosts: (knownHosts ?? ['~/.ssh/known_hosts']).map(expand) };
}

/** Returns the target and the credentials that the lines for a host give, and the file of all hosts where they give none. */
function configured(
  {
    host,
    port = 22,
    user = userInfo().username,
    hostKeyAlias,
    identityFile,
    certificateFile,
  }: ConfiguredHost,
  { credentials, knownHosts }: Common,
): { readonly target: Target; readonly credentials: () => Promise<Credentials> } {
  const target = { host, port, user, knownHosts, ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }) };
  const own = async (): Promise<Credentials> => {
    if (identityFile === undefined) return credentials;
    const privateKey = await readInput(expand(identityFile));
    if (certificateFile === undefined) return { privateKey };
    return { privateKey, certificate: await readInput(expand(certificateFile)) };
  };
  return { target, credentials: own };
}

/** Reads an ssh_config. @throws CodedError `ssh-config.*`: one that others can write says who we are to be. */
async function readSshConfig(path: string): Promise<SshConfig> {
  const policy = { maxBytes: 1_048_576, owner: 'own', forbiddenMode: 0o022, follow: true } as const;
  const bytes = await readBounded(path, policy).catch((error: unknown) => {
    const remedy = 'Name a file of yours that nobody else can write (chmod go-w).';
    throw new CodedError('ssh-config.unreadable', `${path} cannot be used: ${whyOf(error)}`, remedy);
  });
  return parseSshConfig(bytes.toString('latin1'));
}

/** Enters jump hosts when they are first needed, and each once. */
function jumpsBy(
  common: Common,
  options: ConnectOptions,
): {
  readonly enter: (hops: readonly ConfiguredHost[]) => Promise<Connection | undefined>;
  readonly close: () => void;
} {
  const open = new Map<string, Promise<Connection>>();
  const enter = async (hops: readonly ConfiguredHost[]): Promise<Connection | undefined> => {
    const last = hops.at(-1);
    if (!last) return undefined;
    const key = JSON.stringify(hops);
    const dial = async (): Promise<Connection> => {
      const { target, credentials } = configured(last, common);
      const via = await enter(hops.slice(0, -1));
      return await connect(target, await credentials(), { ...options, ...(via ? { via } : {}) });
    };
    const connection = open.get(key) ?? dial();
    open.set(key, connection);
    return await connection;
  };
  const close = (): void => {
    for (const each of open.values()) each.then((connection) => connection.close()).catch(() => {});
  };
  return { enter, close };
}

/**
 * Reads a hosts file, and looks its hosts up in an ssh_config where there is one; what the hosts file itself says of a host
 * counts more. Without `knownHosts` it is the user's own file, without `privateKey` the agent of SSH_AUTH_SOCK.
 *
 * @throws CodedError `input.unreadable`, `json.*`, `hosts.malformed`, `ssh-config.*`.
 */
export async function readHosts(path: string, sshConfig?: string): Promise<Hosts> {
  const json = await parseInput(path, (text) => parseStrictJson(text, { maxBytes: 1_048_576, maxDepth: 8 }));
  const parsed = schema.safeParse(json);
  const nameless = sshConfig === undefined && parsed.data?.hosts.some(({ user }) => user === undefined);
  if (!parsed.success || nameless) {
    const remedy =
      'Write {"hosts": [{"host": "10.0.0.2", "user": "me"}]}; see docs/ssh.md for the other keys.';
    const why = parsed.success
      ? 'a host has no user'
      : schemaReason(schema, parsed.error.issues, 'the hosts file');
    throw new CodedError('hosts.malformed', `${path}: ${why}`, remedy);
  }
  const common = await commonOf(parsed.data);
  const config = sshConfig === undefined ? [] : await readSshConfig(expand(sshConfig));
  const ways = new Map<
    Target,
    { readonly hops: readonly ConfiguredHost[]; credentials(): Promise<Credentials> }
  >();
  for (const { user, port, hostKeyAlias, host } of parsed.data.hosts) {
    const given = Object.entries({ user, port, hostKeyAlias }).filter(([, value]) => value !== undefined);
    const route = routeTo(config, { host, ...Object.fromEntries(given) });
    const { target, credentials } = configured(route.at(-1) as ConfiguredHost, common);
    ways.set(target, { hops: route.slice(0, -1), credentials });
  }
  return {
    targets: [...ways.keys()],
    ways: (options) => {
      const { enter, close } = jumpsBy(common, options);
      const wayOf = async (target: Target): Promise<HostWay> => {
        const way = ways.get(target);
        if (!way) throw new TypeError('no target of this file');
        const via = await enter(way.hops);
        return { credentials: await way.credentials(), ...(via ? { via } : {}) };
      };
      return { wayOf, close };
    },
  };
}
