// Drills of the host-key guard: servers with known, changed, revoked and unknown keys, and a man in the middle who
// edits what he can, which is every byte before the keys are agreed.
import { createHmac, randomBytes } from 'node:crypto';
import { chmod, truncate, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { HostKeyRequest } from '../../../ssh/host-key/host-key-request.ts';
import type { Drill, DrillSite } from '../../proof.ts';
import { PORT, SSH_KEY } from '../../random.ts';
import { type ServerKeyType, type StartServer, startServer } from './loopback-server.ts';

/** A key that no drill's server has. */
const STRANGER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu';

interface Scene {
  readonly id: string;
  readonly fault: string;
  readonly expects: string;
  /** Default: one Ed25519 key. */
  readonly types?: readonly ServerKeyType[];
  readonly outdated?: boolean;
  /** The known_hosts file; `name` is how it must spell the server, `key` the server's first key. */
  readonly known: (name: string, key: string) => string;
  /** Last touches: another file, another port. */
  readonly stage?: (request: HostKeyRequest, file: string, site: DrillSite) => Promise<HostKeyRequest>;
}

function drillOf(
  { types = ['ed25519'], outdated = false, known, stage, ...drill }: Scene,
  start: StartServer,
): Drill<HostKeyRequest> {
  const build = async (site: DrillSite): Promise<HostKeyRequest> => {
    const { host, port, keys, stop } = await start({ types, outdated });
    site.onCleanup(stop);
    site.random('PORT', PORT);
    site.random('PORT', /(?<=\]:)\d+/g);
    site.random('KEY', SSH_KEY);
    site.random('NAME', /\|1\|[^ ]+/g);
    const file = join(site.directory, 'known_hosts');
    await writeFile(file, known(`[${host}]:${port}`, keys[0] ?? ''), { mode: 0o600 });
    const request = { host, port, knownHosts: [file] };
    return stage ? await stage(request, file, site) : request;
  };
  return { ...drill, build };
}

/** Puts a relay in front of the server that replaces `from` by `to`, of equal length, in what the server says. */
async function intercept(
  request: HostKeyRequest,
  site: DrillSite,
  from: string,
  to: string,
): Promise<HostKeyRequest> {
  const edit = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
  const relay = createServer((victim) => {
    const server = connect(request.port, request.host);
    victim.pipe(server).on('error', () => victim.destroy());
    server.on('data', (bytes) => victim.write(edit(bytes))).on('close', () => victim.destroy());
    victim.on('error', () => server.destroy()).on('close', () => server.destroy());
  });
  await new Promise<void>((resolve) => {
    relay.listen(0, '127.0.0.1', resolve);
  });
  site.onCleanup(() => void relay.close());
  const address = relay.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { ...request, port, hostKeyAlias: 'relayed' };
}

const rightKey = (name: string, key: string): string => `${name} ${key}\n`;

