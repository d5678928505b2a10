// How every room keeps files of its own: made durable before anybody relies on them, read within a bound and only when
// they are what the caller may believe. A crash leaves the old content or the new, never a mixture.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError, errnoOf } from './coded-error.ts';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** Makes what was created, renamed or removed in a directory last (fsync(2): the file's own sync does not cover its name). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, O_RDONLY | O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory and the parents it lacks, mode 0700, durably: each new name is synced in its parent. */
export async function makeDirectory(path: string): Promise<void> {
  const target = resolve(path);
  const first = await mkdir(target, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = target; made.length >= first.length; made = dirname(made))
    await syncDirectory(dirname(made));
}

/** Whether a path is a real directory of this user's that nobody else can put files into. */
export async function isOwnDirectory(path: string): Promise<boolean> {
  const { mode, uid } = await lstat(path);
  const directoryOnly = (mode & 0o170022) === 0o040000;
  return directoryOnly && (process.geteuid === undefined || uid === process.geteuid());
}

/** Writes all bytes at the end of what the handle is open for. A full disk may take a part and report that as success. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, null);
    if (bytesWritten === 0) throw Object.assign(new Error('wrote nothing'), { code: 'EIO' });
    done += bytesWritten;
  }
}

/** Who may read a new file: its permission bits, and the group that they speak of. */
export interface Readers {
  readonly mode: number;
  /** -1: that of this process. */
  readonly gid: number;
}

