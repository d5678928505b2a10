// The journal: an append-only file of records, one JSON line each, chained and sealed by signed checkpoints. An append
// resolves only after fdatasync, and all appends that wait share one. Whatever goes wrong rejects the append, and a
// guard without a record refuses.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { parseCheckpoint, signCheckpoint, signedBy } from './checkpoint.ts';
import { CodedError, errnoOf } from './coded-error.ts';
import { codeIdentity, processIdentity } from './identity.ts';
import type { NoteSigner } from './keys.ts';
import { acquireLock } from './lock.ts';
import type { MerkleTree } from './merkle.ts';
import {
  type EvidenceDraft,
  type EvidenceRecord,
  type EvidenceSink,
  evidenceRecord,
  MAX_RECORD_BYTES,
} from './record.ts';
import { type JournalFiles, type JournalScan, scanJournal } from './verify.ts';

export const JOURNAL_FILE = 'journal.jsonl';
export const CHECKPOINT_FILE = 'checkpoint';
/** Side files for torn tails: this, the number of lines before the tear, and the start of the tail's SHA-256. */
const TORN_PREFIX = `${JOURNAL_FILE}.torn-`;
const TAIL = 'journal-tail';

/** A journal is read whole to verify it, so it may not outgrow memory. */
const MAX_JOURNAL_BYTES = 64 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES = 64 * 1024;

export interface JournalOptions {
  /** Holds journal.jsonl, checkpoint and the lock. Made with mode 0700 when absent. */
  readonly directory: string;
  /** Signs the checkpoints. Without one the journal is unsigned, and what it holds is advisory. */
  readonly signer?: NoteSigner;
  /** How long to wait for another writer to finish, in milliseconds. Default 10,000. */
  readonly lockWaitMs?: number;
}

interface Waiting {
  readonly draft: EvidenceDraft;
  readonly input: string;
  resolve(record: EvidenceRecord): void;
  reject(error: unknown): void;
}

const fail = (code: string, message: string, remedy: string, cause?: unknown): CodedError =>
  new CodedError(code, message, remedy, cause === undefined ? undefined : { cause });

/** An open journal, this process its only writer. Made by {@link openJournal}. */
export class Journal implements EvidenceSink {
  /** Names this opening in every record. */
  readonly run: string = uuidv7();
  readonly #directory: string;
  readonly #file: FileHandle;
  readonly #signer: NoteSigner | undefined;
  readonly #origin: string;
  readonly #inputKey: Uint8Array;
  readonly #unlock: () => Promise<void>;
  readonly #tree: MerkleTree;
  #head: string;
  #length: number;
  #sealed: number;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #sealing: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Set once the file may hold bytes that nobody was promised; nothing is written after them. */
  #broken: unknown;

  /** @internal */
  constructor(parts: {
    directory: string;
    file: FileHandle;
    signer: NoteSigner | undefined;
    unlock: () => Promise<void>;
    tree: MerkleTree;
    head: string;
    length: number;
    sealed: number;
  }) {
    this.#directory = parts.directory;
    this.#file = parts.file;
    this.#signer = parts.signer;
    this.#origin = originOf(parts.signer);
    this.#inputKey = parts.signer?.derive('input digest') ?? randomBytes(32);
    this.#unlock = parts.unlock;
    this.#tree = parts.tree;
    this.#head = parts.head;
    this.#length = parts.length;
    this.#sealed = parts.sealed;
  }

