// Opening a journal: what an earlier writer left behind is verified first, and what a crash tore is kept, put aside and
// recorded. A journal that is not what its checkpoint says is never continued.
import { createHash } from 'node:crypto';
import { type FileHandle, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint, signedBy } from './checkpoint.ts';
import { CodedError, errnoOf } from './coded-error.ts';
import {
  isOwnDirectory,
  makeDirectory,
  openAppend,
  readBounded,
  readHandle,
  replaceFile,
  syncDirectory,
  whyOf,
} from './files.ts';
import { appendAny, Journal } from './journal.ts';
import { fail, JOURNAL_FILE, journalFull, MAX_JOURNAL_BYTES, readCheckpoint } from './journal-files.ts';
import type { NoteSigner } from './keys.ts';
import { acquireLock } from './lock.ts';
import type { EvidenceRecord, RepairDraft, Subject } from './record.ts';
import { uuidv7 } from './uuid.ts';
import { type JournalScan, scanJournal } from './verify.ts';

/** Side files for torn tails: this, the number of lines before the tear, and the start of the tail's SHA-256. */
const TORN_PREFIX = `${JOURNAL_FILE}.torn-`;
const TAIL = 'journal-tail';

export interface JournalOptions {
  /** Holds journal.jsonl, checkpoint and the lock. Made with mode 0700 when absent. */
  readonly directory: string;
  /** Signs the checkpoints. Without one the journal is unsigned, and what it holds is advisory. */
  readonly signer?: NoteSigner;
  /** How long to wait for another writer to finish, in milliseconds. Default 10,000. */
  readonly lockWaitMs?: number;
}

/**
 * Opens the journal in `directory` for this process alone. What an earlier writer left behind is verified first. A tail
 * cut off by a crash is moved to a side file, and lines that no checkpoint covers are marked as such; both repairs are
 * records themselves.
 *
 * @throws CodedError `journal.locked`, `journal.unsafe-directory`, `journal.tampered`, `journal.foreign-key`,
 * `journal.full`, `journal.write-failed`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  try {
    return await openDirectory(options);
  } catch (error) {
    if (error instanceof CodedError && !error.code.startsWith('read.')) throw error;
    const message = `the journal could not be opened (${whyOf(error)})`;
    const remedy = 'Name a directory of your own on a disk that has space.';
    throw fail('journal.write-failed', message, remedy, error);
  }
}

async function openDirectory({ directory, signer, lockWaitMs = 10_000 }: JournalOptions): Promise<Journal> {
  await makeDirectory(directory);
  if (!(await isOwnDirectory(directory))) {
    const remedy = 'Use a real directory of your own that nobody else can write to (chmod 0700).';
    throw fail('journal.unsafe-directory', 'others could replace files in the journal directory', remedy);
  }
  const lock = await acquireLock(join(directory, 'lock'), lockWaitMs, 'journal.locked');
  let file: FileHandle | undefined;
  try {
    file = await openAppend(join(directory, JOURNAL_FILE)).catch((error: unknown) => {
      throw errnoOf(error) === 'ELOOP' || errnoOf(error) === 'EISDIR' ? unsafeFile() : error;
    });
    const stat = await file.stat();
    if (
      !stat.isFile() ||
      stat.nlink !== 1 ||
      stat.uid !== (process.geteuid?.() ?? stat.uid) ||
      (stat.mode & 0o022) !== 0
    )
      throw unsafeFile();
    if (stat.size > MAX_JOURNAL_BYTES) throw journalFull();
    const bytes = await readHandle(file, MAX_JOURNAL_BYTES);
    const { scan, sealed } = scanIntact(bytes, await readCheckpoint(directory), signer);
    if (scan.torn.length > 0) await quarantine(directory, file, scan);
    await syncDirectory(directory);
    const { tree, head, length } = scan;
    const before = tree.size;
    const journal = new Journal({ directory, file, signer, lock, tree, head, length, sealed });
    for (const { name, torn } of await unrecordedTails(directory, scan.records)) {
      const digest = `sha256:${createHash('sha256').update(torn).digest('hex')}`;
      const reason = `a tail of ${torn.length} bytes was cut off by a crash and moved to a side file`;
      const subject = { kind: TAIL, name, digest };
      await appendAny(journal, repairRecord('journal.torn-tail', reason, subject), '');
    }
    if (signer && sealed < before) {
      const reason = `${before - sealed} lines were found that no checkpoint covers`;
      const subject = { kind: 'journal-lines', name: `${sealed}-${before - 1}` };
      await appendAny(journal, repairRecord('journal.unsealed-tail', reason, subject), '');
    }
    return journal;
  } catch (error) {
    await file?.close();
    await lock.release();
    throw error;
  }
}

/** Scans a journal that is to be continued; refuses one that is not what its last checkpoint says. */
function scanIntact(
  bytes: Uint8Array,
  note: string | undefined,
  signer: NoteSigner | undefined,
): { readonly scan: JournalScan; readonly sealed: number } {
  const remedy =
    'Run `guardrails verify`, keep the directory as it is for investigation, and start a new one.';
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note);
  if (checkpoint && (!signer || !signedBy(checkpoint, [signer]))) {
    throw fail('journal.foreign-key', 'the journal was sealed by another key than the one given', remedy);
  }
  const sealed = checkpoint?.claimed.size ?? 0;
  const scan = scanJournal(bytes, [sealed]);
  const root = checkpoint && Buffer.from(checkpoint.claimed.root).toString('hex');
  const { problem } = scan;
  if (problem || scan.lines < sealed || (root !== undefined && scan.rootAt.get(sealed) !== root)) {
    const message = problem
      ? `line ${problem.line} ${problem.message}`
      : 'the lines are not those that were signed';
    throw fail('journal.tampered', `the journal was changed: ${message}`, remedy);
  }
  return { scan, sealed };
}

/** Keeps the bytes of an unfinished line in a side file, then ends the journal before them. */
async function quarantine(
  directory: string,
  file: FileHandle,
  { torn, length, tree }: JournalScan,
): Promise<void> {
  const digest = createHash('sha256').update(torn).digest('hex').slice(0, 16);
  await replaceFile(join(directory, `${TORN_PREFIX}${tree.size}-${digest}`), torn);
  await file.truncate(length);
  await file.datasync();
}

/** Side files that no record names: the one just made, and one whose record a second crash prevented. */
async function unrecordedTails(
  directory: string,
  records: readonly EvidenceRecord[],
): Promise<readonly { readonly name: string; readonly torn: Buffer }[]> {
  const recorded = new Set(
    records.flatMap((record) =>
      record.mode === 'repair' && record.subject?.kind === TAIL ? [record.subject.name] : [],
    ),
  );
  const names = (await readdir(directory)).filter(
    (name) => name.startsWith(TORN_PREFIX) && !recorded.has(name),
  );
  const policy = { maxBytes: MAX_JOURNAL_BYTES };
  return Promise.all(
    names.map(async (name) => ({ name, torn: await readBounded(join(directory, name), policy) })),
  );
}

const unsafeFile = (): CodedError =>
  fail(
    'journal.unsafe-directory',
    'the journal file is no plain file of ours, or others can write to it',
    'Keep journal.jsonl a plain file of your own with one name, writable by its owner only.',
  );

function repairRecord(code: string, reason: string, subject: Subject): RepairDraft {
  return { id: uuidv7(), mode: 'repair', codes: [code], reason, subject };
}
