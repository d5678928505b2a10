// The journal: an append-only file of records, one JSON line each, chained and sealed by signed checkpoints. An append
// resolves only after fdatasync, and all appends that wait share one. Whatever goes wrong rejects the append, and a
// guard without a record refuses.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { signCheckpoint } from './checkpoint.ts';
import { type CodedError, errnoOf } from './coded-error.ts';
import { replaceFile, writeAll } from './files.ts';
import { processIdentity, runningCode } from './identity.ts';
import { CHECKPOINT_FILE, fail, journalFull, MAX_JOURNAL_BYTES } from './journal-files.ts';
import type { NoteSigner } from './keys.ts';
import type { Lock } from './lock.ts';
import type { MerkleTree } from './merkle.ts';
import {
  type AnyDraft,
  type EvidenceDraft,
  type EvidenceRecord,
  type EvidenceSink,
  evidenceRecord,
  isDecisionDraft,
  MAX_RECORD_BYTES,
  type RunDraft,
} from './record.ts';
import { uuidv7 } from './uuid.ts';

interface Waiting {
  readonly draft: AnyDraft;
  readonly input: string;
  readonly signal: AbortSignal | undefined;
  resolve(record: EvidenceRecord): void;
  reject(error: unknown): void;
}

/** Lines are sealed at most this long after they were written, in milliseconds. */
const SEAL_DELAY_MS = 1_000;

type Append = (
  journal: Journal,
  draft: AnyDraft,
  input: string,
  signal?: AbortSignal,
) => Promise<EvidenceRecord>;
/** Appends whatever the mode. For opening and {@link unrestricted}. */
export let appendAny: Append;

/**
 * Returns a sink that also takes drill, mutant and live records. For the drill runner; a journal takes only decisions
 * for callers, and their effects, from everybody else.
 */
export function unrestricted(sink: EvidenceSink): EvidenceSink {
  if (!(sink instanceof Journal)) return sink;
  return { append: (draft, input, signal) => appendAny(sink, draft, input, signal) };
}

/** The first record of every opening. */
function runDraft(): RunDraft {
  return {
    id: uuidv7(),
    mode: 'run',
    code: runningCode(),
    machine: processIdentity().machine,
    node: process.version,
    flags: process.execArgv.slice(0, 32).map((flag) => flag.slice(0, 400)),
    nodeOptions: (process.env['NODE_OPTIONS'] ?? '').slice(0, 2_000),
  };
}

/** An open journal, this process its only writer. Made by {@link openJournal}. */
export class Journal implements EvidenceSink {
  /** Names this opening in every record. */
  readonly run: string = uuidv7();
  readonly #directory: string;
  readonly #file: FileHandle;
  readonly #signer: NoteSigner | undefined;
  readonly #origin: string;
  readonly #inputKey: Uint8Array;
  readonly #lock: Lock;
  readonly #tree: MerkleTree;
  #head: string;
  #length: number;
  #sealed: number;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #sealing: Promise<unknown> = Promise.resolve();
  #sealTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  /** Whether the run record of this opening is written or on its way. */
  #introduced = false;
  /** Set once the file may hold bytes that nobody was promised; nothing is written after them. */
  #broken: unknown;

  /** @internal */
  constructor(parts: {
    directory: string;
    file: FileHandle;
    signer: NoteSigner | undefined;
    lock: Lock;
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
    this.#lock = parts.lock;
    this.#tree = parts.tree;
    this.#head = parts.head;
    this.#length = parts.length;
    this.#sealed = parts.sealed;
  }

  static {
    appendAny = (journal, draft, input, signal) => journal.#append(draft, input, signal);
  }

  /**
   * Resolves with the record once it is durable. What is still waiting when `signal` aborts is not written.
   *
   * @throws CodedError `journal.closed`, `journal.broken`, `journal.full`, `journal.invalid-record`,
   * `journal.write-failed`, `journal.abandoned`; `journal.reserved-mode` for records that only a drill may leave.
   */
  append(draft: EvidenceDraft, input: string, signal?: AbortSignal): Promise<EvidenceRecord> {
    if (draft.mode === 'enforce' || draft.mode === 'effect') return this.#append(draft, input, signal);
    const remedy = 'Run drills with drillGuard; what it finds is recorded by itself.';
    return Promise.reject(fail('journal.reserved-mode', 'only drills leave records of this mode', remedy));
  }

  #append(draft: AnyDraft, input: string, signal?: AbortSignal): Promise<EvidenceRecord> {
    if (this.#closed)
      return Promise.reject(fail('journal.closed', 'the journal is closed', 'Open it again.'));
    return new Promise((resolve, reject) => {
      if (!this.#introduced) {
        this.#introduced = true;
        const run = { draft: runDraft(), input: '', signal: undefined };
        const reject = (): void => {
          this.#introduced = false;
        };
        this.#waiting.push({ ...run, resolve: () => {}, reject });
      }
      this.#waiting.push({ draft, input, signal, resolve, reject });
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
          if (waiting.signal?.aborted)
            throw fail('journal.abandoned', 'nobody waits for the record any more', 'Ask again.');
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
    this.#sealSoon();
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
      ...(isDecisionDraft(draft) ? { input: { digest: this.#inputDigest(input), redacted: [''] } } : {}),
    });
    if (!parsed.success || Buffer.byteLength(JSON.stringify(parsed.data)) > MAX_RECORD_BYTES) {
      const remedy = 'Shorten what the guard says: reason and subject have limits, and a line has 16 KiB.';
      throw fail('journal.invalid-record', 'the record does not fit the schema', remedy, parsed.error);
    }
    return parsed.data;
  }

  #inputDigest(input: string): string {
    return createHmac('sha256', this.#inputKey).update(input).digest('hex');
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
      await writeAll(this.#file, bytes);
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

  /** Keeps short the tail that a crash would leave unsealed. A seal that fails here is tried again by the next. */
  #sealSoon(): void {
    if (this.#closed || !this.#signer) return;
    this.#sealTimer ??= setTimeout(() => {
      this.#sealTimer = undefined;
      if (!this.#closed) this.#sealInTurn().catch(() => {});
    }, SEAL_DELAY_MS).unref();
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
      await replaceFile(join(this.#directory, CHECKPOINT_FILE), note);
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

  /** Waits for all appends, seals, and gives the lock back. A second call ends with the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sealTimer);
    try {
      await this.#sealInTurn();
    } finally {
      await this.#file.close().finally(() => this.#lock.release());
    }
  }
}

function originOf(signer: NoteSigner | undefined): string {
  return `agilab-guardrails/${processIdentity().host}/${signer?.hash ?? 'unsigned'}`;
}
