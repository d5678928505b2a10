// Programs that listen, each a real process: where it was told to, and where nobody told it to.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ListenersRequest } from '../../../guards/bind/listeners.ts';
import type { Drill, DrillSite } from '../../proof.ts';

type Granted = ListenersRequest['granted'][number];

/** Listens on each of its arguments, a host or a path, and prints what it got, one line of JSON each. */
const LISTEN = `
  const { createServer } = require('node:net');
  for (const text of process.argv.slice(1)) {
    const server = createServer();
    server.listen(text.startsWith('/') ? { path: text } : { host: text, port: 0 }, () => {
      const at = server.address();
      console.log(JSON.stringify(typeof at === 'string' ? { host: at, family: 'unix', port: 0 } : { host: at.address, family: at.family === 'IPv6' ? 6 : 4, port: at.port }));
    });
  }`;
/** Does the same in a child of its own. */
const IN_CHILD = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(LISTEN)}, '--', ...process.argv.slice(1)], { stdio: 'inherit' });`;

async function end(child: ChildProcess, group: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  process.kill(group ? -child.pid : child.pid, 'SIGKILL');
  await ended;
}

/** Starts a program that listens on `hosts`, and returns it with what it listens on, in the order of `hosts`. */
async function start(site: DrillSite, script: string, hosts: readonly string[]) {
  const child = spawn(process.execPath, ['-e', script, '--', ...hosts], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true, // a group of its own, so that its child ends with it
  });
  site.onCleanup(() => end(child, true));
  const sockets: Granted[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    sockets.push(JSON.parse(line) as Granted);
    if (sockets.length === hosts.length) break;
  }
  if (sockets.length < hosts.length || child.pid === undefined) throw new Error('the program did not listen');
  return { pid: child.pid, sockets, child };
}

interface Program {
  readonly hosts: (directory: string) => readonly string[];
  readonly script?: string;
  /** What of it is granted. Default: all. */
  readonly granted?: (sockets: readonly Granted[]) => readonly Granted[];
  readonly ended?: true;
}

function drill(id: string, fault: string, expects: string, program: Program): Drill<ListenersRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const { hosts, script = LISTEN, granted = (sockets) => sockets, ended } = program;
      const started = await start(site, script, hosts(await realpath(site.directory)));
      if (ended) await end(started.child, true);
      return { pid: started.pid, granted: [...granted(started.sockets)] };
    },
  };
}

const first = (sockets: readonly Granted[]): readonly Granted[] => sockets.slice(0, 1);
const LOOPBACK = '127.0.0.1';

export const listenersDrills: readonly Drill<ListenersRequest>[] = [
  drill('as-granted', 'none: it listens where it may', 'allow', {
    hosts: (directory) => [LOOPBACK, '127.0.0.2', join(directory, 'ui.sock')],
  }),
  drill('child-as-granted', 'none: its child listens where it may', 'allow', {
    hosts: () => [LOOPBACK],
    script: IN_CHILD,
  }),
  drill('second-socket', 'a second socket, on every interface', 'listeners.not-granted', {
    hosts: () => [LOOPBACK, '0.0.0.0'],
    granted: first,
  }),
  drill('other-address', 'the granted port on another address', 'listeners.not-granted', {
    hosts: () => ['0.0.0.0'],
    granted: ([socket]) => (socket ? [{ ...socket, host: LOOPBACK }] : []),
  }),
  drill('child-socket', 'a socket that its child opened', 'listeners.not-granted', {
    hosts: () => ['0.0.0.0'],
    script: IN_CHILD,
    granted: () => [],
  }),
  drill('unix-socket', 'a unix socket that nobody granted', 'listeners.not-granted', {
    hosts: (directory) => [LOOPBACK, join(directory, 'debug.sock')],
    granted: first,
  }),
  drill('silent', 'nothing listens on what was granted', 'listeners.missing', {
    hosts: () => [LOOPBACK],
    granted: (sockets) => [...sockets, { host: LOOPBACK, family: 4, port: 1 }],
  }),
  drill('ended', 'the program has ended', 'listeners.unseen', { hosts: () => [LOOPBACK], ended: true }),
];
