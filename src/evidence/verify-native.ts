// Verification on Node: natively, and, of a journal on disk, against what was seen of it before.
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import type { HeadMemory } from './head-memory.ts';
import { readJournal } from './journal-files.ts';
import { native } from './native.ts';
import type { JournalFiles } from './pass.ts';
import { proveGrowth } from './prove.ts';
import type { JournalVerdict } from './verdict.ts';
import { type VerifyOptions, verifyJournal as verifyPortably } from './verify.ts';

/** As `verifyJournal` of verify.ts, with the cryptography of node:crypto. */
export function verifyJournal(files: JournalFiles, options: VerifyOptions): Promise<JournalVerdict> {
  return verifyPortably(files, { primitives: native, ...options });
}

export interface DirectoryOptions extends VerifyOptions {
  /** Where heads seen earlier are kept. Without one, only `previous` shows a rollback. */
  readonly memory?: HeadMemory;
}

function parsed(note: string | undefined): Checkpoint | undefined {
  try {
    return note === undefined ? undefined : parseCheckpoint(note);
  } catch (error) {
    if (error instanceof CodedError) return undefined; // the verdict will say so
    throw error;
  }
}

/**
 * Returns what may be believed of the journal in `directory`, and remembers its head when nothing speaks against it.
 *
 * @throws CodedError `journal.unreadable`, `memory.*`, and as {@link verifyJournal}.
 */
export async function verifyDirectory(
  directory: string,
  { memory, ...options }: DirectoryOptions,
): Promise<JournalVerdict> {
  const read = async (): Promise<JournalFiles> => ({
    ...(await readJournal(directory)),
    growth: (before, size) => proveGrowth(directory, before, size),
  });
  const files = await read();
  const seen = (await memory?.recall(options.pins, parsed(files.checkpoint))) ?? [];
  const previous = [options.previous ?? [], seen].flat();
  const verdict = await verifyJournal(files, { ...options, previous }).catch(async (error: unknown) => {
    // A head seen earlier is by a key that is not pinned any more. That hides nothing where nobody vouches now either.
    if (!(error instanceof CodedError) || error.code !== 'checkpoint.unpinned' || seen.length === 0)
      throw error;
    const alone = await verifyJournal(await read(), options);
    if (alone.key === 'pinned') throw error;
    return alone;
  });
  if (verdict.problems.length === 0 && verdict.key === 'pinned' && files.checkpoint !== undefined)
    await memory?.remember(files.checkpoint);
  return verdict;
}
