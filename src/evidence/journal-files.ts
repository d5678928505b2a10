// The files of a journal directory: where they are, and how an auditor reads them.
import { join } from 'node:path';
import { CodedError, errnoOf } from './coded-error.ts';
import { readBounded, whyOf } from './files.ts';
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

/** Returns the checkpoint as text; `undefined` when there is none. */
export async function readCheckpoint(directory: string): Promise<string | undefined> {
  try {
    return (await readBounded(join(directory, CHECKPOINT_FILE), { maxBytes: MAX_CHECKPOINT_BYTES })).toString(
      'utf8',
    );
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
    const journal = await readBounded(join(directory, JOURNAL_FILE), { maxBytes: MAX_JOURNAL_BYTES });
    return { journal, checkpoint };
  } catch (error) {
    const message = `no readable journal in the directory (${whyOf(error)})`;
    throw fail('journal.unreadable', message, 'Name a directory that holds journal.jsonl.', error);
  }
}
