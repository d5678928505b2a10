// The one look at a file: from / down to it, one component at a time, each held open while the next is looked up
// below it. Nothing is followed and nothing is looked up by name twice, so there is no moment to swap anything in.
// Node has no openat(2); on Linux `/proc/self/fd/N/name` does the same.
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  open as openCallback,
  read as readCallback,
  statfsSync,
  statSync,
} from 'node:fs';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';

/** Whose files are believed: root's and this process's own, or root's alone. */
export type OwnerPolicy = 'self-or-root' | 'root';

/** One directory or file, as its descriptor showed it. */
export interface Entry {
  readonly kind: 'directory' | 'file' | 'symlink' | 'other';
  readonly uid: number;
  /** Permission, sticky and set-id bits. On Linux the group bits hold the mask of an ACL, so they show its writers. */
  readonly mode: number;
  readonly links: number;
  /** Bytes. */
  readonly size: number;
}

/** What one look found. Says nothing about whether it is acceptable: rules do. */
export interface FileFacts {
  /** `fd-walk` is free of races. `path-walk` is the best that other systems offer: swaps are noticed, not excluded. */
  readonly method: 'fd-walk' | 'path-walk';
  /** False when root or path is not made of plain names; nothing was opened then. */
  readonly plainPath: boolean;
  readonly trustedOwners: readonly number[];
  /** Directories above the root, from / down, as far as the walk went. */
  readonly ancestors: readonly Entry[];
  /** The root and the directories below it, as far as the walk went. */
  readonly directories: readonly Entry[];
  /** What ended the walk before the file: a link, nothing, or something that is no directory. */
  readonly stopped?: {
    readonly at: 'ancestor' | 'directory' | 'file';
    readonly kind: 'symlink' | 'missing' | 'other';
  };
  readonly file?: Entry;
  /** False when the root, a directory below it or the file lies on a file system of its own. */
  readonly oneDevice: boolean;
  readonly maxBytes: number;
  /** The content, read once; absent when the file was not regular or over `maxBytes`. */
  readonly bytes?: Buffer;
  /** SHA-256 of `bytes`, 64 lowercase hex digits. */
  readonly digest?: string;
  /** The file showed the same size, owner, mode and times before and after, and held exactly `size` bytes. */
  readonly unchanged: boolean;
}

export interface ObserveOptions {
  /** Largest file that is read, in bytes. */
  readonly maxBytes: number;
  /** Default `self-or-root`. */
  readonly owners?: OwnerPolicy;
  readonly signal?: AbortSignal | undefined;
}

/** A file to look at, beside others in one directory. */
export interface WantedFile {
  readonly name: string;
  readonly maxBytes: number;
}

interface Seen {
  readonly stat: BigIntStats;
  /** A path that reaches this very object. */
  readonly reach: string;
}

// Names are looked up in the thread pool: a dead network mount must run into the deadline, not stop the process. What
// asks an open descriptor is quick, and plain descriptors spare the thread pool half of the way.
const open = promisify(openCallback);
const read = promisify(readCallback);

