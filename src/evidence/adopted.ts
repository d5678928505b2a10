// Lines that a later writer found without a seal and only then covered: nobody knows who wrote them. The writer says so
// in a record of its own when it opens the journal, and only such a statement takes belief from a line.

/** From and to, both counted from 0 and both included. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** What a repair record at `seq` says: that the lines of the range were adopted. */
export interface AdoptionStatement extends LineRange {
  readonly seq: number;
}

/** Code of the repair record that states an adoption. */
export const ADOPTION_CODE = 'journal.unsealed-tail';

/** Returns the statement in the subject's name of a repair record, `first-last`; `undefined` where it is none. */
export function adoptionOf(seq: number, name: string | undefined): AdoptionStatement | undefined {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(name ?? '') ?? [];
  const statement = { seq, first: Number(first), last: Number(last) };
  // It is written as soon as the journal is open, so it speaks of lines before it, and never of lines to come.
  return last !== undefined && statement.first <= statement.last && statement.last < seq
    ? statement
    : undefined;
}

/**
 * Returns the adopted ranges, in order and apart from one another. A statement counts only if it is sealed and not itself
 * on an adopted line: else whoever can append a line without the key could take belief from all others.
 */
export function adoptedRanges(
  statements: readonly AdoptionStatement[],
  sealed: number,
): readonly LineRange[] {
  const ranges: LineRange[] = [];
  let lowest = sealed;
  for (const { seq, first, last } of statements.toReversed()) {
    if (seq >= lowest) continue;
    lowest = first;
    ranges.push({ first, last });
  }
  return ranges.reverse();
}

/** Returns a function that answers, for rising line numbers, whether a line is in one of the ranges. */
export function membership(ranges: readonly LineRange[]): (seq: number) => boolean {
  let at = 0;
  return (seq) => {
    while ((ranges[at]?.last ?? Number.POSITIVE_INFINITY) < seq) at++;
    return (ranges[at]?.first ?? Number.POSITIVE_INFINITY) <= seq;
  };
}

export const countOf = (ranges: readonly LineRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
