// Drills of the host-key guard: real sshd processes with known, changed, revoked and unknown keys, and a man in the
// middle who edits what he can, which is every byte before the keys are agreed.
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Drill, DrillSite } from '../../../kernel/guard.ts';
import type { HostKeyRequest } from '../../../ssh/host-key/host-key-rules.ts';
import { type LoopbackSshd, type ServerKeyType, startSshd } from './loopback-sshd.ts';

/** A key that no drill's server has. */
const STRANGER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu';

interface Scene {
  /** Default: one Ed25519 key. */
  readonly types?: readonly ServerKeyType[];
  readonly config?: readonly string[];
  /** The known_hosts file; `name` is how it must spell the server, `key` the server's first key. */
  known(name: string, key: string, server: LoopbackSshd): string;
  /** Last touches: another file, another port. */
  stage?(request: HostKeyRequest, file: string, site: DrillSite): Promise<HostKeyRequest>;
}

function drill(id: string, fault: string, expects: string, scene: Scene): Drill<HostKeyRequest> {
  const build = async (site: DrillSite): Promise<HostKeyRequest> => {
    const server = await startSshd(scene.types ?? ['ed25519'], scene.config);
    site.onCleanup(server.stop);
    const file = join(site.directory, 'known_hosts');
    const { host, port } = server;
    await writeFile(file, scene.known(`[${host}]:${port}`, server.keys[0] ?? '', server), { mode: 0o600 });
    const request = { host, port, knownHosts: [file] };
    return scene.stage ? await scene.stage(request, file, site) : request;
  };
  return { id, fault, expects, build };
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

export const hostKeyDrills: readonly Drill<HostKeyRequest>[] = [
  drill('known', 'a host with the key on file', 'allow', { known: rightKey }),
  drill('known-among-others', 'the right key after another key of the same type', 'allow', {
    known: (name, key) => `${name} ${STRANGER}\n@revoked * ${STRANGER}\n${name} ${key}\n`,
  }),
  drill('known-by-rsa', 'a host known by its RSA key, which would rather show another', 'allow', {
    types: ['rsa', 'ed25519'],
    known: rightKey,
  }),
  drill('known-hashed', 'a host whose name is hashed', 'allow', {
    known: rightKey,
    stage: async (request, file) => {
      await promisify(execFile)('ssh-keygen', ['-q', '-H', '-f', file]);
      return request;
    },
  }),
  drill('known-by-alias', 'a host that is looked up by its alias', 'allow', {
    known: (_name, key) => rightKey('alias', key),
    stage: async (request) => ({ ...request, hostKeyAlias: 'Alias' }),
  }),
  drill('unknown', 'a host that no line names', 'host-key.unknown', {
    known: () => `other.example ${STRANGER}\n`,
  }),
  drill('other-port', 'the right key, on file for the host on port 22 only', 'host-key.unknown', {
    known: (_name, key) => rightKey('127.0.0.1', key),
  }),
  drill('vetoed', 'the right key on a line that excludes the host', 'host-key.unknown', {
    known: (name, key) => rightKey(`*,!${name}`, key),
  }),
  drill('changed', 'a host that shows another key than the one on file', 'host-key.changed', {
    known: (name) => rightKey(name, STRANGER),
  }),
  drill('revoked', 'a key that is on file and revoked further down', 'host-key.revoked', {
    known: (name, key) => `${rightKey(name, key)}@revoked * ${key}\n`,
  }),
  drill('short-rsa', 'a host with the key on file, which is RSA of 1024 bits', 'host-key.short-rsa', {
    types: ['rsa1024'],
    known: rightKey,
  }),
  drill('other-type', 'a host that lost the type of key on file', 'host-key.other-type', {
    types: ['ecdsa'],
    known: (name) => rightKey(name, STRANGER),
  }),
  drill('needs-certificate', 'a host for which only an authority is on file', 'host-key.needs-certificate', {
    known: (name, key) => rightKey(`@cert-authority ${name}`, key),
  }),
  drill('unreadable', 'a known_hosts file that is not there', 'host-key.unreadable', {
    known: rightKey,
    stage: async (request, file) => ({ ...request, knownHosts: [file, `${file}2`] }),
  }),
  drill('file-writable', 'a known_hosts file that everybody can write', 'host-key.file-writable', {
    known: rightKey,
    stage: async (request, file) => {
      await chmod(file, 0o666);
      return request;
    },
  }),
  drill('unreachable', 'a port where nothing listens', 'host-key.unreachable', {
    known: rightKey,
    stage: async (request) => ({ ...request, port: await deadPort() }),
  }),
  drill('outdated', 'a host that authenticates messages with SHA-1 only', 'host-key.no-common-algorithm', {
    config: ['Ciphers aes128-ctr', 'MACs hmac-sha1'],
    known: rightKey,
  }),
  drill('downgraded', 'a man in the middle who strips strict key exchange', 'host-key.no-strict-kex', {
    known: (_name, key) => rightKey('relayed', key),
    stage: (request, _file, site) =>
      intercept(request, site, 'kex-strict-s-v00@openssh.com', 'kex-strict-s-v00@openssh.org'),
  }),
  drill('tampered', 'a man in the middle who edits the list of algorithms', 'host-key.unproven', {
    known: (_name, key) => rightKey('relayed', key),
    stage: (request, _file, site) =>
      intercept(request, site, 'hmac-sha1-etm@openssh.com', 'hmac-sha1-etm@openssh.org'),
  }),
  {
    id: 'option-like',
    fault: 'a host name that ssh would read as an option',
    expects: 'guard.request-invalid',
    build: async ({ directory }) => ({ host: '-oProxyCommand=id', port: 22, knownHosts: [directory] }),
  },
];

async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 1;
}
