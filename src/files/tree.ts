// The one look at a directory and at everything below it: each object is held while it is read, so a name is never
// looked up twice. What lies there is described, not judged; every entry can be put to the rules for files.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, opendirSync, read, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { descend, fdWalk, type Method, pathWalk, requireRealProc, type Seen, step } from './descent.ts';
import {
  type Entry,
  entryOf,
  type FileFacts,
  onOneMount,
  openContent,
  ownerOf,
  PLAIN_NAME,
  readOnce,
  same,
  trustedOwners,
} from './walk.ts';

/** One object below the directory. */
export interface TreeEntry {
  /** Names joined by `/`, from the directory down. */
  readonly path: string;
  /** As if the walk had ended here. A directory has neither `file` nor `stopped`. */
  readonly facts: FileFacts;
}

export interface TreeFacts {
  /** The way to the directory, which is the last of its `directories`. `file` is never there. */
  readonly place: FileFacts;
  /** In the order of the walk: a directory, then what is in it, by name. */
  readonly entries: readonly TreeEntry[];
  /** False when there was more than the bounds allow; what is missing was not looked at. */
  readonly complete: boolean;
}

export interface TreeOptions {
  /** Paths whose content is kept, each with the most bytes it may have. Every other file is hashed and forgotten. */
  readonly keep?: ReadonlyMap<string, number>;
  readonly maxEntries: number;
  /** Directories inside each other. */
  readonly maxDepth: number;
  /** Bytes of one file. */
  readonly maxFileBytes: number;
  /** Bytes of all files together. */
  readonly maxTotalBytes: number;
  readonly signal?: AbortSignal | undefined;
}

const CHUNK = 256 * 1024;
const readAside = promisify(read);

