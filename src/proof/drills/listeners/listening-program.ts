// Programs that listen where they are told, each a process of its own in a group of its own. Their sockets are opened here, and
// handed to a program that only holds them: a Node that opens its own takes longer to start than what is drilled takes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Readable } from 'node:stream';
import type { ListeningSocket } from '../../../guards/bind/listening-sockets.ts';
import { requireSocketPath } from '../../odd-places.ts';
import type { DrillSite } from '../../proof.ts';
import { PID, PORT } from '../../random.ts';

/** For sh: holds the sockets for as long as this process lives, whose pipe is its input. */
export const HOLD = 'echo; exec cat >/dev/null';
/** Has a child of its own do that, and lets go of them. */
export const IN_CHILD = 'exec 9<&0; cat <&9 >/dev/null & exec 3<&- 4<&- 5<&-; echo; wait';

export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}

/** Listens on a host, at a port that the system chooses, on a path, or on `@` and an abstract name. */
async function listen(host: string): Promise<Server> {
  const isUnix = /^[/@]/.test(host);
  const server = createServer().listen(isUnix ? { path: host.replace('@', '\0') } : { host, port: 0 });
  await once(server, 'listening');
  return server;
}

function socketOf(server: Server): ListeningSocket {
  const at = server.address();
  if (at === null) throw new Error('it does not listen');
  if (typeof at === 'string') return { host: at, family: 'unix', port: 0 };
  return { host: at.address, family: at.family === 'IPv6' ? 6 : 4, port: at.port };
}

/** The descriptor of a server, which Node has a name for where it takes one, and none where it gives one. */
const descriptorOf = (server: Server): number =>
  (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;

/**
 * Starts a program that listens on `hosts`, three at most, for one drill, with whose site it ends. With an `answer` this process
 * keeps the sockets as well, and gives it to whoever says something.
 */
export async function startListening(
  site: DrillSite,
  script: string,
  hosts: readonly string[],
  env: Readonly<Record<string, string>> = {},
  answer?: string,
): Promise<{
  readonly pid: number;
  readonly sockets: readonly ListeningSocket[];
  readonly child: ChildProcess;
}> {
  site.random('PORT', PORT);
  site.random('PID', PID);
  const servers: Server[] = [];
  for (const host of hosts) {
    if (host.startsWith('/')) requireSocketPath(host);
    const server = await listen(host);
    servers.push(server);
    if (answer !== undefined)
      server.on('connection', (peer) => peer.on('error', () => {}).once('data', () => peer.end(answer)));
    site.onCleanup(() => void server.close());
  }
  const child = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'pipe', 'ignore', ...servers.map(descriptorOf)],
    env: { ...process.env, ...env },
    detached: true, // a group of its own, so that its child ends with it
  });
  site.onCleanup(() => endGroup(child));
  const sockets = servers.map(socketOf);
  // The program alone has them from now on; only the file of a unix socket would go with ours.
  if (answer === undefined)
    for (const [n, server] of servers.entries()) if (sockets[n]?.family !== 'unix') server.close();
  await Promise.race([once(child.stdout as Readable, 'data'), once(child, 'exit')]);
  if (child.pid === undefined || child.exitCode !== null) throw new Error('the program does not run');
  return { pid: child.pid, sockets, child };
}