/** Writes the content under a name that nobody knows, durably, and lets `place` move it to `path`. */
async function writeBeside(
  path: string,
  content: string | Uint8Array,
  place: (draft: string) => Promise<void>,
  like?: Readers,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.draft`);
  const file = await open(draft, 'wx', 0o600);
  try {
    try {
      await writeAll(file, Buffer.from(content));
      if (like !== undefined) {
        await file.chown(-1, like.gid);
        await file.chmod(like.mode);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await place(draft);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Removes what a process that was killed while it wrote one of these files left beside it. No other may be writing them. */
export async function removeDrafts(directory: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, of] = /^\.(.+)\.[0-9a-f]{16}\.draft$/.exec(name) ?? [];
    if (of !== undefined && isOurs(of)) await rm(join(directory, name), { force: true });
  }
}

/**
 * Replaces a file: after a crash the old one or the new one is there (rename(2)). Replaces a link, not its target. The
 * new one has mode 0600, or the readers of another file.
 */
export async function replaceFile(path: string, content: string | Uint8Array, like?: Readers): Promise<void> {
  await writeBeside(path, content, (draft) => rename(draft, path), like);
  await syncDirectory(dirname(path));
}

/** As {@link replaceFile}, for one of many files: that the new one is there lasts once its directory is synced. */
export function replaceOneOfMany(path: string, content: Uint8Array): Promise<void> {
  return writeBeside(path, content, (draft) => rename(draft, path));
}

/**
 * Makes a file, mode 0600, with its whole content or not at all, and never replaces one (link(2)).
 *
 * @throws system error `EEXIST`; `EPERM` on a file system without hard links.
 */
export async function publishFile(path: string, content: string | Uint8Array): Promise<void> {
  await writeBeside(path, content, async (draft) => {
    await link(draft, path);
    await unlink(draft);
  });
  await syncDirectory(dirname(path));
}

/**
 * Opens a file for {@link append} and for reading; makes it, mode 0600, where it is missing. Follows no link. `flags` are
 * further ones of open(2).
 */
export function openAppend(path: string, flags = 0): Promise<FileHandle> {
  return open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | flags, 0o600);
}

/** Adds bytes to a file that {@link openAppend} opened, durably; the name of a new file needs {@link syncDirectory} too. */
export async function append(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await writeAll(file, bytes);
  await file.datasync();
}

const tooLarge = (maxBytes: number): CodedError =>
  new CodedError('read.too-large', `it holds more than ${maxBytes} bytes`, 'Give less.');

/** Returns all that a stream holds. @throws CodedError `read.too-large`. */
export async function readStream(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What a file must be to be read. */
export interface ReadPolicy {
  /** Longest content, in bytes. */
  readonly maxBytes: number;
  /** `own`: of this user or of root. `any`, the default: whoever gave us the path vouches for it. */
  readonly owner?: 'own' | 'any';
  /** Permission bits that must not be set. Default 0. */
  readonly forbiddenMode?: number;
  /** Follows a link at the end of the path. Default false. */
  readonly follow?: boolean;
  /** Reads a pipe or a device as well, as long as it takes. Default false: a FIFO or /dev/zero put there is refused at once. */
  readonly anyKind?: boolean;
}

const refuse = (code: string, message: string, remedy: string): CodedError =>
  new CodedError(code, message, remedy);

/** Gives each part of what a handle holds, from its start, to `take`. A file may grow, or hold more than it says (/proc). */
async function eachPart(
  file: FileHandle,
  maxBytes: number,
  take: (part: Buffer) => void,
  partBytes: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const stat = await file.stat();
  const plain = stat.isFile();
  // Nothing is read, and no room made, for what is too large by its own account.
  if (plain && stat.size > maxBytes) throw tooLarge(maxBytes);
  for (let total = 0; ; ) {
    // One byte more than is allowed tells the end from the bound.
    const wanted = Math.min(Math.max(plain ? stat.size - total : 65_536, 64) + 1, partBytes);
    const part = Buffer.allocUnsafe(Math.min(wanted, maxBytes - total + 1));
    const { bytesRead } = await file.read(part, 0, part.length, plain ? total : null);
    if (bytesRead === 0) return;
    total += bytesRead;
    if (total > maxBytes) throw tooLarge(maxBytes);
    take(part.subarray(0, bytesRead));
  }
}

/** Returns what a handle holds, within the bound. */
export async function readHandle(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  await eachPart(file, maxBytes, (part) => parts.push(part));
  return Buffer.concat(parts);
}

/**
 * Opens a file that is what `policy` asks for, judged on the descriptor that `use` then reads.
 *
 * @throws CodedError `read.not-plain`, `read.foreign-owner`, `read.open-mode`; system errors (`ELOOP` for a link that is
 * not followed); what `use` throws.
 */
async function withPlain<T>(
  path: string,
  policy: ReadPolicy,
  use: (file: FileHandle, stat: Stats) => Promise<T>,
): Promise<T> {
  const { owner = 'any', forbiddenMode = 0, follow = false, anyKind = false } = policy;
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const flags = O_RDONLY | (follow ? 0 : O_NOFOLLOW) | (anyKind ? 0 : O_NONBLOCK);
  const file = await open(path, flags);
  try {
    const stat = await file.stat();
    if (!anyKind && !stat.isFile())
      throw refuse('read.not-plain', 'it is no plain file', 'Put a plain file there.');
    const foreign = stat.uid !== 0 && stat.uid !== (process.geteuid?.() ?? stat.uid);
    if (owner === 'own' && foreign)
      throw refuse('read.foreign-owner', 'another user owns it', 'Make it a file of your own.');
    if ((stat.mode & forbiddenMode) !== 0)
      throw refuse('read.open-mode', 'group or others may use it', 'Make it mode 0600.');
    return await use(file, stat);
  } finally {
    await file.close();
  }
}

/**
 * Returns the content of a file that is what `policy` asks for.
 *
 * @throws CodedError `read.too-large` and as {@link withPlain}.
 */
export function readBounded(path: string, policy: ReadPolicy): Promise<Buffer> {
  return withPlain(path, policy, (file) => readHandle(file, policy.maxBytes));
}

/**
 * Returns the content of a plain file at once: for thousands of small files, where each wait costs more than the file.
 *
 * @throws CodedError `read.not-plain`, `read.too-large`; system errors.
 */
export function readPlainNow(path: string, maxBytes: number): Buffer {
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw refuse('read.not-plain', 'it is no plain file', 'Put a plain file there.');
    if (stat.size > maxBytes) throw tooLarge(maxBytes);
    const bytes = Buffer.allocUnsafe(stat.size + 1);
    let total = 0;
    for (let read = -1; read !== 0 && total < bytes.length; total += read)
      read = readSync(file, bytes, total, bytes.length - total, total);
    // It grew meanwhile, or holds more than it says (/proc).
    if (total > stat.size) throw tooLarge(stat.size);
    return bytes.subarray(0, total);
  } finally {
    closeSync(file);
  }
}

/**
 * Returns the digest of a file, in hex, in little memory whatever its size. `prefix` is what is hashed before the content; it
 * is told how much that is.
 *
 * @throws CodedError `read.changed` for a file that grew or shrank meanwhile, and as {@link readBounded}.
 */
export function hashBounded(
  path: string,
  policy: ReadPolicy,
  algorithm: 'sha1' | 'sha256',
  prefix: (size: number) => string = () => '',
): Promise<string> {
  return withPlain(path, policy, async (file, { size }) => {
    const hash = createHash(algorithm).update(prefix(size));
    let total = 0;
    await eachPart(
      file,
      policy.maxBytes,
      (part) => {
        hash.update(part);
        total += part.length;
      },
      1_048_576,
    );
    if (total !== size) throw refuse('read.changed', 'it changed while it was read', 'Try again.');
    return hash.digest('hex');
  });
}

/** Returns why a call of this module failed, for a message: our own words, or the errno name. */
export function whyOf(error: unknown): string {
  return error instanceof CodedError ? error.message : errnoOf(error);
}

/** What lies below a directory. */
export interface FilesBelow {
  /** Plain files, by their paths below the directory, in order. */
  readonly files: readonly string[];
  /** Links, pipes and devices: nobody follows or opens them. */
  readonly others: readonly string[];
}

/**
 * Returns what lies below a directory, which may be missing: then nothing does. Directories whose name begins with a dot are
 * left out.
 *
 * @throws CodedError `read.too-many`; system errors.
 */
export async function filesBelow(directory: string, maxFiles: number): Promise<FilesBelow> {
  const found: { readonly files: string[]; readonly others: string[] } = { files: [], others: [] };
  const visit = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(directory, below), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (!entry.isDirectory()) (entry.isFile() ? found.files : found.others).push(path);
      else if (depth < 16 && !entry.name.startsWith('.')) await visit(path, depth + 1);
      if (found.files.length + found.others.length > maxFiles)
        throw refuse('read.too-many', `it holds more than ${maxFiles} files`, 'Name a smaller directory.');
    }
  };
  try {
    if (!(await lstat(directory)).isDirectory()) return { files: [], others: [''] };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return found;
    throw error;
  }
  await visit('', 0);
  return found;
}
