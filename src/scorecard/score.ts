// The score: integers all the way, a fixed denominator, and no number that was not computed from findings.
import type { JournalVerdict } from '../evidence/verdict.ts';
import type { GradingContext } from './age.ts';
import { type Baseline, type Earlier, isComparable, SCORER_VERSION } from './baseline.ts';
import type { TestFile } from './claim-boundary/suite.ts';
import type { Claims } from './claims.ts';
import { type DimensionFinding, GRADE_MILLI, gradeDimensions } from './grade.ts';
import { lostSince, testsLost } from './lost.ts';
import { type Carried, holdGaps, holdRows } from './movement.ts';
import { priceGaps, type RegisterFinding, sumUp } from './price.ts';
import type { GapRegister } from './register.ts';
import type { Replayed } from './replay-draw.ts';
import { restRows } from './rests.ts';
import { type Retired, retiredSince } from './retired.ts';

export interface ScoreInput {
  readonly verdict: JournalVerdict;
  readonly claims: Claims;
  /** The package's own claims, where `claims` are others: what they leave out is told. */
  readonly ownClaims?: Claims | undefined;
  readonly context: GradingContext;
  readonly register: GapRegister;
  /** The package's own register, where `register` is another: no gap gets cheaper than it is there. */
  readonly ownRegister?: GapRegister | undefined;
  readonly baseline?: Baseline | Earlier | undefined;
  /** Drills that were run again for this score. */
  readonly replayed?: readonly Replayed[] | undefined;
  /** The list of the tests that public text leans on (`data/suite.json`). */
  readonly suite?: readonly TestFile[] | undefined;
  /** What was taken out of the claims since then, on purpose. */
  readonly retired?: readonly Retired[] | undefined;
}

export interface Movement {
  /** Milli-points of the baseline; `undefined` where there is none that is comparable. */
  readonly from: number | undefined;
  /** SHA-256 of the baseline, hex. */
  readonly baseline: string | undefined;
  /** A sentence for each thing that rose, or went, without what it takes. */
  readonly unsupported: readonly string[];
}

export interface Score {
  /** 0 to 5,000 milli-points. */
  readonly milli: number;
  /** `RG:E4/RX:E4/.../P1c:4`: tells equal totals apart. */
  readonly vector: string;
  readonly dimensions: readonly DimensionFinding[];
  readonly register: RegisterFinding;
  /** What the score is made of: `max(0, min(cap, evidence - penalty))`. */
  readonly terms: { readonly evidence: number; readonly penalty: number; readonly cap: number };
  /** What keeps the number from standing by itself, a sentence each; empty: nothing does. */
  readonly conditions: readonly string[];
  /** Rows at E4, of all rows. */
  readonly coverage: { readonly live: number; readonly total: number };
  readonly movement: Movement;
  readonly journal: JournalVerdict;
  /** What all of this was computed from, beside the journal. */
  readonly input: Pick<ScoreInput, 'claims' | 'context' | 'register' | 'suite' | 'retired' | 'replayed'>;
}

const FULL = 5_000;

function vectorOf(dimensions: readonly DimensionFinding[], { gaps }: RegisterFinding): string {
  const rows = dimensions.map(({ dimension, grade }) => `${dimension.letters}:${grade}`);
  const kinds = ['P0', 'P1', 'P2'].flatMap((severity) =>
    ['open', 'conditional', 'shipped'].map((status) => {
      const count = gaps.filter((gap) => gap.severity === severity && gap.counted === status).length;
      return count === 0 ? [] : [`${severity}${status.charAt(0)}:${count}`];
    }),
  );
  return [...rows, ...kinds.flat()].join('/');
}

/** Returns the terms: `evidence` is `floor(5000 * sum(weight * grade) / sum(weight))`, over all rows. */
export function termsOf(
  dimensions: readonly DimensionFinding[],
  { penalty, cap }: RegisterFinding,
): Score['terms'] {
  const weight = dimensions.reduce((sum, { dimension }) => sum + dimension.weight, 0);
  const earned = dimensions.reduce(
    (sum, { dimension, grade }) => sum + dimension.weight * GRADE_MILLI[grade],
    0,
  );
  return { evidence: Math.floor((FULL * earned) / (weight * GRADE_MILLI.E4)), penalty, cap };
}

/** The arithmetic: `max(0, min(cap, evidence - penalty))`. What is missing costs even where much is proven. */
export function milliOf({ evidence, penalty, cap }: Score['terms']): number {
  return Math.max(0, Math.min(cap, evidence - penalty));
}

