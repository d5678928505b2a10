// Programs that listen, each a real process: where it was told to, and where nobody told it to.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListenersRequest } from '../../../guards/bind/listeners.ts';
import type { Drill } from '../../proof.ts';
import { endGroup, HOLD, IN_CHILD, startListening } from './listening-program.ts';

type Granted = ListenersRequest['granted'][number];

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
      const { hosts, script = HOLD, granted = (sockets) => sockets, ended } = program;
      const started = await startListening(site, script, hosts(site.directory));
      if (ended) await endGroup(started.child);
      return { pid: started.pid, granted: [...granted(started.sockets)] };
    },
  };
}

/** An abstract name, and a row of /proc/net/unix in it that says where the socket at a path of another process is. */
async function forgedName(pid: number, path: string, host: string): Promise<string> {
  const table = await readFile(`/proc/${pid}/net/unix`, 'utf8');
  const inode = table
    .split('\n')
    .find((row) => row.endsWith(` ${path}`))
    ?.split(/ +/)[6];
  // As long as a name can be: libuv fills up shorter ones.
  return `@${`\n0: 00000002 00000000 00010000 0001 01 ${inode ?? ''} ${host}`.padStart(107, 'x')}`;
}

const first = (sockets: readonly Granted[]): readonly Granted[] => sockets.slice(0, 1);
const LOOPBACK = '127.0.0.1';

export const listenersDrills: readonly Drill<ListenersRequest>[] = [
  drill('as-granted', 'none: it listens where it may', 'allow', {
    hosts: (directory) => [join(directory, 'ui.sock'), LOOPBACK, '127.0.0.2'],
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
  drill('unix-socket-return', 'a unix socket with a carriage return in its name', 'listeners.not-granted', {
    hosts: (directory) => [LOOPBACK, join(directory, 'debug\r.sock')],
    granted: first,
  }),
  drill('unix-socket-longer', 'a unix socket whose name goes on after a line feed', 'listeners.not-granted', {
    hosts: (directory) => [join(directory, 'ui.sock\nx')],
    granted: ([socket]) => (socket ? [{ ...socket, host: socket.host.replace(/\n.*/, '') }] : []),
  }),
  {
    id: 'forged-row',
    fault: 'the name of another socket says that this one is where it was granted',
    expects: 'listeners.unseen',
    build: async (site) => {
      const [path, host] = [join(site.directory, 'debug.sock'), '/run/ui.sock'];
      const { pid } = await startListening(site, HOLD, [path]);
      await startListening(site, HOLD, [await forgedName(pid, path, host)]);
      return { pid, granted: [{ host, family: 'unix', port: 0 }] };
    },
  },
  drill('silent', 'nothing listens on what was granted', 'listeners.missing', {
    hosts: () => [LOOPBACK],
    granted: (sockets) => [...sockets, { host: LOOPBACK, family: 4, port: 1 }],
  }),
  drill('ended', 'the program has ended', 'listeners.unseen', { hosts: () => [LOOPBACK], ended: true }),
];
