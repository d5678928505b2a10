// The way down to a file, one component at a time, each held open while the next is looked up below it. Node has no
// openat(2); on Linux `/proc/self/fd/N/name` does the same.
import {
  type BigIntStats,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';

export interface Seen {
  readonly stat: BigIntStats;
  /** A path that reaches this very object. */
  readonly reach: string;
  /** The descriptor that holds it, where one does. */
  readonly fd?: number;
}

/** How one component is looked at below its parent. `held` collects the descriptors to close. */
export interface Method {
  readonly name: 'fd-walk' | 'path-walk';
  /** Flags to open, for reading, what `look` has already found to be a regular file. */
  readonly readFlags: number;
  look(path: string, held: number[]): Seen;
  /** Whether what was seen on the way is still there. */
  holds(seen: readonly Seen[]): boolean;
}

/** What ended a walk before its file: a link, nothing at all, or something that is no directory. */
export interface Stop {
  readonly at: 'ancestor' | 'directory' | 'file';
  readonly kind: 'symlink' | 'missing' | 'other';
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
const O_PATH = 0o10000000; // open(2), on every architecture that Node runs on; missing from fs.constants
const READ = O_RDONLY | O_NONBLOCK | O_NOCTTY; // a file with a lease on it must not make us wait
const PROC_SUPER_MAGIC = 0x9fa0; // statfs(2)

/** Every object is held by an O_PATH descriptor: a link is seen as itself, and no FIFO or device is ever opened. */
export const fdWalk: Method = {
  name: 'fd-walk',
  readFlags: READ,
  look(path, held) {
    const fd = openSync(path, O_PATH | O_NOFOLLOW);
    held.push(fd);
    return { stat: fstatSync(fd, { bigint: true }), reach: `/proc/self/fd/${fd}`, fd };
  },
  holds: () => true,
};

/** Where there is no /proc: by path, refusing links, and looked at again once everything has been read. */
export const pathWalk: Method = {
  name: 'path-walk',
  readFlags: READ | O_NOFOLLOW,
  look: (path) => ({ stat: lstatSync(path, { bigint: true }), reach: path }),
  holds: (seen) =>
    seen.every(({ reach, stat: { dev, ino } }) => {
      const again = lstatSync(reach, { bigint: true });
      return again.dev === dev && again.ino === ino;
    }),
};

/**
 * A file system mounted over /proc could send the walk anywhere; libpathrs makes the same two checks. The procfs of
 * another PID namespace does not know this process, or knows it by another number.
 *
 * @throws CodedError `file.no-proc`.
 */
export function requireRealProc(): void {
  if (isRealProc()) return;
  const message = '/proc is not a procfs of the PID namespace of this process';
  throw new CodedError(
    'file.no-proc',
    message,
    'Mount procfs on /proc, in the PID namespace of this process.',
  );
}

function isRealProc(): boolean {
  try {
    const isProc = statfsSync('/proc').type === PROC_SUPER_MAGIC && statSync('/proc').ino === 1;
    return isProc && readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

/** Looks at one name below what was seen before. What the walk must not pass through ends it. */
export function step(method: Method, above: Seen, name: string, at: Stop['at'], held: number[]): Seen | Stop {
  let seen: Seen;
  try {
    seen = method.look(`${above.reach}/${name}`, held);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { at, kind: 'missing' };
    throw error;
  }
  if (seen.stat.isSymbolicLink()) return { at, kind: 'symlink' };
  return at === 'file' || seen.stat.isDirectory() ? seen : { at, kind: 'other' };
}

/** Passes through the directories from / down: those above the root, the root, those below. `last` is the lowest. */
export function descend(
  method: Method,
  above: readonly string[],
  folder: readonly string[],
  held: number[],
): { readonly passed: readonly Seen[]; readonly last: Seen; readonly stop?: Stop } {
  let last = method.look('/', held);
  const passed = [last];
  for (const [index, name] of [...above, ...folder].entries()) {
    const next = step(method, last, name, index < above.length - 1 ? 'ancestor' : 'directory', held);
    if ('kind' in next) return { passed, last, stop: next };
    passed.push(next);
    last = next;
  }
  return { passed, last };
}
