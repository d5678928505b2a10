// The files of a work tree as they lie there: every name, no index and no ignore rule has a say. Each is hashed as the blob that
// git would make of its bytes, without filters.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hashBounded } from '../../evidence/files.ts';

export interface WorkFile {
  readonly path: string;
  /** As git would record it; `other` for a pipe, a device, or what could not be read. */
  readonly mode: '100644' | '100755' | '120000' | 'other';
  /** SHA-1 of the blob, hex; empty for `other`. */
  readonly oid: string;
  /** Owned by another user than root and this one, or writable by others. */
  readonly open: boolean;
  /** A link that leads out of the work tree, or to an absolute path. */
  readonly leadsOut: boolean;
}

const MAX_FILES = 100_000;
const MAX_FILE_BYTES = 512 * 1024 * 1024;

const blobOf = (content: Uint8Array): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

const isOpen = ({ uid, mode }: Stats): boolean =>
  (uid !== 0 && uid !== process.geteuid?.()) || (mode & 0o022) !== 0;

/** Whether a relative link, followed by its text alone, leaves the work tree. */
function leaves(path: string, target: string): boolean {
  if (target.startsWith('/')) return true;
  let depth = path.split('/').length - 1;
  for (const step of target.split('/')) {
    if (step === '..') depth -= 1;
    else if (step !== '' && step !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

async function lookAt(root: string, path: string): Promise<WorkFile> {
  const file = join(root, path);
  const stat = await lstat(file);
  const nothing = { path, mode: 'other', oid: '', open: isOpen(stat), leadsOut: false } as const;
  if (stat.isSymbolicLink()) {
    const target = await readlink(file, { encoding: 'buffer' });
    // The mode of a link says nothing: its directory decides who may replace it.
    return {
      ...nothing,
      mode: '120000',
      oid: blobOf(target),
      open: false,
      leadsOut: leaves(path, target.toString()),
    };
  }
  if (!stat.isFile()) return nothing;
  const head = (size: number): string => `blob ${size}\0`;
  const oid = await hashBounded(file, { maxBytes: MAX_FILE_BYTES }, 'sha1', head).catch(() => undefined);
  if (oid === undefined) return nothing;
  return { ...nothing, mode: (stat.mode & 0o100) === 0 ? '100644' : '100755', oid };
}

export interface WorkTree {
  readonly files: readonly WorkFile[];
  /** A directory below the root that others own or may write to. */
  readonly openDirectory: boolean;
}

/** Looks at all files but the .git at the top. */
export async function observeWorkTree(root: string, signal: AbortSignal): Promise<WorkTree> {
  const files: WorkFile[] = [];
  let openDirectory = false;
  const walk = async (below: string): Promise<void> => {
    signal.throwIfAborted();
    openDirectory ||= isOpen(await lstat(join(root, below)));
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (path === '.git') continue;
      if (entry.isDirectory()) await walk(path);
      else files.push(await lookAt(root, path));
      if (files.length > MAX_FILES) throw new RangeError('too many files');
    }
  };
  await walk('');
  return { files, openDirectory };
}