/** As `ssh-keygen -H` writes a name: `|1|`, a salt, and the HMAC-SHA1 of the name under it (sshd(8)). */
function hashed(name: string): string {
  const salt = randomBytes(20);
  const digest = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${digest}`;
}

const scenes: readonly Scene[] = [
  { id: 'known', fault: 'a host with the key on file', expects: 'allow', known: rightKey },
  {
    id: 'known-among-others',
    fault: 'the right key after another key of the same type',
    expects: 'allow',
    known: (name, key) => `${name} ${STRANGER}\n@revoked * ${STRANGER}\n${name} ${key}\n`,
  },
  {
    id: 'known-by-rsa',
    fault: 'a host known by its RSA key, which would rather show another',
    expects: 'allow',
    types: ['rsa', 'ed25519'],
    known: rightKey,
  },
  {
    id: 'known-hashed',
    fault: 'a host whose name is hashed',
    expects: 'allow',
    known: (name, key) => rightKey(hashed(name), key),
  },
  {
    id: 'known-by-alias',
    fault: 'a host that is looked up by its alias',
    expects: 'allow',
    known: (_name, key) => rightKey('alias', key),
    stage: async (request) => ({ ...request, hostKeyAlias: 'Alias' }),
  },
  {
    id: 'unknown',
    fault: 'a host that no line names',
    expects: 'host-key.unknown',
    known: () => `other.example ${STRANGER}\n`,
  },
  {
    id: 'other-port',
    fault: 'the right key, on file for the host on port 22 only',
    expects: 'host-key.unknown',
    known: (_name, key) => rightKey('127.0.0.1', key),
  },
  {
    id: 'vetoed',
    fault: 'the right key on a line that excludes the host',
    expects: 'host-key.unknown',
    known: (name, key) => rightKey(`*,!${name}`, key),
  },
  {
    id: 'changed',
    fault: 'a host that shows another key than the one on file',
    expects: 'host-key.changed',
    known: (name) => rightKey(name, STRANGER),
  },
  {
    id: 'revoked',
    fault: 'a key that is on file and revoked further down',
    expects: 'host-key.revoked',
    known: (name, key) => `${rightKey(name, key)}@revoked * ${key}\n`,
  },
  {
    id: 'revoked-without-port',
    fault: 'a key that is on file, and revoked for the host whatever its port',
    expects: 'host-key.revoked',
    known: (name, key) => `${rightKey(name, key)}@revoked 127.0.0.1 ${key}\n`,
  },
  {
    id: 'revocation-unclear',
    fault: 'a key that is on file, and a line for the host that means to revoke and is misspelt',
    expects: 'host-key.revocation-unclear',
    known: (name, key) => `${rightKey(name, key)}@Revoked ${name} ${key}\n`,
  },
  {
    id: 'short-rsa',
    fault: 'a host with the key on file, which is RSA of 1024 bits',
    expects: 'host-key.short-rsa',
    types: ['rsa1024'],
    known: rightKey,
  },
  {
    id: 'other-type',
    fault: 'a host that lost the type of key on file',
    expects: 'host-key.other-type',
    types: ['ecdsa'],
    known: (name) => rightKey(name, STRANGER),
  },
  {
    id: 'needs-certificate',
    fault: 'a host for which only an authority is on file',
    expects: 'host-key.needs-certificate',
    known: (name, key) => rightKey(`@cert-authority ${name}`, key),
  },
  {
    id: 'unreadable',
    fault: 'a known_hosts file that is not there',
    expects: 'host-key.unreadable',
    known: rightKey,
    stage: async (request, file) => ({ ...request, knownHosts: [file, `${file}2`] }),
  },
  {
    id: 'file-is-directory',
    fault: 'a directory under the name of a known_hosts file',
    expects: 'host-key.unreadable',
    known: rightKey,
    stage: async (request, _file, site) => ({ ...request, knownHosts: [site.directory] }),
  },
  {
    id: 'file-too-large',
    fault: 'a known_hosts file with the right key and more than anybody reads',
    expects: 'host-key.unreadable',
    known: rightKey,
    stage: async (request, file) => {
      await truncate(file, 16 * 1024 * 1024 + 1);
      return request;
    },
  },
  {
    id: 'file-group-writable',
    fault: 'a known_hosts file that a group can write',
    expects: 'host-key.file-writable',
    known: rightKey,
    stage: async (request, file) => {
      await chmod(file, 0o620);
      return request;
    },
  },
  {
    id: 'file-writable',
    fault: 'a known_hosts file that everybody can write',
    expects: 'host-key.file-writable',
    known: rightKey,
    stage: async (request, file) => {
      await chmod(file, 0o666);
      return request;
    },
  },
  {
    id: 'unreachable',
    fault: 'a port where nothing listens',
    expects: 'host-key.unreachable',
    known: rightKey,
    stage: async (request) => ({ ...request, port: await deadPort() }),
  },
  {
    id: 'outdated',
    fault: 'a host that authenticates messages with SHA-1 only',
    expects: 'host-key.no-common-algorithm',
    outdated: true,
    known: rightKey,
  },
  {
    id: 'downgraded',
    fault: 'a man in the middle who strips strict key exchange',
    expects: 'host-key.no-strict-kex',
    known: (_name, key) => rightKey('relayed', key),
    stage: (request, _file, site) =>
      intercept(request, site, 'kex-strict-s-v00@openssh.com', 'kex-strict-s-v00@openssh.org'),
  },
  {
    id: 'tampered',
    fault: 'a man in the middle who edits the list of algorithms',
    expects: 'host-key.unproven',
    known: (_name, key) => rightKey('relayed', key),
    stage: (request, _file, site) =>
      intercept(request, site, 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-512-etm@openssh.org'),
  },
];

/** Returns the drills, each with a server of its own from `start`. */
export function hostKeyDrillsOn(start: StartServer): readonly Drill<HostKeyRequest>[] {
  return [
    ...scenes.map((scene) => drillOf(scene, start)),
    {
      id: 'option-like',
      fault: 'a host name that ssh would read as an option',
      expects: 'guard.request-invalid',
      build: async ({ directory }) => ({ host: '-oProxyCommand=id', port: 22, knownHosts: [directory] }),
    },
  ];
}

export const hostKeyDrills: readonly Drill<HostKeyRequest>[] = hostKeyDrillsOn(startServer);

async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 1;
}
