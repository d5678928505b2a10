// What the artefacts in somebody else's repository are worth. Which artefact speaks for which row is decided here, never by the
// repository, or it would grade itself; nothing of it was run, so nothing is worth more than E2.
import { oneLine } from '../evidence/one-line.ts';
import type { Claims, Dimension } from './claims.ts';
import { type DimensionFinding, GRADE_MILLI, type Grade, type ProbeFinding } from './grade.ts';
import { priceGaps, sumUp } from './price.ts';
import type { Gap } from './register.ts';
import { milliOf, termsOf } from './score.ts';

/** What one artefact shows: a grade for a row, with what would raise it. */
export interface Shown {
  /** Id of the row. */
  readonly row: string;
  readonly grade: Exclude<Grade, 'E3' | 'E4'>;
  /** Path below the repository. */
  readonly path: string;
  readonly why: string;
}

/** Files that would produce evidence, were what they produce kept and signed. */
export interface Words {
  readonly workflows: number;
  readonly tests: number;
  readonly documents: number;
  /** Directories that could not be read. */
  readonly unread: number;
}

export interface RepositoryRow {
  readonly id: string;
  readonly letters: string;
  readonly label: string;
  readonly grade: Grade;
  readonly why: string;
  readonly found: readonly Shown[];
  /** What would raise it by one grade. */
  readonly raise: string;
}

export interface RepositoryScore {
  readonly schema: 'agilab.repository_scorecard.v1';
  readonly score: {
    readonly milli: number;
    readonly evidence: number;
    readonly penalty: number;
    readonly cap: number;
  };
  readonly rows: readonly RepositoryRow[];
  readonly words: Words;
  readonly boundary: string;
}

const BOUNDARY = 'Nothing of the repository was executed: what is found in it is worth E2 at most.';

/** What would raise a row from a grade, where nothing else is known. */
function raiseOf({ label }: Dimension, grade: Grade): string {
  if (grade === 'E0')
    return `keep signed evidence for "${label}" in the repository: a journal of drills with its checkpoint, or an in-toto statement in DSSE over a file that is there`;
  if (grade === 'E1') return 'name the key that signed it with --pin, from where its owner publishes it';
  return 'run the drills here: evidence from another host is E2 at most';
}

/**
 * Computes the score of a repository from what its artefacts show. A row is worth its best artefact, since each stands alone;
 * the gaps of its dearest register cost as they always do: one more register makes no gap cheaper.
 */
export function scoreRepository(
  shown: readonly Shown[],
  words: Words,
  claims: Claims,
  registers: readonly [readonly Gap[], ...(readonly Gap[])[]],
): RepositoryScore {
  const rows = claims.dimensions.map((dimension): RepositoryRow => {
    const { id, letters, label } = dimension;
    const found = shown.filter(({ row }) => row === id).toSorted((a, b) => b.grade.localeCompare(a.grade));
    const [best] = found;
    const grade = best?.grade ?? 'E0';
    const why =
      best?.why ??
      `words without evidence: ${words.workflows} workflows, ${words.tests} tests and ${words.documents} documents show nothing by themselves`;
    return { id, letters, label, grade, why, found, raise: raiseOf(dimension, grade) };
  });
  const findings = claims.dimensions.map((dimension, n): DimensionFinding => {
    const { grade, why } = rows[n] as RepositoryRow;
    const probe: ProbeFinding = { probe: dimension.id, grade, why, evidence: [] };
    return { dimension, grade, why, probes: [probe] };
  });
  const termsUnder = (gaps: readonly Gap[]): ReturnType<typeof termsOf> =>
    termsOf(findings, sumUp(priceGaps(gaps, findings, claims)));
  const terms = registers
    .map(termsUnder)
    .reduce((dearest, each) =>
      milliOf(each) - each.penalty < milliOf(dearest) - dearest.penalty ? each : dearest,
    );
  return {
    schema: 'agilab.repository_scorecard.v1',
    score: { milli: milliOf(terms), ...terms },
    rows,
    words,
    boundary: BOUNDARY,
  };
}

/** The scorecard of a repository as a table. */
export function repositoryTable({ score, rows, words, boundary }: RepositoryScore): string {
  return [
    `Repository scorecard: ${score.milli} milli-points (evidence ${score.evidence}, penalties ${score.penalty}, at most ${score.cap})`,
    ...rows.flatMap(({ letters, grade, label, why, found, raise }) => [
      `  ${letters}  ${grade}  ${String(GRADE_MILLI[grade]).padStart(4)}  ${label}`,
      `                ${why}`,
      ...found
        .slice(0, 5)
        .map(({ path, grade: each, why: reason }) => `                ${each} ${path}: ${reason}`),
      `                to raise it: ${raise}`,
    ]),
    ...(words.unread === 0
      ? []
      : [`${words.unread} directories could not be read: what lies there counts for nothing.`]),
    boundary,
  ]
    .map(oneLine)
    .join('\n');
}
