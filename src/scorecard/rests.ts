// Rows that stand on what other rows show. A register that calls a gap shipped is as good as the drills behind it, and public
// text is as true as the weakest probe that it names: such a row is worth no more than those.
import type { Claims } from './claims.ts';
import { drillIds, proofOf } from './gap-proof.ts';
import { type DimensionFinding, type ProbeFinding, rowOf } from './grade.ts';
import type { Gap } from './register.ts';

const GAP_REGISTER = 'architecture_hardening_gap_register';

/** Returns the guards that the shipped gaps of a register name. */
function behindGaps(gaps: readonly Gap[], claims: Claims): readonly string[] {
  const drills = drillIds(claims);
  const proofs = gaps.filter(({ status }) => status === 'shipped').map((gap) => proofOf(gap, drills));
  return proofs.flatMap((proof) => (typeof proof === 'string' ? [] : proof));
}

/** Returns the rows, each worth no more than the probes that it rests on. */
export function restRows(
  rows: readonly DimensionFinding[],
  claims: Claims,
  gaps: readonly Gap[],
): readonly DimensionFinding[] {
  const graded = new Map(rows.flatMap(({ probes }) => probes.map((finding) => [finding.probe, finding])));
  const nothing = (probe: string): ProbeFinding => ({
    probe,
    grade: 'E0',
    why: 'nothing is claimed for this probe',
    evidence: [],
  });
  return rows.map((row) => {
    const { dimension, probes, grade } = row;
    const named = dimension.id === GAP_REGISTER ? behindGaps(gaps, claims) : (dimension.restsOn ?? []);
    if (probes.length === 0 || named.length === 0) return row;
    const below = rowOf(
      dimension,
      named.map((probe) => graded.get(probe) ?? nothing(probe)),
    );
    return below.grade < grade ? { ...row, grade: below.grade, why: `rests on ${below.why}` } : row;
  });
}
