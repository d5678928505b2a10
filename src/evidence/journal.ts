// The journal: append-only files of records, one JSON line each, chained and sealed by signed checkpoints. An append
// resolves only once its line would survive a power cut, and all appends that wait share one write. Whatever goes wrong
// rejects the append, and a guard without a record refuses.
import { randomBytes } from 'node:crypto';
import { CodedError } from './coded-error.ts';
import type { Head } from './head.ts';
import type { IdWindow } from './id-window.ts';
import { processIdentity, runningCode } from './identity.ts';
import { inputDigest } from './input-digest.ts';
import { fail } from './journal-files.ts';
import type { NoteSigner } from './keys.ts';
import { encodeLine } from './line.ts';
import { loadingOptions } from './loading-options.ts';
import type { Lock } from './lock.ts';
import { MerkleTree } from './merkle.ts';
import { native } from './native.ts';
import {
  type AnyDraft,
  type DecisionRecord,
  type EvidenceDraft,
  type EvidenceRecord,
  type EvidenceSink,
  isDecisionDraft,
  MAX_RECORD_BYTES,
  type RepairDraft,
  type RunDraft,
} from './record.ts';
import { KEY_SUBJECT, ROTATION_CODE } from './rotation.ts';
import type { ScanStart } from './scan.ts';
import type { Sealer } from './sealer.ts';
import { Segment } from './segment.ts';
import { updateTiles } from './tiles.ts';
import { uuidv7 } from './uuid.ts';
import { isVouched, ownDecision } from './vouched.ts';

interface Waiting {
  readonly draft: AnyDraft;
  readonly input: string;
  readonly signal: AbortSignal | undefined;
  resolve(record: EvidenceRecord): void;
  reject(error: unknown): void;
}

/** Room for one line and its newline, and for a character more, by which a line that is too long is known. */
const LINE_ROOM = MAX_RECORD_BYTES + 8;

/** Lines are sealed at most this long after they were written, in milliseconds. */
const SEAL_DELAY_MS = 1_000;

/** What the journal adds to a draft, as {@link encodeLine} takes it. */
type Place = Pick<EvidenceRecord, 'schema' | 'boot' | 'host' | 'time' | 'monotonic' | 'writer' | 'run'> & {
  seq: number;
  prev: string;
  input: DecisionRecord['input'] | undefined;
};

const NEWLINE = 0x0a;

/** Twice the room, with what it holds. */
const grown = (room: Buffer): Buffer => Buffer.concat([room], 2 * room.length);

type Append = (
  journal: Journal,
  draft: AnyDraft,
  input: string,
  signal?: AbortSignal,
) => Promise<EvidenceRecord>;
/** Appends whatever the mode. For opening and {@link unrestricted}. */
export let appendAny: Append;
/** Returns where a journal lies; `undefined` for what is none. For the drill runner. */
export let directoryOf: (sink: EvidenceSink) => string | undefined;

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
    ...loadingOptions(),
  };
}

/** What a journal is opened with. Internal to the evidence room. */
export interface JournalParts {
  readonly directory: string;
  readonly segment: Segment;
  readonly lock: Lock;
  readonly start: ScanStart;
  /** Absent for an unsigned journal. */
  readonly sealer: Sealer | undefined;
  readonly signer: NoteSigner | undefined;
  /** A file of lines is closed at the first seal at which it has this many bytes. */
  readonly segmentBytes: number;
  readonly onSealFailed: ((error: CodedError) => void) | undefined;
}

/** An open journal, this process its only writer. Made by {@link openJournal}. */
export class Journal implements EvidenceSink {
  /** Names this opening in every record. */
  readonly run: string = uuidv7();
  readonly #directory: string;
  readonly #lock: Lock;
  readonly #sealer: Sealer | undefined;
  readonly #segmentBytes: number;
  readonly #onSealFailed: ((error: CodedError) => void) | undefined;
  readonly #digestOf: (input: string) => string;
  #tree: MerkleTree;
  readonly #ids: IdWindow;
  #segment: Segment;
  #prev: string;
  #waiting: Waiting[] = [];
  /** Where the lines of a group are brought together. Kept: a new buffer for each group costs as much as writing it. */
  #room: Buffer = Buffer.allocUnsafeSlow(64 * LINE_ROOM);
  #flushing: Promise<void> | undefined;
  #sealTimer: NodeJS.Timeout | undefined;
  #tiling: Promise<void> = Promise.resolve();
  #closed = false;
  #closing: Promise<void> | undefined;
  /** Whether the run record of this opening is written or on its way. */
  #introduced = false;
  /** Set once nothing may be written any more: every later append fails for the same reason. */
  #broken: CodedError | undefined;
  /** Why the last seal failed. Until one succeeds nothing is appended: lines that nobody can seal are no evidence. */
  #sealFailure: CodedError | undefined;

