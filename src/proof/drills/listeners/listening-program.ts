// Programs that listen where they are told, each a process of its own in a group of its own.
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ListeningSocket } from '../../../guards/bind/listening-sockets.ts';
import type { DrillSite } from '../../proof.ts';
import { PID, PORT } from '../../random.ts';

/** Listens on each of its arguments, a host, a path, or `@` and an abstract name, and prints what it got, one line of JSON each. */
export const LISTEN = `
  const { createServer } = require('node:net');
  for (const text of process.argv.slice(1)) {
    const server = createServer();
    server.listen(/^[/@]/.test(text) ? { path: text.replace('@', '\\0') } : { host: text, port: 0 }, () => {
      const at = server.address();
      console.log(JSON.stringify(typeof at === 'string' ? { host: at, family: 'unix', port: 0 } : { host: at.address, family: at.family === 'IPv6' ? 6 : 4, port: at.port }));
    });
  }`;
/** Does the same in a child of its own. */
export const IN_CHILD = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(LISTEN)}, '--', ...process.argv.slice(1)], { stdio: 'inherit' });`;

export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}

/** Starts a program that listens on `hosts`. Its standard input stays open for as long as this process lives. */
export function spawnListening(
  script: string,
  hosts: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(process.execPath, ['-e', script, '--', ...hosts], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
    detached: true, // a group of its own, so that its child ends with it
  });
}

/** Waits until it listens on as many as it was told; returns its pid and what they are, in the order in which they listened. */
export async function toldBy(
  child: ChildProcessByStdio<Writable, Readable, null>,
  count: number,
): Promise<{ readonly pid: number; readonly sockets: readonly ListeningSocket[] }> {
  const sockets: ListeningSocket[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    sockets.push(JSON.parse(line) as ListeningSocket);
    if (sockets.length === count) break;
  }
  if (sockets.length < count || child.pid === undefined) throw new Error('the program did not listen');
  return { pid: child.pid, sockets };
}

/** The same for one drill, with whose site it ends. */
export async function startListening(
  site: DrillSite,
  script: string,
  hosts: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Awaited<ReturnType<typeof toldBy>> & { readonly child: ChildProcess }> {
  const child = spawnListening(script, hosts, env);
  site.random('PORT', PORT);
  site.random('PID', PID);
  site.onCleanup(() => endGroup(child));
  return { ...(await toldBy(child, hosts.length)), child };
}
