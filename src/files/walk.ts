// The one look at a file: from / down to it, then its content, read and hashed once from what was judged. Nothing is
// followed and nothing is looked up by name twice, so there is no moment to swap anything in.
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import {
  descend,
  fdWalk,
  type Method,
  pathWalk,
  requireRealProc,
  type Seen,
  type Stop,
  step,
} from './descent.ts';
import { fuseOwner, mountIdOf, overflowUid } from './mounts.ts';

/** Whose files are believed: root's and this process's own, or root's alone. */
export type OwnerPolicy = 'self-or-root' | 'root';

/** One directory or file, as its descriptor showed it. */
export interface Entry {
  readonly kind: 'directory' | 'file' | 'other';
  /** Who can change it: the owner as shown, or whoever mounted a FUSE file system, where shown owners mean nothing. */
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
  readonly method: Method['name'];
  /** False when root or path is not made of plain names; nothing was opened then. */
  readonly plainPath: boolean;
  readonly trustedOwners: readonly number[];
  /** Directories above the root, from / down, as far as the walk went. */
  readonly ancestors: readonly Entry[];
  /** The root and the directories below it, as far as the walk went. */
  readonly directories: readonly Entry[];
  /** What ended the walk before the file: a link, nothing, or something that is no directory. */
  readonly stopped?: Stop;
  readonly file?: Entry;
  /** False when a directory below the root or the file lies on another mount, with a file system of its own. */
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
  /** Returns the memory that the content is read to. Default: memory of its own. */
  readonly room?: Room | undefined;
}

/** Returns so many bytes of memory, which need not be clean. */
export type Room = (bytes: number) => Buffer;

const CHUNK = 256 * 1024; // stays in the cache from the read to the hash
const LARGE = 8 * 1024 * 1024; // beyond, a thread of the pool reads ahead and timers get their turn
const readAside = promisify(read);

/**
 * Returns whose files are believed. The overflow uid owns nothing here, though it be our own: whoever is not mapped shows
 * as that.
 *
 * @throws CodedError `file.unsupported-platform`.
 */
export function trustedOwners(policy: OwnerPolicy, method: Method): readonly number[] {
  const self = process.geteuid?.();
  if (self === undefined) {
    const remedy = 'Run on Linux, or on another POSIX system.';
    throw new CodedError(
      'file.unsupported-platform',
      'owners and modes cannot be seen on this system',
      remedy,
    );
  }
  const unmapped = method === fdWalk && self === overflowUid();
  return policy === 'root' || unmapped ? [0] : [0, self];
}

/** The owner as shown, or the user who mounted a FUSE file system, unless that user is believed. */
export function ownerOf(
  { stat, fd }: Seen,
  owners: readonly number[],
  mounters: Map<bigint, number | undefined>,
): number {
  if (fd === undefined) return Number(stat.uid);
  // One question for each file system: it takes some microseconds.
  if (!mounters.has(stat.dev)) mounters.set(stat.dev, fuseOwner(fd));
  const mounter = mounters.get(stat.dev);
  return mounter === undefined || owners.includes(mounter) ? Number(stat.uid) : mounter;
}

/** Returns what rules judge of an object. */
export function entryOf(stats: BigIntStats, uid: number): Entry {
  const kind = stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
  const { mode, nlink, size } = stats;
  return { kind, uid, mode: Number(mode) & 0o7777, links: Number(nlink), size: Number(size) };
}

const SAME = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs', 'mode', 'uid', 'nlink'] as const;
/** Whether an object showed the same twice: itself, its size, owner, mode and times. */
export const same = (a: BigIntStats, b: BigIntStats): boolean => SAME.every((field) => a[field] === b[field]);

/** Reads up to one byte more than `size`, to notice a file that holds more than it says, and hashes on the way. */
export async function readOnce(
  fd: number,
  size: number,
  signal?: AbortSignal,
  room: Room = (bytes) => Buffer.allocUnsafeSlow(bytes),
): Promise<{ readonly bytes: Buffer; readonly digest: string; readonly complete: boolean }> {
  const buffer = room(size + 1);
  const hash = createHash('sha256');
  let total = 0;
  const next = (): number | Promise<number> => {
    const length = Math.min(CHUNK, buffer.length - total);
    if (size <= LARGE) return readSync(fd, buffer, total, length, total);
    return readAside(fd, buffer, total, length, total).then(({ bytesRead }) => bytesRead);
  };
  let count = await next();
  while (count > 0) {
    signal?.throwIfAborted();
    const chunk = buffer.subarray(total, total + count);
    total += count;
    const ahead = total < buffer.length ? next() : 0;
    hash.update(chunk);
    count = await ahead;
  }
  const bytes = buffer.subarray(0, Math.min(total, size));
  return { bytes, digest: hash.digest('hex'), complete: total === size };
}