  /** @internal */
  constructor(parts: JournalParts) {
    this.#directory = parts.directory;
    this.#segment = parts.segment;
    this.#lock = parts.lock;
    this.#sealer = parts.sealer;
    this.#segmentBytes = parts.segmentBytes;
    this.#onSealFailed = parts.onSealFailed;
    this.#digestOf = inputDigest(parts.signer?.derive('input digest') ?? randomBytes(32));
    this.#tree = new MerkleTree(native.sha256, parts.start.edge);
    this.#ids = parts.start.ids;
    this.#prev = parts.start.prev;
  }

  static {
    appendAny = (journal, draft, input, signal) => journal.#append(draft, input, signal);
    directoryOf = (sink) => (sink instanceof Journal ? sink.#directory : undefined);
  }

  /**
   * Resolves with the record once it is durable. What is still waiting when `signal` aborts is not written. Decisions of
   * this package's guards, and effects, are taken only from those who decided: `enforce` leaves its records by itself. What
   * is written by hand carries a guard id with a prefix of its own, `acme/sample`.
   *
   * @throws CodedError `journal.closed`, `journal.broken`, `journal.replaced`, `journal.lock-lost`,
   * `journal.invalid-record`, `journal.duplicate-id`, `journal.write-failed`, `journal.seal-failed`,
   * `journal.abandoned`; `journal.reserved-mode` for records that only a drill may leave, `journal.reserved-record` for
   * those that only the guard itself may.
   */
  append(draft: EvidenceDraft, input: string, signal?: AbortSignal): Promise<EvidenceRecord> {
    const own = isVouched(draft) ? draft : { ...draft }; // what is looked at here must be what is written later
    if (own.mode !== 'enforce' && own.mode !== 'effect') return Promise.reject(reservedMode());
    if (own === draft) return this.#append(draft, input, signal);
    const decision = own.mode === 'enforce' ? ownDecision(own) : undefined;
    return decision ? this.#append(decision, input, signal) : Promise.reject(reservedRecord());
  }

  #append(draft: AnyDraft, input: string, signal?: AbortSignal): Promise<EvidenceRecord> {
    if (this.#closed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      if (!this.#introduced) {
        this.#introduced = true;
        const reject = (): void => {
          this.#introduced = false;
        };
        this.#waiting.push({ draft: runDraft(), input: '', signal: undefined, resolve: () => {}, reject });
      }
      this.#waiting.push({ draft, input, signal, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Group commit: while one group is on its way to the disk, the next one gathers. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // let every append of this turn join the first group
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#sealFailure) await this.#seal();
        await this.#commit(group);
      } catch (error) {
        for (const waiting of group) waiting.reject(error);
      }
      this.#sealSoon();
      if (this.#segment.length >= this.#segmentBytes) await this.#beginSegment();
    }
    // In the same turn as the last look at the queue: an append that came in between would wait for ever.
    this.#flushing = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (this.#broken) throw this.#broken;
    const placed: { readonly waiting: Waiting; readonly record: EvidenceRecord; readonly line: Buffer }[] =
      [];
    const ids = new Set<string>();
    const envelope = this.#envelope();
    let end = 0;
    for (const waiting of group) {
      try {
        if (this.#room.length - end < LINE_ROOM) this.#room = grown(this.#room);
        const { record, length } = this.#encode(waiting, envelope, end);
        if (ids.has(record.id) || !this.#ids.isFresh(record.id)) throw usedId();
        const line = this.#room.subarray(end, end + length);
        placed.push({ waiting, record, line });
        end += length;
        this.#room[end++] = NEWLINE;
        envelope.seq++;
        envelope.prev = native.sha256Hex(line);
        ids.add(record.id);
      } catch (error) {
        waiting.reject(error);
      }
    }
    if (placed.length === 0) return;
    const bytes = this.#room.subarray(0, end);
    let tree: MerkleTree;
    try {
      const written = this.#segment.write(bytes);
      tree = this.#tree.with(placed.map(({ line }) => line)); // while the disk is busy, this thread is not
      await written;
      this.#segment.requireInPlace(bytes.length);
      this.#lock.requireHeld('journal.lock-lost');
    } catch (error) {
      if (error instanceof CodedError && error.code !== 'journal.write-failed') this.#broken = error;
      throw error;
    }
    this.#segment.length += bytes.length;
    this.#prev = envelope.prev;
    this.#tree = tree;
    for (const id of ids) this.#ids.add(id);
    for (const { waiting, record } of placed) waiting.resolve(record);
  }

  /** What the journal says in each line of a group; where a line stands is written over for each. */
  #envelope(): Place {
    const { host, boot, pid, startTick } = processIdentity();
    return {
      schema: 'agilab.guard_evidence.v1',
      seq: this.#tree.size,
      prev: this.#prev,
      time: new Date().toISOString(),
      monotonic: Number(process.hrtime.bigint() / 1000n),
      boot,
      host,
      writer: `${pid}@${startTick}`,
      run: this.run,
      input: undefined,
    };
  }

