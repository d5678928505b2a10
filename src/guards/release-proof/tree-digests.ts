// The digests of all files below a directory. Links are named, not followed; nothing else than a plain file is opened.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { hashBounded, readPlainNow } from '../../evidence/files.ts';
import { pause } from '../../evidence/pass.ts';
import { sha256Hex } from '../../evidence/sha256.ts';

/** For a link, a device or what could not be read. */
export const NOT_PLAIN = 'not-plain';
/** Path below the directory to SHA-256, hex, or {@link NOT_PLAIN}. */
export type TreeDigests = ReadonlyMap<string, string>;

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** No package has so many; somebody named a whole file system. */
const MAX_PATHS = 100_000;

/** Up to this many bytes a file is read at once: of thousands of small files each wait costs more than the file. */
const SMALL_BYTES = 1_048_576;
/** So many are read before others have their turn. */
const AT_ONCE = 64;

async function digestOf(file: string): Promise<string> {
  try {
    return sha256Hex(readPlainNow(file, SMALL_BYTES));
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'read.too-large')) return NOT_PLAIN;
  }
  return await hashBounded(file, { maxBytes: MAX_FILE_BYTES }, 'sha256').catch(() => NOT_PLAIN);
}

/** Adds to `found` the paths of all that is no directory, joined by `/`; `skip` leaves out whole directories. */
async function list(
  directory: string,
  skip: (path: string) => boolean,
  signal: AbortSignal,
  found: string[] = [],
  below = '',
): Promise<readonly string[]> {
  signal.throwIfAborted();
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (found.length >= MAX_PATHS) throw new RangeError(`more than ${MAX_PATHS} files`);
    if (!entry.isDirectory()) found.push(path);
    else if (!skip(path)) await list(directory, skip, signal, found, path);
  }
  return found;
}

/** Returns the digests of the files for which `wanted` says so; `undefined` where there is no such directory. */
export async function digestTree(
  directory: string,
  wanted: (path: string) => boolean,
  signal: AbortSignal,
  skip: (path: string) => boolean = () => false,
): Promise<TreeDigests | undefined> {
  let paths: readonly string[];
  try {
    paths = await list(directory, skip, signal);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
  const digests = new Map<string, string>();
  for (const [n, path] of paths.filter(wanted).toSorted().entries()) {
    if (n % AT_ONCE === 0) await pause();
    signal.throwIfAborted();
    digests.set(path, await digestOf(join(directory, path.split('/').join(sep))));
  }
  return digests;
}

/** Returns what the list of dependencies says of a package: count and digest of its files but those below `builds`. */
export function digestOfPackage(
  tree: TreeDigests,
  builds: readonly string[] = [],
): { readonly files: number; readonly digest: string } {
  const came = [...tree].filter(([path]) => !builds.some((start) => path.startsWith(start)));
  const hash = createHash('sha256');
  for (const [path, digest] of came) hash.update(`${path}\0${digest}\n`);
  return { files: came.length, digest: hash.digest('hex') };
}
