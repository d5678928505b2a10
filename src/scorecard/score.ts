// The score: integers all the way, a fixed denominator, and no number that was not computed from findings.
import type { JournalVerdict } from '../evidence/verify.ts';
import type { GradingContext } from './age.ts';
import type { Claims } from './claims.ts';
import { type DimensionFinding, GRADE_MILLI, gradeDimensions } from './grade.ts';
import { type Baseline, moveFrom } from './movement.ts';
import { type Gap, type GapRegister, priceRegister, type RegisterFinding } from './register.ts';

export interface ScoreInput {
  readonly verdict: JournalVerdict;
  readonly claims: Claims;
  readonly context: GradingContext;
  readonly register: GapRegister;
  readonly baseline?: Baseline | undefined;
}

export interface Score {
  /** 0 to 5,000 milli-points. */
  readonly milli: number;
  /** `RG:E4/RX:E4/.../P1c:4`: tells equal totals apart. */
  readonly vector: string;
  readonly dimensions: readonly DimensionFinding[];
  readonly gaps: readonly Gap[];
  readonly register: RegisterFinding;
  /** What the score is made of: `max(0, min(cap, evidence - penalty))`. */
  readonly terms: { readonly evidence: number; readonly penalty: number; readonly cap: number };
  /** What keeps the number from standing by itself, a sentence each; empty: nothing does. */
  readonly conditions: readonly string[];
  /** Rows at E4, of all rows. */
  readonly coverage: { readonly live: number; readonly total: number };
  readonly movement: { readonly from: number | undefined; readonly unsupported: readonly string[] };
  readonly journal: JournalVerdict;
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

function conditionsOf({ unsealed: { open, adopted }, clockBack }: JournalVerdict): readonly string[] {
  return [
    ...(clockBack.times === 0 ? [] : [`time ran back at line ${clockBack.line}: ages across it mean little`]),
    ...(open === 0 ? [] : [`${open} lines are not sealed: they may lower a grade and lift none`]),
    ...(adopted === 0 ? [] : [`${adopted} lines were found unsealed and adopted: they lift no grade`]),
  ];
}

/** Computes the score from a verified journal, claims, a register and, if there is one, a baseline. */
export function scoreOf({ verdict, claims, context, register, baseline }: ScoreInput): Score {
  const { dimensions, gaps, unsupported } = moveFrom(
    baseline,
    gradeDimensions(verdict, claims, context),
    register.gaps,
  );
  const priced = priceRegister(gaps, dimensions);
  const terms = termsOf(dimensions, priced);
  return {
    milli: milliOf(terms),
    vector: vectorOf(dimensions, priced),
    dimensions,
    gaps,
    register: priced,
    terms,
    conditions: conditionsOf(verdict),
    coverage: { live: dimensions.filter(({ grade }) => grade === 'E4').length, total: dimensions.length },
    movement: { from: baseline?.score.milli, unsupported },
    journal: verdict,
  };
}

/** `4.7 / 5`: one decimal, rounded down. */
export function supportedScore(milli: number): string {
  return `${Math.floor(milli / 1_000)}.${Math.floor((milli % 1_000) / 100)} / 5`;
}
