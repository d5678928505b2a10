// Reads a journal as an auditor does: believes nothing that the bytes, the chain, the checkpoint and the pinned key
// do not bear out, and names the first line where they stop doing so.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Checkpoint, parseCheckpoint, signedBy } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { type NoteVerifier, parseVerifierKey } from './keys.ts';
import { MerkleTree } from './merkle.ts';
import { type EvidenceRecord, evidenceRecord, MAX_RECORD_BYTES } from './record.ts';

/** The bytes of a journal as found. */
export interface JournalFiles {
  /** journal.jsonl */
  readonly journal: Uint8Array;
  /** checkpoint; `undefined` when there is none. */
  readonly checkpoint: string | undefined;
}

/** A key and the only host whose records it may vouch for. */
export interface Pin {
  readonly vkey: string;
  readonly host: string;
}

export interface VerifyOptions {
  readonly pins: readonly Pin[];
  /** An earlier checkpoint of this journal, kept elsewhere: catches rollback and deletion. */
  readonly previous?: string | undefined;
}

export interface JournalProblem {
  readonly code: string;
  /** First bad line, from 1; absent when it is the checkpoint that is bad. */
  readonly line?: number;
  readonly message: string;
}

export interface JournalLine {
  readonly record: EvidenceRecord;
  /** From 1. */
  readonly line: number;
  /** Covered by the signed checkpoint, and was so before anybody else could have added it. */
  readonly sealed: boolean;
}

export interface JournalVerdict {
  /** No problem, signed by a pinned key, and every line up to the last is covered by the checkpoint. */
  readonly ok: boolean;
  readonly problems: readonly JournalProblem[];
  /** `unsigned`: no checkpoint. `unpinned`: signed by a key that nobody here vouches for. */
  readonly key: 'pinned' | 'unpinned' | 'unsigned';
  /** `first-seen`: no earlier checkpoint was given, so rollback could not be looked for. */
  readonly history: 'extends' | 'broken' | 'first-seen';
  readonly origin: string | undefined;
  /** Complete lines in the file. */
  readonly size: number;
  /** Lines that nobody vouches for: not covered by the checkpoint, or found uncovered and adopted after a crash. */
  readonly unsealed: { readonly open: number; readonly adopted: number };
  /** RFC 6962 root over all of them, hex. */
  readonly root: string;
  /** Empty as soon as there is a problem: a journal is believed as a whole or not at all. */
  readonly lines: readonly JournalLine[];
}

/** What the bytes alone say, before any signature. Internal to the evidence room. */
export interface JournalScan {
  readonly records: readonly EvidenceRecord[];
  /** Complete lines. */
  readonly lines: number;
  /** Over all lines, or up to where the first bad one was settled. */
  readonly tree: MerkleTree;
  /** SHA-256 of the last line, hex. */
  readonly head: string;
  /** Bytes behind the last newline. */
  readonly torn: Uint8Array;
  /** Bytes up to and including the last newline. */
  readonly length: number;
  readonly problem: JournalProblem | undefined;
  /** Roots at the sizes asked for, hex; absent where the journal is shorter. */
  readonly rootAt: ReadonlyMap<number, string>;
}

/** `prev` of the first line. */
const GENESIS = '0'.repeat(64);
const NEWLINE = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What shows that the journal does not extend its earlier checkpoint. */
const HISTORY_PROBLEMS = new Set(['journal.foreign-origin', 'journal.rolled-back']);

/** Returns the record on a line, or `undefined` when the bytes are none. */
function parseLine(bytes: Uint8Array): EvidenceRecord | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  try {
    return evidenceRecord.safeParse(JSON.parse(utf8.decode(bytes))).data;
  } catch {
    return undefined;
  }
}

/** Walks the lines once: shape, order, chain, and the Merkle root at the sizes of interest. */
export function scanJournal(journal: Uint8Array, sizes: readonly number[] = []): JournalScan {
  const tree = new MerkleTree();
  const records: EvidenceRecord[] = [];
  const rootAt = new Map<number, string>();
  const ids = new Set<string>();
  const noteRoot = (): void => {
    if (sizes.includes(tree.size)) rootAt.set(tree.size, bytesToHex(tree.root()));
  };
  noteRoot();
  let problem: JournalProblem | undefined;
  let head = GENESIS;
  let start = 0;
  let lines = 0;
  for (;;) {
    const end = journal.indexOf(NEWLINE, start);
    if (end < 0) break;
    const bytes = journal.subarray(start, end);
    const line = ++lines;
    start = end + 1;
    // Once the first bad line is settled, the rest is only counted: a file of newlines is cheap to make.
    if (problem && (problem.code !== 'journal.broken-chain' || line > (problem.line ?? 0) + 2)) continue;
    tree.append(bytes);
    noteRoot();
    const digest = bytesToHex(sha256(bytes));
    if (!problem) {
      const record = parseLine(bytes);
      if (!record) problem = { code: 'journal.not-a-record', line, message: 'is no evidence record' };
      else if (record.seq !== line - 1) {
        const message = `has sequence number ${record.seq}: lines were removed, added or moved`;
        problem = { code: 'journal.out-of-order', line, message };
      } else if (record.prev !== head) {
        problem = {
          code: 'journal.broken-chain',
          line: Math.max(1, line - 1),
          message:
            line === 1 ? 'does not start the chain' : 'is not the line that its successor was chained to',
        };
      } else if (ids.has(record.id)) {
        problem = { code: 'journal.duplicate-id', line, message: 'repeats the id of an earlier record' };
      } else {
        records.push(record);
        ids.add(record.id);
      }
    } else if (
      problem.code === 'journal.broken-chain' &&
      problem.line === line - 2 &&
      parseLine(bytes)?.prev !== head
    ) {
      // Its successor does not recognise line - 1 either, so that is the line that was edited (in its own `prev`).
      problem = { ...problem, line: line - 1 };
    }
    head = digest;
  }
  return { records, tree, head, lines, torn: journal.subarray(start), length: start, problem, rootAt };
}