  /**
   * Resolves with the record once it is durable.
   *
   * @throws CodedError `journal.closed`, `journal.broken`, `journal.full`, `journal.invalid-record`,
   * `journal.write-failed`.
   */
  append(draft: EvidenceDraft, input: string): Promise<EvidenceRecord> {
    if (this.#closed)
      return Promise.reject(fail('journal.closed', 'the journal is closed', 'Open it again.'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, input, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Group commit: while one fdatasync runs, the next group gathers. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // let every append of this turn join the first group
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const placed: { readonly waiting: Waiting; readonly record: EvidenceRecord; readonly line: Buffer }[] =
        [];
      let head = this.#head;
      for (const waiting of group) {
        try {
          const record = this.#recordOf(waiting, this.#tree.size + placed.length, head);
          const line = Buffer.from(`${JSON.stringify(record)}\n`);
          placed.push({ waiting, record, line });
          head = createHash('sha256').update(line.subarray(0, -1)).digest('hex');
        } catch (error) {
          waiting.reject(error);
        }
      }
      try {
        await this.#write(Buffer.concat(placed.map(({ line }) => line)));
      } catch (error) {
        for (const { waiting } of placed) waiting.reject(error);
        continue;
      }
      this.#head = head;
      for (const { waiting, record, line } of placed) {
        this.#tree.append(line.subarray(0, -1));
        waiting.resolve(record);
      }
    }
    // In the same turn as the last look at the queue: an append that came in between would wait for ever.
    this.#flushing = undefined;
  }

  #recordOf({ draft, input }: Waiting, seq: number, prev: string): EvidenceRecord {
    const { host, boot, pid, startTick } = processIdentity();
    const parsed = evidenceRecord.safeParse({
      ...draft, // first, so that nothing in it can stand in for what the journal itself vouches for
      schema: 'agilab.guard_evidence.v1',
      seq,
      prev,
      time: new Date().toISOString(),
      monotonic: Number(process.hrtime.bigint() / 1000n),
      boot,
      host,
      writer: `${pid}@${startTick}`,
      run: this.run,
      input: { digest: createHmac('sha256', this.#inputKey).update(input).digest('hex'), redacted: [''] },
    });
    if (!parsed.success || Buffer.byteLength(JSON.stringify(parsed.data)) > MAX_RECORD_BYTES) {
      const remedy = 'Shorten what the guard says: reason and subject have limits, and a line has 16 KiB.';
      throw fail('journal.invalid-record', 'the record does not fit the schema', remedy, parsed.error);
    }
    return parsed.data;
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#broken !== undefined) {
      const remedy = 'Close this process and open the journal again; check the disk first.';
      throw fail('journal.broken', 'an earlier write failed half way', remedy, this.#broken);
    }
    if (this.#length + bytes.length > MAX_JOURNAL_BYTES) throw journalFull();
    const failed = (error: unknown): CodedError =>
      fail(
        'journal.write-failed',
        `the journal could not be written (${errnoOf(error)})`,
        'Free space or mend the disk.',
        error,
      );
    try {
      // A full disk may take a part and report success for that part, so short writes are the normal case here.
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, null);
        if (bytesWritten === 0) throw Object.assign(new Error('wrote nothing'), { code: 'EIO' });
        done += bytesWritten;
      }
    } catch (error) {
      // Nobody was promised these bytes: take them back, so that the next record starts on a line of its own.
      await this.#file.truncate(this.#length).catch((cause: unknown) => {
        this.#broken = cause;
      });
      throw failed(error);
    }
    try {
      await this.#file.datasync();
    } catch (error) {
      // After a failed fsync the kernel may drop the pages and report success next time: never write here again.
      this.#broken = error;
      throw failed(error);
    }
    this.#length += bytes.length;
  }

  /**
   * Signs everything appended so far; returns the checkpoint, or `undefined` for an unsigned journal.
   *
   * @throws CodedError `journal.closed`, `journal.write-failed`.
   */
  async checkpoint(): Promise<string | undefined> {
    // Once closed, the directory may belong to another writer, whose checkpoint must not be replaced by an older one.
    if (this.#closed) throw fail('journal.closed', 'the journal is closed', 'Open it again.');
    return await this.#sealInTurn();
  }

  /** One seal at a time: two would write the same temporary file, and the older might land last. */
  #sealInTurn(): Promise<string | undefined> {
    const turn = this.#sealing.then(() => this.#seal());
    this.#sealing = turn.catch(() => {});
    return turn;
  }

