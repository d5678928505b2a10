// Walks journal lines once, in pieces of any size: shape, order, chain, ids, and the Merkle tree over them. Used by the
// verifier, which wants to know what is wrong, and by the writer, which wants to know where to go on. Runs anywhere.
import { IdWindow } from './id-window.ts';
import { decodeLine, type LineHead, readHead } from './line.ts';
import { MerkleTree, type TreeEdge } from './merkle.ts';
import type { Primitives } from './primitives.ts';
import { type EvidenceRecord, MAX_RECORD_BYTES } from './record.ts';

export interface JournalProblem {
  readonly code: string;
  /** First bad line, from 1; absent when it is no line that is bad. */
  readonly line?: number;
  readonly message: string;
}

/** Where to begin: the state after the lines that are not scanned. */
export interface ScanStart {
  readonly edge: TreeEdge;
  /** SHA-256 of the line before, hex; 64 zeros before the first. */
  readonly prev: string;
  readonly ids: IdWindow;
}

/** `prev` of the first line. */
const GENESIS = '0'.repeat(64);
const NEWLINE = 0x0a;

/** The state before the first line. */
export const beginning = (): ScanStart => ({
  edge: { size: 0, edge: [], lastPath: [] },
  prev: GENESIS,
  ids: new IdWindow(),
});

/** Told of each line that is in its place. */
export type OnLine = (head: LineHead) => void;

/** Returns the whole record of a line that the scanner accepted. */
export function recordOf(bytes: Uint8Array): EvidenceRecord {
  const record = decodeLine(bytes);
  if (!record) throw new TypeError('a line changed while it was read');
  return record;
}

export class LineScanner {
  readonly tree: MerkleTree;
  readonly ids: IdWindow;
  /** Complete lines before and in what was scanned, good or bad. */
  lines: number;
  /** Bytes up to the end of the last good line, from where {@link beginFile} was last called. */
  goodBytes = 0;
  problem: JournalProblem | undefined;
  /** SHA-256 of the last good line, hex. */
  head: string;
  readonly #primitives: Primitives;
  readonly #onLine: OnLine;
  /** The start of a line whose end has not come yet; no longer than a line may be, and one byte. */
  #partial: Uint8Array = new Uint8Array();

  constructor(primitives: Primitives, start: ScanStart = beginning(), onLine: OnLine = () => {}) {
    this.#primitives = primitives;
    this.#onLine = onLine;
    this.tree = new MerkleTree(primitives.sha256, start.edge);
    this.lines = start.edge.size;
    this.head = start.prev;
    this.ids = start.ids;
  }

  /** Bytes behind the last newline. */
  get torn(): Uint8Array {
    return this.#partial;
  }

  /** What comes next is in another file, from its byte `offset` on. */
  beginFile(offset = 0): void {
    this.goodBytes = offset;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      this.#take(this.#partial.length > 0 ? this.#joined(piece) : piece);
      this.#partial = this.#partial.length > 0 ? new Uint8Array() : this.#partial;
      start = end + 1;
    }
    // A copy: whoever reads may use the chunk again.
    if (start < chunk.length) this.#partial = this.#joined(chunk.subarray(start));
  }

  #joined(piece: Uint8Array): Uint8Array {
    const kept = piece.subarray(0, Math.max(0, MAX_RECORD_BYTES + 1 - this.#partial.length));
    const joined = new Uint8Array(this.#partial.length + kept.length);
    joined.set(this.#partial);
    joined.set(kept, this.#partial.length);
    return joined;
  }

  #take(bytes: Uint8Array): void {
    const line = ++this.lines;
    if (this.problem) {
      this.#settle(bytes, line);
      return;
    }
    const head = readHead(bytes);
    this.problem = this.#problemOf(head, line);
    if (this.problem || !head) {
      if (this.problem?.code === 'journal.broken-chain') this.#suspect = this.#digest(bytes);
      return;
    }
    this.tree.append(bytes);
    this.ids.add(head.id);
    this.head = this.#digest(bytes);
    this.goodBytes += bytes.length + 1;
    this.#onLine(head);
  }

  #digest(bytes: Uint8Array): string {
    return this.#primitives.sha256Hex(bytes);
  }

  #problemOf(head: LineHead | undefined, line: number): JournalProblem | undefined {
    if (!head) return { code: 'journal.not-a-record', line, message: 'is no evidence record' };
    if (head.seq !== line - 1) {
      const message = `has sequence number ${head.seq}: lines were removed, added or moved`;
      return { code: 'journal.out-of-order', line, message };
    }
    if (head.prev !== this.head) {
      const first = line === 1 || this.tree.size === 0;
      const message = first
        ? 'does not start the chain'
        : 'is not the line that its successor was chained to';
      return { code: 'journal.broken-chain', line: Math.max(1, line - 1), message };
    }
    if (!this.ids.isFresh(head.id))
      return { code: 'journal.duplicate-id', line, message: 'repeats the id of an earlier record' };
    return undefined;
  }

  /** Digest of the first line that is not chained to the one before it, until it is known which of the two was edited. */
  #suspect: string | undefined;

  /** If the successor does not recognise the suspect either, the suspect is the line that was edited, in its own `prev`. */
  #settle(bytes: Uint8Array, line: number): void {
    if (this.#suspect === undefined || !this.problem) return;
    if (readHead(bytes)?.prev !== this.#suspect) this.problem = { ...this.problem, line: line - 1 };
    this.#suspect = undefined;
  }
}