/** How one component is looked at below its parent. `held` collects the descriptors to close. */
interface Method {
  readonly name: FileFacts['method'];
  /** Flags to open, for reading, what `look` has already found to be a regular file. */
  readonly readFlags: number;
  look(path: string, held: number[]): Promise<Seen>;
  /** Whether what was seen on the way is still there. */
  holds(seen: readonly Seen[]): Promise<boolean>;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
const O_PATH = 0o10000000; // open(2); the same on every Linux, and missing from fs.constants
const READ = O_RDONLY | O_NONBLOCK | O_NOCTTY; // a file with a lease on it must not make us wait
const PROC_SUPER_MAGIC = 0x9fa0; // statfs(2)
const CHUNK = 256 * 1024;

/** Every object is held by an O_PATH descriptor: a link is seen as itself, and no FIFO or device is ever opened. */
export const fdWalk: Method = {
  name: 'fd-walk',
  readFlags: READ,
  async look(path, held) {
    const fd = await open(path, O_PATH | O_NOFOLLOW);
    held.push(fd);
    return { stat: fstatSync(fd, { bigint: true }), reach: `/proc/self/fd/${fd}` };
  },
  holds: async () => true,
};

/** Where there is no /proc: by path, refusing links, and looked at again once everything has been read. */
export const pathWalk: Method = {
  name: 'path-walk',
  readFlags: READ | O_NOFOLLOW,
  look: async (path) => ({ stat: await lstat(path, { bigint: true }), reach: path }),
  async holds(seen) {
    const again = await Promise.all(seen.map(({ reach }) => lstat(reach, { bigint: true })));
    return again.every(
      ({ dev, ino }, index) => dev === seen[index]?.stat.dev && ino === seen[index]?.stat.ino,
    );
  },
};

/** A file system mounted over /proc could send the walk anywhere; libpathrs makes the same two checks. */
function requireRealProc(): void {
  if (statfsSync('/proc').type === PROC_SUPER_MAGIC && statSync('/proc').ino === 1) return;
  throw new CodedError('file.no-proc', '/proc is not a real procfs', 'Mount procfs on /proc.');
}

function trustedOwners(policy: OwnerPolicy): readonly number[] {
  const self = process.geteuid?.();
  if (self === undefined) {
    const remedy = 'Run on Linux, or on another POSIX system.';
    throw new CodedError(
      'file.unsupported-platform',
      'owners and modes cannot be seen on this system',
      remedy,
    );
  }
  return policy === 'root' ? [0] : [0, self];
}

function entryOf(stats: BigIntStats): Entry {
  const kind = stats.isDirectory()
    ? 'directory'
    : stats.isFile()
      ? 'file'
      : stats.isSymbolicLink()
        ? 'symlink'
        : 'other';
  const { uid, mode, nlink, size } = stats;
  return { kind, uid: Number(uid), mode: Number(mode) & 0o7777, links: Number(nlink), size: Number(size) };
}

const SAME = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs', 'mode', 'uid', 'nlink'] as const;
const same = (a: BigIntStats, b: BigIntStats): boolean => SAME.every((field) => a[field] === b[field]);

/** Reads up to one byte more than `size`, to notice a file that holds more than it says, and hashes on the way. */
async function readOnce(fd: number, size: number, signal?: AbortSignal) {
  const buffer = Buffer.allocUnsafeSlow(size + 1);
  const hash = createHash('sha256');
  let total = 0;
  const next = () => read(fd, buffer, total, Math.min(CHUNK, buffer.length - total), total);
  let { bytesRead } = await next();
  while (bytesRead > 0) {
    signal?.throwIfAborted();
    const chunk = buffer.subarray(total, total + bytesRead);
    total += bytesRead;
    // The next chunk is being read while this one is hashed.
    const reading = total < buffer.length ? next() : undefined;
    hash.update(chunk);
    bytesRead = (await reading)?.bytesRead ?? 0;
  }
  return {
    bytes: buffer.subarray(0, Math.min(total, size)),
    digest: hash.digest('hex'),
    complete: total === size,
  };
}

const PLAIN_NAME = /^(?!\.{1,2}$)[^/\0]+$/;
const plain = (names: readonly string[]): boolean => names.every((name) => PLAIN_NAME.test(name));

/**
 * Looks at files of one directory in one walk. They stay open until the last has been read, so `unchanged` holds for
 * all of them over the whole look.
 *
 * @param root absolute path without links, `.`, `..` or a trailing slash
 * @param folder names of the directories from the root down to the files
 * @throws CodedError `file.no-proc`, `file.unsupported-platform`, and system errors (EACCES, EIO): what keeps from looking.
 */
export async function observeFiles(
  root: string,
  folder: readonly string[],
  wanted: readonly WantedFile[],
  { owners = 'self-or-root', signal }: Omit<ObserveOptions, 'maxBytes'> = {},
  method: Method = process.platform === 'linux' ? fdWalk : pathWalk,
): Promise<readonly FileFacts[]> {
  const place = { method: method.name, trustedOwners: trustedOwners(owners) };
  const above = root === '/' ? [] : root.split('/').slice(1);
  if (!root.startsWith('/') || !plain([...above, ...folder, ...wanted.map(({ name }) => name)])) {
    const nothing = {
      ...place,
      plainPath: false,
      ancestors: [],
      directories: [],
      oneDevice: true,
      unchanged: true,
    };
    return wanted.map(({ maxBytes }) => ({ ...nothing, maxBytes }));
  }
  if (method === fdWalk) requireRealProc();
  const held: number[] = [];
  try {
    const walk = [await method.look('/', held)];
    let stopped: FileFacts['stopped'];
    const step = async (name: string, at: 'ancestor' | 'directory' | 'file'): Promise<Seen | undefined> => {
      signal?.throwIfAborted();
      try {
        const seen = await method.look(`${walk.at(-1)?.reach}/${name}`, held);
        const { kind } = entryOf(seen.stat);
        if (kind === 'directory' || (at === 'file' && kind !== 'symlink')) return seen;
        stopped = { at, kind: kind === 'symlink' ? 'symlink' : 'other' };
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        stopped = { at, kind: 'missing' };
      }
      return undefined;
    };
    for (const [index, name] of [...above, ...folder].entries()) {
      const seen = await step(name, index < above.length - 1 ? 'ancestor' : 'directory');
      if (!seen) break;
      walk.push(seen);
    }
    const directories = walk.map(({ stat: stats }) => entryOf(stats));
    const blocked = stopped;
    const shared = {
      ...place,
      plainPath: true,
      ancestors: directories.slice(0, above.length),
      directories: directories.slice(above.length),
    };
    const found = [];
    for (const { name, maxBytes } of wanted) {
      stopped = blocked;
      const seen = blocked ? undefined : await step(name, 'file');
      found.push({ maxBytes, seen, stopped, content: undefined as Content | undefined });
    }
    for (const look of found) {
      const { seen, maxBytes } = look;
      if (!seen?.stat.isFile() || seen.stat.size > maxBytes) continue;
      const fd = await open(seen.reach, method.readFlags);
      held.push(fd);
      look.content = { fd, ...(await readOnce(fd, Number(seen.stat.size), signal)) };
    }
    const below = [...walk.slice(above.length), ...found.flatMap(({ seen }) => seen ?? [])];
    const oneDevice = below.every(({ stat: { dev } }) => dev === below[0]?.stat.dev);
    const stillThere = await method.holds(walk);
    return found.map(({ seen, stopped: end, maxBytes, content }) => {
      const facts = { ...shared, oneDevice, maxBytes, ...(end ? { stopped: end } : {}) };
      if (!seen) return { ...facts, unchanged: true };
      const file = entryOf(seen.stat);
      if (!content) return { ...facts, file, unchanged: true };
      const { fd, complete, bytes, digest } = content;
      const after = fstatSync(fd, { bigint: true });
      return { ...facts, file, bytes, digest, unchanged: stillThere && complete && same(seen.stat, after) };
    });
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

type Content = { readonly fd: number } & Awaited<ReturnType<typeof readOnce>>;

/**
 * Looks at one file below a trusted root.
 *
 * @param relativePath names joined by `/`, from the root down
 * @throws as {@link observeFiles}.
 */
export async function observeFile(
  root: string,
  relativePath: string,
  options: ObserveOptions,
): Promise<FileFacts> {
  const folder = relativePath.split('/');
  const name = folder.pop() ?? '';
  const [facts] = await observeFiles(root, folder, [{ name, maxBytes: options.maxBytes }], options);
  if (!facts) throw new TypeError('one file wanted, none observed');
  return facts;
}