  /** Writes the line of a record to its place in the group; `length` is in bytes. */
  #encode(
    { draft, input, signal }: Waiting,
    envelope: Place,
    at: number,
  ): { readonly record: EvidenceRecord; readonly length: number } {
    if (signal?.aborted)
      throw fail('journal.abandoned', 'nobody waits for the record any more', 'Ask again.');
    envelope.input = isDecisionDraft(draft) ? { digest: this.#digestOf(input), redacted: [''] } : undefined;
    const encoded = encodeLine(draft, envelope);
    const length = encoded?.record.mode === draft.mode ? this.#room.write(encoded.line, at) : undefined;
    if (encoded === undefined || length === undefined || length > MAX_RECORD_BYTES) {
      const remedy = 'Shorten what the guard says: reason and subject have limits, and a line has 16 KiB.';
      throw fail('journal.invalid-record', 'the record does not fit the schema', remedy);
    }
    return { record: encoded.record, length };
  }

  /**
   * Signs everything acknowledged so far; returns the checkpoint, or `undefined` for an unsigned journal.
   *
   * @throws CodedError `journal.closed`, `journal.seal-failed`.
   */
  async checkpoint(): Promise<string | undefined> {
    // Once closed, the directory may belong to another writer, whose checkpoint must not be replaced by an older one.
    if (this.#closed) throw closed();
    return await this.#seal();
  }

  /**
   * Goes over to another key: records its name, and seals that with both keys. From then on it alone seals.
   *
   * @throws CodedError `journal.unsigned`, and as {@link append} and {@link checkpoint}.
   */
  async rotateTo(next: NoteSigner): Promise<void> {
    const sealer = this.#sealer;
    if (!sealer)
      throw fail('journal.unsigned', 'an unsigned journal has no key to rotate', 'Open it with a signer.');
    const subject = { kind: KEY_SUBJECT, name: next.vkey };
    const reason = 'from here on the journal is sealed by another key';
    const draft: RepairDraft = { id: uuidv7(), mode: 'repair', codes: [ROTATION_CODE], reason, subject };
    await this.#append(draft, '');
    await sealer.rotate(next, () => this.#headToSeal());
  }

  /** Keeps short the tail that a crash would leave unsealed. A seal that fails is told, and tried again by the next append. */
  #sealSoon(): void {
    if (this.#closed || !this.#sealer || this.#sealFailure) return;
    this.#sealTimer ??= setTimeout(() => {
      this.#sealTimer = undefined;
      if (!this.#closed) this.#seal().catch(() => {});
    }, SEAL_DELAY_MS).unref();
  }

  async #seal(): Promise<string | undefined> {
    try {
      const note = await this.#sealer?.seal(() => this.#headToSeal());
      this.#sealFailure = undefined;
      return note;
    } catch (error) {
      if (error instanceof CodedError && this.#sealFailure?.message !== error.message)
        this.#onSealFailed?.(error);
      if (error instanceof CodedError) this.#sealFailure = error;
      throw error;
    }
  }

  /** All that is acknowledged is in the tree, so a seal need not wait for a load to pause. */
  #headToSeal(): Head {
    if (this.#broken) throw this.#broken;
    // Another journal's checkpoint is not ours to replace, nor another writer's.
    this.#segment.requireInPlace();
    this.#lock.requireHeld('journal.lock-lost');
    return {
      tree: this.#tree.edge(),
      segment: this.#segment.first,
      offset: this.#segment.length,
      idFloor: this.#ids.floor,
    };
  }

  /** Closes the file of lines at a seal and goes on in the next. Whatever fails is told, and tried again. */
  async #beginSegment(): Promise<void> {
    const full = this.#segment;
    try {
      await this.#seal();
      const next = await Segment.open(this.#directory, this.#tree.size);
      this.#segment = next;
      // Aside from the writing: without tiles, proofs are made from the lines.
      this.#tiling = this.#tiling.then(() => updateTiles(this.#directory, next.first)).catch(() => {});
      await full.retire().finally(() => full.close());
    } catch {
      // The file grows on; an error of the seal was told, and one of the disk will come up with the next write. Not so where
      // the next file is there: it would begin before lines that come now.
      if (this.#segment === full && !Segment.isMissing(this.#directory, this.#tree.size))
        this.#broken ??= nextFile();
    }
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
      await this.#flushing;
      if (!this.#broken) await this.#seal();
    } finally {
      await this.#tiling;
      await this.#segment.close().finally(() => this.#lock.release());
    }
  }
}

const reservedMode = (): CodedError =>
  fail(
    'journal.reserved-mode',
    'only drills leave records of this mode',
    'Run drills with drillGuard; what it finds is recorded by itself.',
  );

const reservedRecord = (): CodedError =>
  fail(
    'journal.reserved-record',
    'the record speaks for a guard of this package, or of another record, and nobody here has decided it',
    'Decide with enforce, which leaves its record by itself, and hand that very record on. By hand, write decisions under a guard id with a prefix of your own (acme/sample), without `of`.',
  );

const nextFile = (): CodedError =>
  fail(
    'journal.broken',
    'the next file of lines is there, and cannot be used',
    'Check the disk, and what else writes to the directory; then open the journal again.',
  );

const usedId = (): CodedError =>
  fail(
    'journal.duplicate-id',
    'the id of the record was used before, or is older than those before it',
    'Make the id of a record right before it is appended, with uuidv7().',
  );

const closed = (): CodedError => fail('journal.closed', 'the journal is closed', 'Open it again.');