  async #seal(): Promise<string | undefined> {
    await this.#flushing;
    const signer = this.#signer;
    if (!signer) return undefined;
    const size = this.#tree.size;
    const note = signCheckpoint({ origin: this.#origin, size, root: this.#tree.root() }, signer);
    if (size === this.#sealed) return note;
    try {
      await replaceFile(this.#directory, CHECKPOINT_FILE, note);
    } catch (error) {
      throw fail(
        'journal.write-failed',
        `the checkpoint could not be written (${errnoOf(error)})`,
        'Free space or mend the disk.',
        error,
      );
    }
    this.#sealed = size;
    return note;
  }

  /** Waits for all appends, seals, and gives the lock back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#sealInTurn();
    } finally {
      await this.#file.close().finally(this.#unlock);
    }
  }
}

function originOf(signer: NoteSigner | undefined): string {
  return `agilab-guardrails/${processIdentity().host}/${signer?.hash ?? 'unsigned'}`;
}

/** Replaces a file so that a crash leaves the old one or the new one, never a mixture. */
async function replaceFile(directory: string, name: string, content: string | Uint8Array): Promise<void> {
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

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads a plain file within a bound. A directory from elsewhere may hold a FIFO or a link to /dev/zero instead. */
async function readPlain(path: string, maxBytes: number): Promise<Buffer> {
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

async function readCheckpoint(directory: string): Promise<string | undefined> {
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
    if (error instanceof CodedError) throw error;
    const message = `the journal could not be opened (${errnoOf(error)})`;
    const remedy = 'Name a directory of your own on a disk that has space.';
    throw fail('journal.write-failed', message, remedy, error);
  }
}

async function openDirectory({ directory, signer, lockWaitMs = 10_000 }: JournalOptions): Promise<Journal> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { mode, uid } = await lstat(directory);
  if ((mode & 0o170022) !== 0o040000 || (process.geteuid !== undefined && uid !== process.geteuid())) {
    const remedy = 'Use a real directory of your own that nobody else can write to (chmod 0700).';
    throw fail('journal.unsafe-directory', 'others could replace files in the journal directory', remedy);
  }
  const unlock = await acquireLock(directory, lockWaitMs);
  let file: FileHandle | undefined;
  try {
    const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW } = constants;
    const flags = O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW;
    file = await open(join(directory, JOURNAL_FILE), flags, 0o600).catch((error: unknown) => {
      throw errnoOf(error) === 'ELOOP' || errnoOf(error) === 'EISDIR' ? unsafeFile() : error;
    });
    const stat = await file.stat();
    if (!stat.isFile() || stat.nlink !== 1 || stat.uid !== uid || (stat.mode & 0o022) !== 0)
      throw unsafeFile();
    if (stat.size > MAX_JOURNAL_BYTES) throw journalFull();
    const bytes = await file.readFile();
    const { scan, sealed } = scanIntact(bytes, await readCheckpoint(directory), signer);
    if (scan.torn.length > 0) await quarantine(directory, file, scan);
    await syncDirectory(directory);
    const { tree, head, length } = scan;
    const before = tree.size;
    const journal = new Journal({ directory, file, signer, unlock, tree, head, length, sealed });
    for (const { name, torn } of await unrecordedTails(directory, scan.records)) {
      const digest = `sha256:${createHash('sha256').update(torn).digest('hex')}`;
      const reason = `a tail of ${torn.length} bytes was cut off by a crash and moved to a side file`;
      const subject = { kind: TAIL, name, digest };
      await journal.append(repairRecord('journal.torn-tail', reason, subject), '');
    }
    if (signer && sealed < before) {
      const reason = `${before - sealed} lines were found that no checkpoint covers`;
      const subject = { kind: 'journal-lines', name: `${sealed}-${before - 1}` };
      await journal.append(repairRecord('journal.unsealed-tail', reason, subject), '');
    }
    return journal;
  } catch (error) {
    await file?.close();
    await unlock();
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
  if (problem || scan.tree.size < sealed || (root !== undefined && scan.rootAt.get(sealed) !== root)) {
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
  await replaceFile(directory, `${TORN_PREFIX}${tree.size}-${digest}`, torn);
  await file.truncate(length);
  await file.datasync();
}

/** Side files that no record names: the one just made, and one whose record a second crash prevented. */
async function unrecordedTails(
  directory: string,
  records: readonly EvidenceRecord[],
): Promise<readonly { readonly name: string; readonly torn: Buffer }[]> {
  const recorded = new Set(
    records.filter(({ subject }) => subject?.kind === TAIL).map(({ subject }) => subject?.name),
  );
  const names = (await readdir(directory)).filter(
    (name) => name.startsWith(TORN_PREFIX) && !recorded.has(name),
  );
  return Promise.all(
    names.map(async (name) => ({ name, torn: await readPlain(join(directory, name), MAX_JOURNAL_BYTES) })),
  );
}

const unsafeFile = (): CodedError =>
  fail(
    'journal.unsafe-directory',
    'the journal file is no plain file of ours, or others can write to it',
    'Keep journal.jsonl a plain file of your own with one name, writable by its owner only.',
  );

const journalFull = (): CodedError =>
  fail(
    'journal.full',
    'the journal has reached its size limit',
    'Keep this directory and give the process a new one; journals end at 64 MiB.',
  );

function repairRecord(
  code: string,
  reason: string,
  subject: NonNullable<EvidenceDraft['subject']>,
): EvidenceDraft {
  return {
    id: uuidv7(),
    guard: { id: 'journal', ...codeIdentity() },
    dimension: 'architecture_runtime_guardrails',
    decision: 'error',
    codes: [code],
    reason,
    subject,
    policyDigest: createHash('sha256').update(code).digest('hex'),
    replay: { argv: ['guardrails', 'verify'] },
    mode: 'enforce',
  };
}
