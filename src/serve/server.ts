// The guards over a unix socket, for programs in any language. Node shows nobody's credentials, so what is promised is what
// the directory gives: it is closed to everybody but this user and root, and the guard `bind` has seen that before the socket
// is there. Which of the user's programs asked, nobody here can say.
import { once, setMaxListeners } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { acquireLock } from '../evidence/lock.ts';
import type { EvidenceSink } from '../evidence/record.ts';
import { bind } from '../guards/bind/bind.ts';
import { enforce } from '../kernel/enforce.ts';
import { serveConnection } from './connection.ts';

export interface ServeOptions {
  /** Absolute real path of the socket, in a directory of mode 0700. */
  readonly path: string;
  /** One journal for all who ask; the caller closes it once the server has stopped. */
  readonly journal: EvidenceSink;
}

export interface GuardServer {
  readonly path: string;
  /** Takes no more requests, answers those that were read, and removes the socket. */
  stop(): Promise<void>;
}

const MAX_CONNECTIONS = 256;
/** What is still unanswered after this time, in milliseconds, is cut off. */
const PATIENCE_MS = 5_000;
/** A server is at its place within milliseconds; this is for many that start in one instant. */
const LOCK_WAIT_MS = 10_000;

/** Whether a server has the socket: one that is too busy to take a connection (EAGAIN) has it, too. */
async function isTaken(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

/** A server that was killed leaves its socket behind. Anything else that lies there is not ours to remove. */
async function removeLeftOver(path: string): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!there) return;
  if (!there.isSocket())
    throw new CodedError('serve.not-a-socket', 'something else lies where the socket belongs', 'Remove it.');
  if (await isTaken(path))
    throw new CodedError('serve.running', 'a server answers on this socket', 'Use it, or stop it first.');
  await unlink(path);
}

async function listen(path: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ path });
  await once(server, 'listening');
  try {
    await chmod(path, 0o600);
  } catch (error) {
    server.close(); // or this process would go on listening, nobody knows where
    throw error;
  }
  return server;
}

/** Node binds before it listens: whoever asked in between would take the socket for one that is left over. */
async function takePlace(path: string): Promise<Server> {
  const lock = await acquireLock(join(dirname(path), 'serve.lock'), LOCK_WAIT_MS, 'serve.running');
  try {
    await removeLeftOver(path);
    return await listen(path);
  } finally {
    await lock.release();
  }
}

/**
 * Serves every guard of the catalogue on a unix socket.
 *
 * @throws GuardRefusal of `bind` when the way to the socket is open to others; CodedError `serve.running`,
 * `serve.not-a-socket`; system errors.
 */
export async function serveGuards({ path, journal }: ServeOptions): Promise<GuardServer> {
  const address = await enforce(
    bind,
    { sources: [{ from: '--socket', value: `unix:${path}` }] },
    { journal },
  );
  const server = address.confirm(await takePlace(address.host));
  const stopping = new AbortController();
  setMaxListeners(MAX_CONNECTIONS, stopping.signal); // each connection waits for it
  const open = new Map<Socket, Promise<void>>();
  server.on('connection', (socket) => {
    open.set(
      socket,
      serveConnection(socket, journal, stopping.signal).finally(() => open.delete(socket)),
    );
  });
  return {
    path: address.host,
    async stop() {
      const closed = once(server, 'close');
      server.close(); // removes the socket, too
      stopping.abort();
      const cut = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy();
      }, PATIENCE_MS);
      await Promise.all(open.values());
      await closed;
      clearTimeout(cut);
    },
  };
}
