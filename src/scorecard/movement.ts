// How the score may move from one change to the next: down at once and field by field, up only on new evidence for changed
// code or a closed gap. Whatever rises otherwise is put back to where the baseline had it, and named.
import type { Baseline } from './baseline.ts';
import { whyCheaper } from './cheaper.ts';
import type { Dimension } from './claims.ts';
import { type DimensionFinding, type ProbeFinding, rowOf } from './grade.ts';
import type { Lost } from './lost.ts';
import type { PricedGap } from './price.ts';
import type { Retired } from './retired.ts';

/** Findings as they may count, and a sentence for each that was put back. */
export interface Held<Finding> {
  readonly findings: readonly Finding[];
  readonly unsupported: readonly string[];
}

const UNPROVEN: Pick<ProbeFinding, 'grade' | 'evidence'> = { grade: 'E0', evidence: [] };

/** What may carry a rise beside new evidence. */
export interface Carried {
  readonly codeChanged: boolean;
  readonly gapClosed: boolean;
}

/** Rows as the baseline lets them count: what it knew and nobody asks for any more, which is `lost`, is nothing. */
export function holdRows(
  baseline: Baseline,
  found: readonly DimensionFinding[],
  lost: readonly Lost[],
  { codeChanged, gapClosed }: Carried,
): Held<DimensionFinding> {
  const unsupported = lost.map(
    ({ id }) =>
      `${id} is gone, asks for less, builds or weighs otherwise, and no retired entry since the baseline says why`,
  );
  const before = new Map(baseline.probes.map((finding) => [finding.probe, finding]));
  const proven = new Set(
    baseline.claims.dimensions.flatMap(({ id, probes }) => (probes.length > 0 ? id : [])),
  );
  const holdProbe = (finding: ProbeFinding, row: string, gone: readonly Lost[]): ProbeFinding => {
    const missing = gone.find(({ guard }) => guard === finding.probe);
    if (missing) return { ...finding, grade: 'E0', why: `${missing.id} was taken away since the baseline` };
    // One probe more can only lower a row; in a row that nothing proved before, it is what lifts it.
    const was = before.get(finding.probe) ?? (proven.has(row) ? undefined : UNPROVEN);
    if (!was || finding.grade <= was.grade) return finding;
    const known = new Set(was.evidence);
    const fresh = finding.evidence.every((id) => !known.has(id));
    if (fresh && (codeChanged || gapClosed)) return finding;
    const without = fresh ? 'changed code or a closed gap' : 'new evidence';
    const why = `${finding.probe} rose from ${was.grade} to ${finding.grade} without ${without}`;
    unsupported.push(why);
    return { ...finding, grade: was.grade, why };
  };
  const holdRow = ({ dimension, probes }: DimensionFinding): DimensionFinding => {
    const gone = lost.filter(({ row }) => row === dimension.id);
    const weight = gone.some(({ guard }) => guard === undefined)
      ? baseline.claims.dimensions.find(({ id }) => id === dimension.id)?.weight
      : undefined;
    const vanished = gone
      .filter(({ guard }) => guard !== undefined && !dimension.probes.includes(guard))
      .map(({ guard = '' }): ProbeFinding => ({ probe: guard, grade: 'E0', why: 'gone', evidence: [] }));
    const all = [...probes, ...vanished].map((finding) => holdProbe(finding, dimension.id, gone));
    return rowOf({ ...dimension, weight: weight ?? dimension.weight }, all);
  };
  const rows = new Set(found.map(({ dimension }) => dimension.id));
  const restored = baseline.claims.dimensions.filter(
    ({ id }) => !rows.has(id) && lost.some((gone) => gone.id === `row:${id}`),
  );
  const nothing = (dimension: Dimension): DimensionFinding => ({
    dimension,
    grade: 'E0',
    why: 'this row was taken away since the baseline',
    probes: [],
  });
  return { findings: [...found.map(holdRow), ...restored.map(nothing)], unsupported };
}

/**
 * Gaps as they may count beside an earlier pricing of them, which is compared by what it counted, not by what was
 * written: a gap gets cheaper by proof alone.
 */
export function holdGaps(
  earlier: readonly PricedGap[],
  found: readonly PricedGap[],
  retired: readonly Retired[] = [],
): Held<PricedGap> {
  const excused = new Set(retired.map(({ id }) => id));
  const now = new Map(found.map((gap) => [gap.id, gap]));
  const unsupported: string[] = [];
  for (const before of earlier) {
    const gap = now.get(before.id);
    const why = whyCheaper(before, gap)?.why;
    if (why === undefined || excused.has(`gap:${before.id}`)) continue;
    unsupported.push(`gap ${before.id} ${why}`);
    const dearer = gap && gap.penalty > before.penalty ? gap : before;
    now.set(before.id, { ...dearer, why });
  }
  return { findings: [...now.values()], unsupported };
}