/** Positions (from 0) that a later writer found unsealed and only then covered: nobody knows who wrote them. */
function adoptedPositions(records: readonly EvidenceRecord[]): Set<number> {
  const adopted = new Set<number>();
  const lastOf = new Map<number, number>();
  for (const record of records) {
    if (record.mode !== 'repair' || !record.codes.includes('journal.unsealed-tail')) continue;
    const { subject } = record;
    const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(subject?.name ?? '') ?? [];
    lastOf.set(Number(first), Math.max(Number(last), lastOf.get(Number(first)) ?? 0));
  }
  // One pass: ranges may overlap, and a hostile journal may hold one as long as itself on every line.
  let until = -1;
  for (let seq = 0; seq < records.length; seq++) {
    until = Math.max(until, lastOf.get(seq) ?? -1);
    if (seq <= until) adopted.add(seq);
  }
  return adopted;
}

/**
 * Returns what may be believed of a journal. Never throws on bad bytes: they are the finding.
 *
 * @throws CodedError `key.malformed`, `key.small-order`: a pin is no key.
 * @throws CodedError `checkpoint.malformed`, `checkpoint.unpinned`: `previous` is no checkpoint under a pinned key.
 */
export function verifyJournal(files: JournalFiles, options: VerifyOptions): JournalVerdict {
  const pins = options.pins.map(({ vkey, host }) => ({ host, verifier: parseVerifierKey(vkey) }));
  const verifiers: readonly NoteVerifier[] = pins.map(({ verifier }) => verifier);
  const previous = options.previous === undefined ? undefined : parseCheckpoint(options.previous);
  if (previous && !signedBy(previous, verifiers)) {
    const remedy =
      'Pin the key that signed it, or take the previous checkpoint from where you keep your copies.';
    throw new CodedError(
      'checkpoint.unpinned',
      'the previous checkpoint is not signed by a pinned key',
      remedy,
    );
  }
  const problems: JournalProblem[] = [];
  let checkpoint: Checkpoint | undefined;
  let signer: NoteVerifier | undefined;
  try {
    checkpoint = files.checkpoint === undefined ? undefined : parseCheckpoint(files.checkpoint);
    signer = checkpoint && signedBy(checkpoint, verifiers);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    problems.push({ code: error.code, message: error.message });
  }
  const covered = checkpoint?.claimed.size ?? 0;
  const scan = scanJournal(files.journal, [covered, previous?.claimed.size ?? 0]);
  const size = scan.lines;
  const found = (code: string, line: number, message: string): void =>
    void problems.push({ code, line, message });
  if (scan.problem) problems.push(scan.problem);
  if (scan.torn.length > 0) found('journal.torn-tail', size + 1, 'was cut off before its end');
  if (checkpoint) {
    if (size < covered) found('journal.missing-lines', size + 1, `is missing: ${covered} lines were signed`);
    else if (scan.rootAt.get(covered) !== bytesToHex(checkpoint.claimed.root) && !scan.problem) {
      found('journal.rewritten', covered, 'or the whole chain up to it is not what was signed');
    }
  }
  if (previous) {
    const { origin, size: before, root } = previous.claimed;
    if (checkpoint && origin !== checkpoint.claimed.origin) {
      problems.push({
        code: 'journal.foreign-origin',
        message: 'the previous checkpoint is of another journal',
      });
    } else if (size < before)
      found('journal.rolled-back', size + 1, `is missing: ${before} lines were pinned`);
    else if (scan.rootAt.get(before) !== bytesToHex(root)) {
      found('journal.rolled-back', before, 'or the chain up to it is not what was pinned');
    }
  }
  const producer = pins.find(({ verifier }) => verifier === signer)?.host;
  const stranger = signer && scan.records.find(({ host }) => host !== producer);
  if (stranger)
    found('journal.wrong-producer', stranger.seq + 1, 'comes from a host that the key is not pinned for');
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const key = signer ? 'pinned' : checkpoint ? 'unpinned' : 'unsigned';
  const adopted = adoptedPositions(scan.records);
  const lines = scan.records.map((record) => ({
    record,
    line: record.seq + 1,
    sealed: record.seq < covered && !adopted.has(record.seq),
  }));
  const breaks = problems.some(({ code }) => HISTORY_PROBLEMS.has(code));
  return {
    ok: problems.length === 0 && key === 'pinned' && size === covered,
    problems,
    key,
    history: previous === undefined ? 'first-seen' : breaks ? 'broken' : 'extends',
    origin: checkpoint?.claimed.origin,
    size,
    unsealed: { open: Math.max(0, size - covered), adopted: adopted.size },
    root: bytesToHex(scan.tree.root()),
    lines: problems.length === 0 ? lines : [],
  };
}
