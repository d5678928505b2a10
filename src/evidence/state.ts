// The state directory of a host: its signing key, its pins, and its journal in a folder of its own.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, errnoOf } from './coded-error.ts';
import type { Journal } from './journal.ts';
import { LOCK_NAME } from './journal-files.ts';
import { initKeys, loadSigner, presentSigner } from './key-store.ts';
import type { NoteSigner } from './keys.ts';
import { openJournal } from './open-journal.ts';

export interface StateOptions {
  /** For example `.guardrails`. Made with mode 0700 when absent. */
  readonly dir: string;
}

/** Where the journal of a state directory lies. */
export const journalDirectory = (dir: string): string => join(dir, 'journal');

/** Whether a writer left anything there, also what cannot be read any more. Where nobody can look, it is taken for that. */
async function hasJournal(dir: string): Promise<boolean> {
  try {
    const names = await readdir(journalDirectory(dir));
    return names.some((name) => !name.startsWith(`${LOCK_NAME},`)); // who is killed while it opens one leaves a lock alone
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
}

/**
 * Makes the key of a state directory that never had one, and pins it for this host. Where there is a journal, another key
 * could not continue what the lost one sealed.
 *
 * @throws CodedError `keys.lost`; as initKeys.
 */
export async function makeSigner({ dir }: StateOptions): Promise<NoteSigner> {
  // In this order: a journal is begun after its key is made, by another process perhaps, in this moment.
  if ((await hasJournal(dir)) && (await presentSigner(dir)) === undefined) {
    const remedy =
      'Put signing-key.pem back from a copy. Where there is none, move the directory `journal` away, keep it with pins.json for whoever verifies it, and run `guardrails keys init`.';
    throw new CodedError('keys.lost', 'there is a journal here, but not the key that sealed it', remedy);
  }
  return initKeys(dir);
}

/**
 * Returns the signing key of a state directory, and whether it was made just now, as {@link makeSigner} makes it.
 *
 * @throws CodedError `keys.*`.
 */
export async function ensureSigner({
  dir,
}: StateOptions): Promise<{ readonly signer: NoteSigner; readonly made: boolean }> {
  const signer = await presentSigner(dir);
  if (signer) return { signer, made: false };
  try {
    return { signer: await makeSigner({ dir }), made: true };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'keys.exist')
      return { signer: await loadSigner(dir), made: false }; // by another process in the same moment
    throw error;
  }
}

/**
 * Opens the journal of a state directory that has its key, for this process alone.
 *
 * @throws CodedError `keys.*`; `journal.*` as openJournal.
 */
export function openOwnJournal(dir: string): Promise<Journal> {
  return openJournal({ directory: journalDirectory(dir), signer: () => loadSigner(dir) });
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
  await ensureSigner(options);
  return openOwnJournal(options.dir);
}
