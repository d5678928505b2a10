// The score: integers all the way, a fixed denominator, and no number that was not computed from findings.
import type { JournalVerdict } from '../evidence/verify.ts';
import type { Claims } from './claims.ts';
import { type DimensionFinding, GRADE_MILLI, type GradingContext, gradeDimensions } from './grade.ts';
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
  /** The three numbers whose minimum is the score. */
  readonly terms: { readonly evidence: number; readonly register: number; readonly cap: number };
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

/** The arithmetic: `min(floor(5000 * sum(weight * grade) / sum(weight)), 5000 - penalties, cap)`. */
export function termsOf(
  dimensions: readonly DimensionFinding[],
  { penalty, cap }: RegisterFinding,
): Score['terms'] {
  const weight = dimensions.reduce((sum, { dimension }) => sum + dimension.weight, 0);
  const earned = dimensions.reduce(
    (sum, { dimension, grade }) => sum + dimension.weight * GRADE_MILLI[grade],
    0,
  );
  return {
    evidence: Math.floor((FULL * earned) / (weight * GRADE_MILLI.E4)),
    register: Math.max(0, FULL - penalty),
    cap,
  };
}

/** Computes the score from a verified journal, a register and, if there is one, a baseline. */
export function scoreOf({ verdict, claims, context, register, baseline }: ScoreInput): Score {
  const { dimensions, gaps, unsupported } = moveFrom(
    baseline,
    gradeDimensions(verdict, claims, context),
    register.gaps,
  );
  const priced = priceRegister(gaps, dimensions);
  const terms = termsOf(dimensions, priced);
  return {
    milli: Math.min(terms.evidence, terms.register, terms.cap),
    vector: vectorOf(dimensions, priced),
    dimensions,
    gaps,
    register: priced,
    terms,
    coverage: { live: dimensions.filter(({ grade }) => grade === 'E4').length, total: dimensions.length },
    movement: { from: baseline?.score.milli, unsupported },
    journal: verdict,
  };
}

/** `4.7 / 5`: one decimal, rounded down. */
export function supportedScore(milli: number): string {
  return `${Math.floor(milli / 1_000)}.${Math.floor((milli % 1_000) / 100)} / 5`;
}
