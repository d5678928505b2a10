// Launchers whose limits hold, are missing, bind nobody or are wider than was said: by sh's ulimit, which every host has. Children
// are started for real, and try.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResourcesRequest } from '../../../guards/resources/resources.ts';
import { type Drill, DrillUnavailable } from '../../proof.ts';

type Limits = ResourcesRequest['limits'];

const MIB = 1_048_576;
/** Root, where it may raise limits, gives that up. */
const GIVE_UP = `drop='setpriv --bounding-set -sys_resource --inh-caps -sys_resource'
[ "$(id -u)" = 0 ] && $drop true 2>/dev/null && set -- $drop "$@"`;
const bare = (line: string): readonly string[] => ['/bin/sh', '-c', `${line}; exec "$@"`, 'sh'];
/** A launcher of sh: a line, and then the program. dash counts processes by -p, others by -u. */
const sh = (line: string): readonly string[] => bare(`${GIVE_UP}\n${line}`);
const processes = (most: number): string => `ulimit -u ${most} 2>/dev/null || ulimit -p ${most}`;

function drill(
  id: string,
  fault: string,
  expects: string,
  launcher: readonly string[],
  limits: Limits,
  more: Omit<ResourcesRequest, 'launcher' | 'limits'> = {},
): Drill<ResourcesRequest> {
  return {
    id,
    fault,
    expects: expects === 'allow' ? expects : `resources.${expects}`,
    build: async (site) => ({ launcher, limits, scratch: site.directory, ...more }),
  };
}

/**
 * A launcher that bounds the processes of a user, and is that user: of root's, the kernel bounds none. Root's launcher is a
 * stranger of its own for each process that drills: two that drill at once would count each other's children. `processes`
 * says which flag the shell has for it.
 */
const asUser = (most: number): readonly string[] => [
  process.execPath,
  '-e',
  `const id = 50000 + process.ppid % 10000;
  const user = process.getuid() === 0 ? { uid: id, gid: id } : {};
  require('node:child_process').spawnSync('/bin/sh', ['-c', ${JSON.stringify(`${processes(most)}; exec "$@"`)}, 'sh', ...process.argv.slice(1)],
    { ...user, stdio: 'inherit' })`,
];

