// What may be believed of a journal, and of each of its lines. Runs anywhere.
import { type LineRange, membership } from './adopted.ts';
import { pause } from './pass.ts';
import type { EvidenceRecord } from './record.ts';
import type { JournalProblem } from './scan.ts';

export interface JournalLine {
  readonly record: EvidenceRecord;
  /** From 1. */
  readonly line: number;
  /** Covered by the signed checkpoint, and was so before anybody else could have added it. */
  readonly sealed: boolean;
}

/**
 * `sealed`: a pinned key vouches for every line. `live`: for all but those of the last seconds, as beside a running
 * writer. `adopted`: intact, but for some lines, or all, nobody vouches. `broken`: it has problems.
 */
export type JournalState = 'sealed' | 'live' | 'adopted' | 'broken';

export interface JournalVerdict {
  readonly state: JournalState;
  /** Every line is vouched for: the state is `sealed`. */
  readonly ok: boolean;
  readonly problems: readonly JournalProblem[];
  /**
   * `unsigned`: no checkpoint. `unpinned`: signed by a key that nobody here vouches for, `revoked`: or no more; `witnessed`:
   * no more, but what is sealed was seen before it was revoked.
   */
  readonly key: 'pinned' | 'witnessed' | 'unpinned' | 'revoked' | 'unsigned';
  /** The verifier key that signed: pinned, or one that a pinned key handed the journal over to. */
  readonly signer?: string;
  /** `first-seen`: no earlier checkpoint was given, so rollback could not be looked for. */
  readonly history: 'extends' | 'broken' | 'first-seen';
  readonly origin: string | undefined;
  /** Complete lines. */
  readonly size: number;
  /** Lines that nobody vouches for: not covered by the checkpoint, or found uncovered and adopted after a crash. */
  readonly unsealed: { readonly open: number; readonly adopted: number };
  /** Which lines were adopted, counted from 0. */
  readonly adopted: readonly LineRange[];
  /** How often a record is dated before its predecessor, and on which line first: the clock was set back. */
  readonly clockBack: { readonly times: number; readonly line?: number };
  /** RFC 6962 root over all good lines, hex. */
  readonly root: string;
  /** Empty as soon as there is a problem: a journal is believed as a whole or not at all. */
  readonly lines: readonly JournalLine[];
}

/** Some milliseconds of work. */
const LINES_A_TURN = 10_000;

/** Says of each record whether it is sealed. Many thousand at a time, others have their turn. */
export async function linesOf(
  records: readonly EvidenceRecord[],
  covered: number,
  adopted: readonly LineRange[],
  signal: AbortSignal | undefined,
): Promise<readonly JournalLine[]> {
  const isAdopted = membership(adopted);
  const lines: JournalLine[] = [];
  for (const record of records) {
    if (lines.length % LINES_A_TURN === LINES_A_TURN - 1) await pause();
    signal?.throwIfAborted();
    const { seq } = record;
    lines.push({ record, line: seq + 1, sealed: seq < covered && !isAdopted(seq) });
  }
  return lines;
}
