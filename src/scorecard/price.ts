// What each gap of a register costs. A gap costs points whatever the drills say, and one that is called shipped costs
// nothing only while its proof stands.
import * as z from 'zod';
import type { Claims } from './claims.ts';
import { drillIds, proofOf, sharedEvidence } from './gap-proof.ts';
import type { DimensionFinding } from './grade.ts';
import { type Gap, keptGap } from './register.ts';

/** A P0 that is not shipped holds the whole score down to this, in milli-points, and costs its penalty as well. */
const P0_CAP = 2_000;
const FULL = 5_000;

/** A gap as it counts. */
export interface PricedGap extends Gap {
  /** `shipped` only while its proof stands at E4, else `open`. */
  readonly counted: Gap['status'];
  readonly why: string;
  /** Milli-points. */
  readonly penalty: number;
}

/** The schema of a priced gap, for what embeds one. */
export const pricedGap: z.ZodType<PricedGap> = z.object({
  ...keptGap,
  counted: keptGap.status,
  why: z.string(),
  penalty: z.int().min(0).max(5_000),
});

export interface RegisterFinding {
  readonly gaps: readonly PricedGap[];
  /** Sum in milli-points. */
  readonly penalty: number;
  /** Upper bound of the score in milli-points. */
  readonly cap: number;
}

/** Returns what a gap of this severity costs, in milli-points. */
export function penaltyOf(severity: Gap['severity'], status: Gap['status']): number {
  if (status === 'shipped') return 0;
  if (severity === 'P0') return 300;
  if (severity === 'P2') return 25;
  return status === 'open' ? 150 : 75;
}

/** Prices every gap, given what is claimed and how the rows were graded. */
export function priceGaps(
  gaps: readonly Gap[],
  dimensions: readonly DimensionFinding[],
  claims: Claims,
): readonly PricedGap[] {
  const drills = drillIds(claims);
  const shared = sharedEvidence(gaps);
  const live = new Set(
    dimensions.flatMap(({ probes }) =>
      probes.filter(({ grade }) => grade === 'E4').map(({ probe }) => probe),
    ),
  );
  const shippedBy = (gap: Gap): readonly [boolean, string] => {
    const proof = proofOf(gap, drills);
    if (typeof proof === 'string') return [false, `called shipped, but ${proof}`];
    const twice = gap.evidence_required.flatMap(({ evidence }) => evidence).find((id) => shared.has(id));
    if (twice !== undefined) return [false, `called shipped, but ${twice} is to show two things`];
    const dead = proof.filter((guard) => !live.has(guard));
    if (dead.length > 0) return [false, `called shipped, but ${dead.join(', ')} is not live`];
    return [true, `shipped, proven by ${proof.join(', ')}`];
  };
  return gaps.map((gap): PricedGap => {
    if (gap.status !== 'shipped') {
      const { status: counted, severity } = gap;
      return { ...gap, counted, why: `registered as ${counted}`, penalty: penaltyOf(severity, counted) };
    }
    const [proven, why] = shippedBy(gap);
    const counted = proven ? 'shipped' : 'open';
    return { ...gap, counted, why, penalty: penaltyOf(gap.severity, counted) };
  });
}

/** Sums up priced gaps. */
export function sumUp(priced: readonly PricedGap[]): RegisterFinding {
  const capped = priced.some(({ severity, counted }) => severity === 'P0' && counted !== 'shipped');
  return {
    gaps: priced,
    penalty: priced.reduce((sum, { penalty }) => sum + penalty, 0),
    cap: capped ? P0_CAP : FULL,
  };
}