/** Hashes up to one byte more than `size`, to notice a file that holds more than it says. */
async function hashOnce(fd: number, size: number, signal?: AbortSignal) {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
  let total = 0;
  while (total <= size) {
    signal?.throwIfAborted();
    const { bytesRead } = await readAside(fd, chunk, 0, Math.min(chunk.length, size + 1 - total), total);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return { digest: hash.digest('hex'), complete: total === size };
}

/** Returns the names in a directory, sorted, at most one more than `limit`: a directory may hold millions. */
function namesIn(path: string, limit: number): readonly string[] {
  const names: string[] = [];
  const directory = opendirSync(path);
  try {
    for (let entry = directory.readSync(); entry && names.length <= limit; entry = directory.readSync())
      names.push(entry.name);
  } finally {
    directory.closeSync();
  }
  return names.sort();
}

/** One walk, with what it has found so far. */
class TreeWalk {
  readonly entries: TreeEntry[] = [];
  complete = true;
  readonly #place: FileFacts;
  readonly #top: Seen;
  readonly #mounters = new Map<bigint, number | undefined>();
  readonly #options: TreeOptions;
  readonly #method: Method;
  #bytesLeft: number;

  constructor(place: FileFacts, top: Seen, options: TreeOptions, method: Method) {
    this.#place = place;
    this.#top = top;
    this.#options = options;
    this.#method = method;
    this.#bytesLeft = options.maxTotalBytes;
  }

  /** Looks at everything in a directory that is held open. `way` are the directories down to it. */
  async visit(directory: Seen, folder: readonly string[], way: readonly Entry[]): Promise<void> {
    const { maxEntries, maxDepth, signal } = this.#options;
    if (folder.length > maxDepth) {
      this.complete = false;
      return;
    }
    for (const name of namesIn(directory.reach, maxEntries - this.entries.length)) {
      signal?.throwIfAborted();
      if (this.entries.length >= maxEntries) {
        this.complete = false;
        return;
      }
      const held: number[] = [];
      try {
        await this.#look(directory, name, folder, way, held);
      } finally {
        for (const fd of held) closeSync(fd);
      }
    }
  }

  async #look(
    above: Seen,
    name: string,
    folder: readonly string[],
    way: readonly Entry[],
    held: number[],
  ): Promise<void> {
    const { keep, maxFileBytes, signal } = this.#options;
    const path = [...folder, name].join('/');
    const maxBytes = keep?.get(path) ?? maxFileBytes;
    const end = step(this.#method, above, name, 'file', held);
    const place = { ...this.#place, directories: way, maxBytes };
    if ('kind' in end) {
      this.entries.push({ path, facts: { ...place, stopped: end } });
      return;
    }
    const { stat } = end;
    const entry = entryOf(stat, ownerOf(end, this.#place.trustedOwners, this.#mounters));
    const oneDevice = this.#place.oneDevice && onOneMount(this.#top, end);
    if (stat.isDirectory()) {
      const inside = [...way, entry];
      const at = this.entries.length;
      await this.visit(end, [...folder, name], inside);
      const unchanged = same(stat, statSync(`${end.reach}/.`, { bigint: true }));
      this.entries.splice(at, 0, { path, facts: { ...place, directories: inside, oneDevice, unchanged } });
      return;
    }
    if (!stat.isFile() || stat.size > maxBytes || stat.size > this.#bytesLeft) {
      if (stat.isFile() && stat.size <= maxBytes) this.complete = false;
      this.entries.push({ path, facts: { ...place, oneDevice, file: entry } });
      return;
    }
    this.#bytesLeft -= Number(stat.size);
    const fd = openContent(end, name, this.#method);
    held.push(fd);
    const { complete, ...content } = keep?.has(path)
      ? await readOnce(fd, Number(stat.size), signal)
      : await hashOnce(fd, Number(stat.size), signal);
    const unchanged = complete && same(stat, fstatSync(fd, { bigint: true })) && this.#method.holds([end]);
    this.entries.push({ path, facts: { ...place, oneDevice, file: entry, ...content, unchanged } });
  }
}

/**
 * Looks at everything below one directory of a trusted root. Links are seen, never followed; a FIFO or a device is
 * never opened.
 *
 * @param root absolute path without links, `.`, `..` or a trailing slash
 * @param folder names of the directories from the root down; empty for the root itself
 * @throws CodedError `file.no-proc`, `file.unsupported-platform`, and system errors (EACCES, EIO): what keeps from looking.
 */
export async function observeTree(
  root: string,
  folder: readonly string[],
  options: TreeOptions,
  method: Method = process.platform === 'linux' ? fdWalk : pathWalk,
): Promise<TreeFacts> {
  const above = root === '/' ? [] : root.split('/').slice(1);
  if (!root.startsWith('/') || ![...above, ...folder].every((name) => PLAIN_NAME.test(name))) {
    const nowhere = { ancestors: [], directories: [], oneDevice: true, unchanged: true };
    const unasked = { method: method.name, trustedOwners: [], maxBytes: options.maxFileBytes };
    return { place: { ...unasked, ...nowhere, plainPath: false }, entries: [], complete: true };
  }
  // A dead network mount hangs whoever touches it: that must be a thread of the pool, so that the deadline can refuse.
  await lstat([root, ...folder].join('/')).catch(() => {});
  if (method === fdWalk) requireRealProc();
  const owners = trustedOwners('self-or-root', method);
  const trust = { method: method.name, trustedOwners: owners, maxBytes: options.maxFileBytes };
  const held: number[] = [];
  try {
    const { passed, last, stop } = descend(method, above, folder, held);
    const mounters = new Map<bigint, number | undefined>();
    const way = passed.map((seen) => entryOf(seen.stat, ownerOf(seen, owners, mounters)));
    const below = passed.slice(above.length);
    const place: FileFacts = {
      ...trust,
      plainPath: true,
      ancestors: way.slice(0, above.length),
      directories: way.slice(above.length),
      oneDevice: below.every((seen) => onOneMount(last, seen)),
      unchanged: true,
    };
    if (stop) return { place: { ...place, stopped: stop }, entries: [], complete: true };
    const walk = new TreeWalk(place, last, options, method);
    await walk.visit(last, [], place.directories);
    const unchanged = same(last.stat, statSync(`${last.reach}/.`, { bigint: true })) && method.holds(passed);
    return { place: { ...place, unchanged }, entries: walk.entries, complete: walk.complete };
  } finally {
    for (const fd of held) closeSync(fd);
  }
}
