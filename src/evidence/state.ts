// The state directory of a host: its signing key, its pins, and its journal in a folder of its own.
import { join } from 'node:path';
import { CodedError } from './coded-error.ts';
import type { Journal } from './journal.ts';
import { readJournal } from './journal-files.ts';
import { initKeys, loadSigner } from './key-store.ts';
import type { NoteSigner } from './keys.ts';
import { openJournal } from './open-journal.ts';

export interface StateOptions {
  /** For example `.guardrails`. Made with mode 0700 when absent. */
  readonly dir: string;
}

/** Where the journal of a state directory lies. */
export const journalDirectory = (dir: string): string => join(dir, 'journal');

async function hasJournal(dir: string): Promise<boolean> {
  try {
    await readJournal(journalDirectory(dir));
    return true;
  } catch {
    return false;
  }
}

/** Makes the key of a fresh directory, or takes the one that another process made in the same moment. */
async function firstSigner(dir: string): Promise<{ readonly signer: NoteSigner; readonly made: boolean }> {
  try {
    return { signer: await initKeys(dir), made: true };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'keys.exist')
      return { signer: await loadSigner(dir), made: false };
    throw error;
  }
}

/**
 * Returns the signing key of a state directory, and whether it was made just now. A fresh directory gets a key, pinned
 * for this host; one that has a journal but no key does not, since a new key could not continue what the old one sealed.
 *
 * @throws CodedError `keys.*`.
 */
export async function ensureSigner({
  dir,
}: StateOptions): Promise<{ readonly signer: NoteSigner; readonly made: boolean }> {
  try {
    return { signer: await loadSigner(dir), made: false };
  } catch (error) {
    const missing = error instanceof CodedError && error.code === 'keys.missing';
    if (!missing || (await hasJournal(dir))) throw error;
    return await firstSigner(dir);
  }
}

/**
 * Opens the journal of a state directory for this process alone; makes key, pins and journal where there are none.
 *
 * ```ts
 * await using journal = await openState({ dir: '.guardrails' });
 * ```
 *
 * @throws CodedError `keys.*`; `journal.*` as openJournal.
 */
export async function openState(options: StateOptions): Promise<Journal> {
  const { signer } = await ensureSigner(options);
  return openJournal({ directory: journalDirectory(options.dir), signer });
}
