// An SSH server for drills: ssh2's own, in this process, on loopback, with keys made for the occasion. It needs nothing
// but Node, so the drills can be built on every machine; the same states against OpenSSH are an end-to-end test.
import type { AddressInfo } from 'node:net';
import type { Connection } from 'ssh2';

/** `rsa1024`: a key that nobody should accept any more. */
export type ServerKeyType = 'ed25519' | 'ecdsa' | 'rsa' | 'rsa1024';

export interface ServerOptions {
  /** One host key of each. */
  readonly types: readonly ServerKeyType[];
  /** Authenticates messages with SHA-1 only. */
  readonly outdated: boolean;
}

export interface LoopbackServer {
  /** Always 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  /** The public key line of each host key, `type base64`, in the order asked for. */
  readonly keys: readonly string[];
  readonly stop: () => Promise<void>;
}

/** Starts a server that shows its host keys and lets nobody in. Throws `DrillUnavailable` where it cannot. */
export type StartServer = (options: ServerOptions) => Promise<LoopbackServer>;

type KeyTools = typeof import('ssh2')['utils'];
type KeyPair = ReturnType<KeyTools['generateKeyPairSync']>;

/** Made beside whatever else is drilled: an RSA key takes longest. */
async function generate(utils: KeyTools, type: ServerKeyType): Promise<KeyPair> {
  const make = (kind: 'ecdsa' | 'rsa' | 'ed25519', bits: number): Promise<KeyPair> =>
    new Promise((resolve, reject) => {
      utils.generateKeyPair(kind, { bits }, (error, pair) => (error ? reject(error) : resolve(pair)));
    });
  if (type === 'ecdsa') return await make('ecdsa', 256);
  if (type !== 'ed25519') return await make('rsa', type === 'rsa' ? 2048 : 1024);
  // Of 250 Ed25519 keys that ssh2 1.17.0 makes, it cannot read about one ("Malformed OpenSSH private key").
  for (;;) {
    const pair = await make('ed25519', 256);
    if (!(utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

// A MAC counts only beside a cipher that does not authenticate by itself, as GCM does.
const OUTDATED = { cipher: ['aes128-ctr'], hmac: ['hmac-sha1'] } as const;

/** The embedded server. */
export const startServer: StartServer = async ({ types, outdated }) => {
  const { Server, utils } = (await import('ssh2')).default;
  const pairs = await Promise.all(types.map((type) => generate(utils, type)));
  const clients = new Set<Connection>();
  const algorithms = outdated ? { cipher: [...OUTDATED.cipher], hmac: [...OUTDATED.hmac] } : {};
  const server = new Server({ hostKeys: pairs.map((pair) => pair.private), algorithms }, (client) => {
    clients.add(client);
    client
      .on('error', () => {}) // a client that refuses the key hangs up in the middle of the exchange
      .on('close', () => clients.delete(client))
      .on('authentication', (context) => context.reject([]));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    keys: pairs.map((pair) => pair.public.split(' ', 2).join(' ').trim()),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const client of clients) client.end();
      await closed;
    },
  };
};
