// One pass over the lines of a journal: all that the verdict needs to know of them, and no line twice. Runs anywhere.
import { ADOPTION_CODE, type AdoptionStatement, adoptionOf, type LineRange, membership } from './adopted.ts';
import { toHex } from './bytes.ts';
import { type Primitives, portable } from './primitives.ts';
import { Producers } from './producers.ts';
import type { EvidenceRecord } from './record.ts';
import { successorIn } from './rotation.ts';
import { LineScanner, type OnLine } from './scan.ts';
import { decodeStart, type RetirementStatement, retirementIn } from './start.ts';
import { Times } from './times.ts';

/** One file of lines. */
export interface SegmentFile {
  /** Position of its first line, from 0, as its name says. */
  readonly first: number;
  /** Its bytes, in pieces, from the start; asked for again where strangers added lines. */
  bytes(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A journal as found. */
export interface JournalFiles {
  /** In the order of their names. */
  readonly segments: readonly SegmentFile[];
  /** The checkpoint; `undefined` when there is none. */
  readonly checkpoint: string | undefined;
  /** Checkpoints at which the journal went over to another key, signed by both. */
  readonly rotations?: readonly string[];
  /** Where the journal begins, when its first lines were retired. */
  readonly start?: string | undefined;
  /**
   * Returns the hashes which show that the first `size` lines extend the first `before` of them: for a checkpoint that was kept
   * since before lines were retired. Where it rejects, or there is none, nothing shows it.
   */
  readonly growth?: (before: number, size: number) => Promise<readonly Uint8Array[]>;
}

/** Which lines are kept of a journal that does not fit into memory. */
export interface Keeping {
  /** Of these modes alone. */
  readonly modes: ReadonlySet<string>;
  /** Returns those of some sealed records, from the first line on, that later ones do not make worthless. Asked now and then. */
  condense(records: readonly EvidenceRecord[]): readonly EvidenceRecord[];
}

export interface PassOptions {
  /** Default true. False leaves `lines` empty, for journals that do not fit into memory. */
  readonly keepLines?: boolean | Keeping;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of lines read so far. */
  readonly onProgress?: ((lines: number) => void) | undefined;
  /** Default: in JavaScript alone. */
  readonly primitives?: Primitives;
}

/** So many records are kept before the first of them are condensed. */
const CONDENSED_FROM = 16_384;

/** Longest turn of the event loop that verification takes, in milliseconds, and the piece that it looks at in one go. */
const TURN_MS = 8;
const PIECE = 65_536;

/** Lets timers and other work have their turn. */
export const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

/** What one pass over all lines found. */
export interface Pass {
  readonly scanner: LineScanner;
  readonly rootAt: ReadonlyMap<number, string>;
  readonly records: readonly EvidenceRecord[];
  /** Some were let go, since they lie below `covered`. */
  readonly condensed: boolean;
  readonly statements: readonly AdoptionStatement[];
  /** Verifier keys that records name as successors, by the position of the record. */
  readonly successors: ReadonlyMap<number, string>;
  readonly producers: Producers;
  readonly retirements: readonly RetirementStatement[];
  readonly times: Times;
}

/** What is asked of one pass. */
interface Asked {
  /** Sizes whose roots are wanted, and the times of the lines before and after. */
  readonly sizes: ReadonlySet<number>;
  /** So many lines are sealed, if the checkpoint is right. */
  readonly covered: number;
  /** What these lines say of machines and times is left out. */
  readonly nobodys: readonly LineRange[];
}

/** Reads a journal once. */
export async function passOver(
  { segments, start }: JournalFiles,
  { sizes, covered, nobodys }: Asked,
  { keepLines = true, signal, onProgress, primitives = portable }: PassOptions,
): Promise<Pass> {
  const keeping = typeof keepLines === 'boolean' ? undefined : keepLines;
  let records: EvidenceRecord[] = [];
  let condensed = false;
  let room = CONDENSED_FROM;
  const statements: AdoptionStatement[] = [];
  const successors = new Map<number, string>();
  const retirements: RetirementStatement[] = [];
  const producers = new Producers();
  const times = new Times();
  const rootAt = new Map<number, string>();
  const isNobodys = membership(nobodys);
  let begins = true;
  const onLine: OnLine = (line) => {
    const telling = line.mode === 'repair' || line.mode === 'run';
    const kept = keeping ? keeping.modes.has(line.mode) : keepLines === true;
    const record = kept || telling ? (JSON.parse(line.text) as EvidenceRecord) : undefined;
    if (kept && record) records.push(record);
    if (keeping && records.length >= room && line.seq < covered) {
      const before = records.length;
      records = [...keeping.condense(records)];
      condensed ||= records.length < before;
      room = Math.max(CONDENSED_FROM, 2 * records.length);
    }
    if (record?.mode === 'repair') {
      const { codes, subject } = record;
      const statement = codes.includes(ADOPTION_CODE) ? adoptionOf(line.seq, subject?.name) : undefined;
      if (statement) statements.push(statement);
      const successor = successorIn(record);
      if (successor !== undefined) successors.set(line.seq, successor);
      const retirement = retirementIn(record);
      if (retirement) retirements.push(retirement);
    }
    begins ||= sizes.has(line.seq) || successors.has(line.seq - 1);
    if (!isNobodys(line.seq)) {
      producers.add(line, record);
      times.add(line.seq, line.time, begins);
      begins = false;
    }
    const { size } = scanner.tree;
    if (sizes.has(size)) rootAt.set(size, toHex(scanner.tree.root()));
  };
  const scanner = new LineScanner(primitives, start === undefined ? undefined : decodeStart(start), onLine);
  if (sizes.has(0)) rootAt.set(0, toHex(scanner.tree.root()));
  let turn = performance.now();
  for (const segment of segments) {
    const gap = segment.first !== scanner.lines || scanner.torn.length > 0;
    if (gap && !scanner.problem) {
      const message = `is missing or cut off: the next file of lines begins at ${segment.first + 1}`;
      scanner.problem = { code: 'journal.missing-segment', line: scanner.lines + 1, message };
    }
    for await (const chunk of segment.bytes()) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        scanner.push(chunk.subarray(at, at + PIECE));
        if (performance.now() - turn < TURN_MS) continue;
        signal?.throwIfAborted();
        onProgress?.(scanner.lines);
        await pause();
        turn = performance.now();
      }
    }
  }
  return { scanner, rootAt, records, condensed, statements, successors, producers, retirements, times };
}
