// A host in this process: ssh2's own server, which lets `operator` in by password and then does what a test says.
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection as Peer, Server, utils } from 'ssh2';
import type { Target } from '../../../src/ssh/transport/connection.ts';

export interface EmbeddedHost {
  readonly target: Target;
  readonly credentials: { readonly password: string };
  stop(): Promise<void>;
}

const { private: hostKey, public: publicKey } = utils.generateKeyPairSync('ecdsa', { bits: 256 });

/** `behave` is told of each connection before it may authenticate. */
export async function startEmbedded(behave: (peer: Peer) => void): Promise<EmbeddedHost> {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-host-'));
  const peers = new Set<Peer>();
  const server = new Server({ hostKeys: [hostKey] }, (peer) => {
    peers.add(peer);
    peer.on('error', () => {}).on('close', () => peers.delete(peer));
    peer.on('authentication', (context) =>
      context.method === 'password' ? context.accept() : context.reject(['password']),
    );
    behave(peer);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const knownHosts = join(directory, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${publicKey}\n`, { mode: 0o600 });
  return {
    target: { host: '127.0.0.1', port, user: 'operator', knownHosts: [knownHosts] },
    credentials: { password: 'sesame' },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const peer of peers) peer.end();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