/** How many processes and threads this user has. */
function tasksOfUser(): number {
  const user = process.getuid?.();
  const statuses = readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/status`, 'utf8')] : [];
    } catch {
      return []; // it ended
    }
  });
  const own = statuses.filter((text) => Number(/^Uid:\s+(\d+)/m.exec(text)?.[1]) === user);
  return own.reduce((sum, text) => sum + Number(/^Threads:\s+(\d+)/m.exec(text)?.[1] ?? 1), 0);
}

const processesOfUser: Drill<ResourcesRequest> = {
  id: 'processes-of-a-user',
  fault: 'none: processes are bounded for a user who is not root',
  expects: 'allow',
  build: async (site) => {
    site.random('MOST', /(?<="processes":|ulimit -[up] )\d+/g);
    const isRoot = process.getuid?.() === 0;
    const most = isRoot ? 20 : tasksOfUser() + 256; // other programs of the user come and go meanwhile
    if (isRoot && spawnSync('/bin/sh', ['-c', ':'], { uid: 50_000, gid: 50_000 }).status !== 0)
      throw new DrillUnavailable('Run it as a user, or as a root who may start programs as another.');
    return { launcher: asUser(most), limits: { processes: most } };
  },
};

/** Ends the program once it has used a fifth of a second of CPU time: fields 14 and 15 of proc(5), in ticks of 1/100 s. */
const END_ONCE_BUSY = `"$@" &
until read -r line <"/proc/$!/stat"; set -- \${line##*\\) }; [ $((\${12}+\${13})) -gt 20 ]; do sleep 0.05 || sleep 1; done
kill -9 $!`;

const OPEN = { openFiles: 64 };
const NONE = sh(':');

export const resourcesDrills: readonly Drill<ResourcesRequest>[] = [
  drill(
    'limited',
    'none: memory, open files and files are bounded by ulimit',
    'allow',
    sh(`ulimit -v ${64 * 1024}; ulimit -n 64; ulimit -f 8`),
    { memoryBytes: 64 * MIB, openFiles: 64, fileBytes: 8_192 },
  ),
  drill('tighter', 'none: a limit that is tighter than was said', 'allow', sh('ulimit -n 32'), OPEN),
  drill('data', 'none: memory is bounded by the data segment', 'allow', sh(`ulimit -d ${32 * 1024}`), {
    memoryBytes: 32 * MIB,
  }),
  drill('cpu', 'none: CPU time is bounded', 'allow', sh('ulimit -t 1'), { cpuSeconds: 1 }),
  processesOfUser,
  drill('no-memory-limit', 'no limit of memory', 'memory', NONE, { memoryBytes: 32 * MIB }),
  drill('no-process-limit', 'no limit of processes', 'processes', NONE, { processes: 8 }),
  drill('no-file-limit', 'no limit of open files', 'open-files', NONE, OPEN),
  drill('no-size-limit', 'no limit of the size of a file', 'file-size', NONE, { fileBytes: 8_192 }),
  drill('no-cpu-limit', 'no limit of CPU time', 'cpu-time', NONE, { cpuSeconds: 1 }),
  drill('soft-limit', 'a soft limit, which a payload raises', 'open-files', sh('ulimit -S -n 64'), OPEN),
  drill('soft-size', 'a soft limit of the size of a file', 'file-size', sh('ulimit -S -f 8'), {
    fileBytes: 8_192,
  }),
  drill('wider', 'a limit that allows a little more than was said', 'open-files', sh('ulimit -n 80'), OPEN),
  drill('wider-memory', 'a limit of memory above what was said', 'memory', sh(`ulimit -v ${128 * 1024}`), {
    memoryBytes: 64 * MIB,
  }),
  drill(
    'in-a-subshell',
    'a limit that another process set for itself',
    'open-files',
    sh('(ulimit -n 64)'),
    OPEN,
  ),
  {
    id: 'limit-of-root',
    fault: 'a limit of processes on root, who is exempt',
    expects: 'resources.processes',
    build: async (site) => {
      if (process.getuid?.() !== 0) site.fallBack('no limit of processes at all: this is no root');
      const launcher = sh(`[ "$(id -u)" != 0 ] || { ${processes(20)}; }`);
      return { launcher, limits: { processes: 20 } };
    },
  },
  {
    id: 'raised-by-root',
    fault: 'a hard limit on root, who may raise it',
    expects: 'resources.open-files',
    build: async (site) => {
      const capabilities = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
      const mayRaise = ((BigInt(`0x${capabilities}`) >> 24n) & 1n) === 1n; // CAP_SYS_RESOURCE
      if (!mayRaise) site.fallBack('no limit at all: this process may not raise one');
      return { launcher: bare('(ulimit -n 32; ulimit -n 64) 2>/dev/null && ulimit -n 64'), limits: OPEN };
    },
  },
  drill('no-launcher', 'a launcher that starts nothing', 'not-started', ['/bin/false'], OPEN),
  drill('missing-launcher', 'a launcher that is not there', 'not-started', ['/nonexistent/launcher'], OPEN),
  {
    ...drill('no-scratch', 'a directory that is not there', 'not-started', sh('ulimit -f 8'), {
      fileBytes: 8_192,
    }),
    build: async (site) => ({
      launcher: sh('ulimit -f 8'),
      limits: { fileBytes: 8_192 },
      scratch: join(site.directory, 'missing'),
    }),
  },
  drill(
    'killed-by-another',
    'a child that somebody ended before it could take too much',
    'unexplained',
    ['/bin/sh', '-c', END_ONCE_BUSY, 'sh'],
    { cpuSeconds: 5 },
  ),
  drill(
    'one-process-only',
    'limits of each process where all descendants were to be bounded',
    'tree-unbounded',
    sh(`ulimit -v ${64 * 1024}`),
    { memoryBytes: 64 * MIB },
    { bounds: 'tree' },
  ),
];
