// The files of a journal directory: where they are, how they are read within bounds, and how one is replaced so that a
// crash leaves the old or the new, never a mixture.
import { constants } from 'node:fs';
import { lstat, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, errnoOf } from './coded-error.ts';
import type { JournalFiles } from './verify.ts';

export const JOURNAL_FILE = 'journal.jsonl';
export const CHECKPOINT_FILE = 'checkpoint';

/** A journal is read whole to verify it, so it may not outgrow memory. */
export const MAX_JOURNAL_BYTES: number = 64 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES = 64 * 1024;

/** A failure of the journal. */
export const fail = (code: string, message: string, remedy: string, cause?: unknown): CodedError =>
  new CodedError(code, message, remedy, cause === undefined ? undefined : { cause });

/** The refusal of a journal at its limit. */
export const journalFull = (): CodedError =>
  fail(
    'journal.full',
    'the journal has reached its size limit',
    'Keep this directory and give the process a new one; journals end at 64 MiB.',
  );

/** Replaces a file so that a crash leaves the old one or the new one, never a mixture. */
export async function replaceFile(
  directory: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const temporary = join(directory, `.${name}.${process.pid}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
  await syncDirectory(directory);
}

/** Whether a path is a real directory of this user's that nobody else can put files into. */
export async function isOwnDirectory(path: string): Promise<boolean> {
  const { mode, uid } = await lstat(path);
  const directoryOnly = (mode & 0o170022) === 0o040000;
  return directoryOnly && (process.geteuid === undefined || uid === process.geteuid());
}

/** Makes what was created or renamed in a directory survive a crash. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads a plain file within a bound. A directory from elsewhere may hold a FIFO or a link to /dev/zero instead. */
export async function readPlain(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw Object.assign(new Error('not a plain file'), { code: 'EINVAL' });
    if (stat.size > maxBytes) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Returns the checkpoint as text; `undefined` when there is none. */
export async function readCheckpoint(directory: string): Promise<string | undefined> {
  try {
    return (await readPlain(join(directory, CHECKPOINT_FILE), MAX_CHECKPOINT_BYTES)).toString('utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Returns the bytes of the journal in `directory`, for {@link verifyJournal}. Takes no lock: the checkpoint is read
 * first, so lines appended meanwhile are merely not covered by it.
 *
 * @throws CodedError `journal.unreadable`.
 */
export async function readJournal(directory: string): Promise<JournalFiles> {
  try {
    const checkpoint = await readCheckpoint(directory);
    return { journal: await readPlain(join(directory, JOURNAL_FILE), MAX_JOURNAL_BYTES), checkpoint };
  } catch (error) {
    const message = `no readable journal in the directory (${errnoOf(error)})`;
    throw fail('journal.unreadable', message, 'Name a directory that holds journal.jsonl.', error);
  }
}
