// A tunnel: connections to a port of this machine are carried to an address of a host's network. It listens on the
// loopback address alone, which is no option: who else may use it is decided by who may log in to this machine.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CodedError } from '../../evidence/coded-error.ts';
import type { EvidenceSink } from '../../evidence/record.ts';
import { type Effect, recordEffect } from '../../kernel/effect.ts';
import type { Connection } from './connection.ts';

export interface TunnelTarget {
  /** As the host of the connection names it: an address, or a name that it resolves. */
  readonly host: string;
  readonly port: number;
}

export interface Tunnel extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
}

const HOST = /^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/;

function check({ host, port }: TunnelTarget): void {
  if (HOST.test(host) && Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new CodedError(
    'usage.tunnel',
    'that is no host and port',
    'Give a name or an address, and a port from 1 to 65,535.',
  );
}

/**
 * Returns a tunnel, once its record is durable. It ends with {@link Tunnel}[Symbol.asyncDispose], or with the connection.
 * A connection that the host does not open is closed, as if nothing listened.
 *
 * @throws CodedError `usage.tunnel`, `ssh.not-connected`; what the journal throws.
 */
export async function openTunnel(
  connection: Connection,
  target: TunnelTarget,
  { journal }: { readonly journal: EvidenceSink },
): Promise<Tunnel> {
  check(target);
  if (!connection.isOpen)
    throw new CodedError('ssh.not-connected', 'the connection is closed', 'Connect again.');
  const { link, host: granted } = connection;
  const record = (outcome: Effect['outcome'], reason: string): Promise<string> => {
    const subject = { kind: 'ssh-tunnel', name: `127.0.0.1 to ${target.host}:${target.port}` };
    return recordEffect(journal, granted, { kind: 'ssh-tunnel', outcome, codes: [], reason, subject });
  };
  await record('begun', 'about to listen');
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    link.forward(target.host, target.port).then(
      (stream) => {
        stream.on('error', () => {}).on('close', () => socket.destroySoon());
        socket.on('close', () => stream.destroy());
        if (socket.destroyed) stream.destroy();
        else socket.pipe(stream).pipe(socket);
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
    await record('done', 'closed');
  };
  const closeOnce = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  // The record of the end is written here too; when it cannot be, whoever disposes of the tunnel is told.
  void link.closed.then(() => closeOnce().catch(() => {}));
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, [Symbol.asyncDispose]: closeOnce };
}