function conditionsOf({ verdict, baseline, context, claims, ownClaims }: ScoreInput): readonly string[] {
  const { clockBack } = verdict;
  const { open, adopted } = verdict.unsealed;
  const machine = baseline && isComparable(baseline) ? baseline.context.machine : undefined;
  const elsewhere = machine !== undefined && machine !== context.machine;
  const unasked = ownClaims ? lostSince(ownClaims, claims, []) : [];
  return [
    ...(unasked.length === 0
      ? []
      : [
          `other claims than those of this package: ${unasked.length} of its rows, probes, drills or mutants, such as ${unasked[0]?.id}, are not asked for or weigh otherwise`,
        ]),
    ...(elsewhere ? ['the baseline was made on another machine: what that can build may differ'] : []),
    ...(clockBack.times === 0 ? [] : [`time ran back at line ${clockBack.line}: ages across it mean little`]),
    ...(open === 0 ? [] : [`${open} lines are not sealed: they may lower a grade and lift none`]),
    ...(adopted === 0 ? [] : [`${adopted} lines were found unsealed and adopted: they lift no grade`]),
  ];
}

/** What counts, rows and gaps, before and after the baseline had its say. */
function countedOf(input: ScoreInput): {
  readonly dimensions: readonly DimensionFinding[];
  readonly register: RegisterFinding;
  readonly unsupported: readonly string[];
} {
  const { verdict, claims, context, register, ownRegister, baseline } = input;
  const { suite = [], retired = [], replayed } = input;
  const found = gradeDimensions(verdict, claims, context, replayed);
  const price = (rows: readonly DimensionFinding[]): RegisterFinding['gaps'] => {
    const given = priceGaps(register.gaps, rows, claims);
    return ownRegister ? holdGaps(priceGaps(ownRegister.gaps, rows, claims), given).findings : given;
  };
  if (!baseline) return { dimensions: found, register: sumUp(price(found)), unsupported: [] };
  if (!isComparable(baseline)) {
    const { version } = baseline.scorer;
    const why = `not comparable: the baseline was scored by version ${version === 0 ? 'unknown' : version}, this is ${SCORER_VERSION}`;
    return { dimensions: found, register: sumUp(price(found)), unsupported: [why] };
  }
  const counted = new Map(baseline.register.gaps.map((gap) => [gap.id, gap.counted]));
  const carried: Carried = {
    codeChanged: baseline.context.codeDigest !== context.codeDigest,
    gapClosed: price(found).some(
      (gap) => gap.counted === 'shipped' && (counted.get(gap.id) ?? 'shipped') !== 'shipped',
    ),
  };
  const excused = retiredSince(baseline, retired);
  const lost = [...lostSince(baseline.claims, claims, excused), ...testsLost(baseline.suite, suite, excused)];
  const rows = holdRows(baseline, found, lost, carried);
  const gaps = holdGaps(baseline.register.gaps, price(rows.findings), excused);
  return {
    dimensions: rows.findings,
    register: sumUp(gaps.findings),
    unsupported: [...rows.unsupported, ...gaps.unsupported],
  };
}

/** Computes the score from a verified journal, claims, a register and, if there is one, a baseline. */
export function scoreOf(input: ScoreInput): Score {
  const {
    verdict,
    claims,
    context,
    register: given,
    baseline,
    suite = [],
    retired = [],
    replayed = [],
  } = input;
  const { dimensions: graded, register, unsupported } = countedOf(input);
  const dimensions = restRows(graded, claims, register.gaps);
  const terms = termsOf(dimensions, register);
  const from = baseline && isComparable(baseline) ? baseline.score.milli : undefined;
  const milli = milliOf(terms);
  return {
    // Whatever moved without support, the total moves with it nowhere but down.
    milli: from !== undefined && unsupported.length > 0 ? Math.min(milli, from) : milli,
    vector: vectorOf(dimensions, register),
    dimensions,
    register,
    terms,
    conditions: conditionsOf(input),
    coverage: { live: dimensions.filter(({ grade }) => grade === 'E4').length, total: dimensions.length },
    movement: { from, baseline: baseline?.digest, unsupported },
    journal: verdict,
    input: { claims, context, register: given, suite, retired, replayed },
  };
}

/** `4.7 / 5`: one decimal, rounded down. */
export function supportedScore(milli: number): string {
  return `${Math.floor(milli / 1_000)}.${Math.floor((milli % 1_000) / 100)} / 5`;
}