/** overlayfs over two file systems shows a device for each, on one mount. Another mount differs in both. */
export const onOneMount = (a: Seen, b: Seen): boolean =>
  a.stat.dev === b.stat.dev ||
  (a.fd !== undefined && b.fd !== undefined && mountIdOf(a.fd) === mountIdOf(b.fd));

/** A name that cannot lead out of its directory. */
export const PLAIN_NAME: RegExp = /^(?!\.{1,2}$)[^/\0]+$/;

/** Of several files, whoever has to change a mode needs to know which. */
export function openContent({ reach }: Seen, name: string, { readFlags }: Method): number {
  try {
    return openSync(reach, readFlags);
  } catch (error) {
    const message = `${JSON.stringify(name)} could not be opened (${errnoOf(error)})`;
    const remedy = 'Make the file readable to this process.';
    throw new CodedError('file.unreadable', message, remedy, { cause: error });
  }
}

interface Look {
  readonly maxBytes: number;
  readonly end: Seen | Stop;
  readonly content?: { readonly fd: number } & Awaited<ReturnType<typeof readOnce>>;
}

/** What one file showed, its descriptor asked once more whether anything changed. */
function fileFacts(
  { end, content }: Look,
  owner: (seen: Seen) => number,
): Pick<FileFacts, 'stopped' | 'file' | 'bytes' | 'digest' | 'unchanged'> {
  if ('kind' in end) return { stopped: end, unchanged: true };
  const file = entryOf(end.stat, owner(end));
  if (!content) return { file, unchanged: true };
  const { fd, complete, bytes, digest } = content;
  return { file, bytes, digest, unchanged: complete && same(end.stat, fstatSync(fd, { bigint: true })) };
}

/**
 * Looks at files of one directory in one walk. They stay open until the last has been read, so `unchanged` holds for
 * all of them over the whole look.
 *
 * @param root absolute path without links, `.`, `..` or a trailing slash
 * @param folder names of the directories from the root down to the files
 * @throws CodedError `file.no-proc`, `file.unsupported-platform`, `file.unreadable` with the name of the file that could
 * not be opened, and system errors (EACCES, EIO): what keeps from looking.
 */
export async function observeFiles(
  root: string,
  folder: readonly string[],
  wanted: readonly WantedFile[],
  { owners = 'self-or-root', signal }: Omit<ObserveOptions, 'maxBytes'> = {},
  method: Method = process.platform === 'linux' ? fdWalk : pathWalk,
): Promise<readonly FileFacts[]> {
  const above = root === '/' ? [] : root.split('/').slice(1);
  const names = [...above, ...folder, ...wanted.map(({ name }) => name)];
  if (!root.startsWith('/') || !names.every((name) => PLAIN_NAME.test(name))) {
    const nowhere = { ancestors: [], directories: [], oneDevice: true, unchanged: true };
    const unasked = { method: method.name, trustedOwners: [] };
    return wanted.map(({ maxBytes }) => ({ ...unasked, ...nowhere, plainPath: false, maxBytes }));
  }
  // A dead network mount hangs whoever touches it: that must be a thread of the pool, so that the deadline can refuse.
  // What answers once is then asked directly, because the pool takes ten times as long as the calls themselves.
  await lstat([root, ...folder, wanted[0]?.name].join('/')).catch(() => {});
  if (method === fdWalk) requireRealProc();
  const trust = { method: method.name, trustedOwners: trustedOwners(owners, method) };
  const mounters = new Map<bigint, number | undefined>();
  const owner = (seen: Seen): number => ownerOf(seen, trust.trustedOwners, mounters);
  const held: number[] = [];
  try {
    const { passed, last, stop } = descend(method, above, folder, held);
    const ends = wanted.map((file) => ({
      ...file,
      end: stop ?? step(method, last, file.name, 'file', held),
    }));
    const looks: Look[] = [];
    for (const { name, maxBytes, room, end } of ends) {
      if ('kind' in end || !end.stat.isFile() || end.stat.size > maxBytes) {
        looks.push({ maxBytes, end });
        continue;
      }
      const fd = openContent(end, name, method);
      held.push(fd);
      const content = await readOnce(fd, Number(end.stat.size), signal, room);
      looks.push({ maxBytes, end, content: { fd, ...content } });
    }
    const below = [...passed.slice(above.length), ...looks.flatMap(({ end }) => ('kind' in end ? [] : end))];
    const way = passed.map((seen) => entryOf(seen.stat, owner(seen)));
    const place = {
      ...trust,
      plainPath: true,
      ancestors: way.slice(0, above.length),
      directories: way.slice(above.length),
      oneDevice: below.every((seen) => onOneMount(below[0] ?? seen, seen)),
    };
    const undisturbed = method.holds(passed);
    return looks.map((look) => {
      const facts = fileFacts(look, owner);
      return { ...place, maxBytes: look.maxBytes, ...facts, unchanged: facts.unchanged && undisturbed };
    });
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

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
