// How the score may move from one change to the next: down at once, up only on evidence that the baseline did not have.
// Whatever rises without it is put back to where the baseline had it, and named.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { DIMENSION_IDS, type DimensionId } from '../evidence/record.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { type DimensionFinding, GRADE_MILLI, type Grade } from './grade.ts';
import type { Gap } from './register.ts';

/** The part of an earlier scorecard (`agilab.architecture_scorecard.v2`) that movement is measured from. */
export interface Baseline {
  readonly score: { readonly milli: number };
  readonly grades: Readonly<Record<DimensionId, Grade>>;
  readonly checks: readonly { readonly id: DimensionId; readonly evidence: readonly string[] }[];
  readonly register: { readonly gaps: readonly Gap[] };
}

const baselineFile: z.ZodType<Baseline> = z.object({
  schema: z.literal('agilab.architecture_scorecard.v2'),
  score: z.object({ milli: z.int().min(0).max(5_000) }),
  grades: z.record(z.enum(DIMENSION_IDS), z.enum(['E0', 'E1', 'E2', 'E3', 'E4'])),
  checks: z
    .array(z.object({ id: z.enum(DIMENSION_IDS), evidence: z.array(z.string()) }))
    .length(DIMENSION_IDS.length)
    .refine((checks) => new Set(checks.map(({ id }) => id)).size === checks.length),
  register: z.object({
    gaps: z.array(
      z.object({
        id: z.string(),
        severity: z.enum(['P0', 'P1', 'P2']),
        status: z.enum(['open', 'conditional', 'shipped']),
        surface: z.string(),
        production_boundary: z.string(),
        evidence_required: z.array(z.string()),
      }),
    ),
  }),
});

/**
 * Parses an earlier scorecard.
 *
 * @throws CodedError `baseline.invalid`, `json.*`.
 */
export function parseBaseline(bytes: Uint8Array): Baseline {
  const result = baselineFile.safeParse(parseStrictJson(bytes, { maxBytes: 4_194_304, maxDepth: 16 }));
  if (result.success) return result.data;
  const remedy = 'Give it the output of an earlier `guardrails scorecard --compact`.';
  throw new CodedError('baseline.invalid', 'the baseline is no scorecard of ours', remedy);
}

/** Findings and gaps as they may count, and every rise that was put back. */
export interface Movement {
  readonly dimensions: readonly DimensionFinding[];
  readonly gaps: readonly Gap[];
  /** One sentence for each unsupported rise. */
  readonly unsupported: readonly string[];
}

const SEVERITIES: readonly Gap['severity'][] = ['P2', 'P1', 'P0'];

/** Holds findings and gaps against the baseline. Without one, everything counts as found. */
export function moveFrom(
  baseline: Baseline | undefined,
  dimensions: readonly DimensionFinding[],
  gaps: readonly Gap[],
): Movement {
  if (!baseline) return { dimensions, gaps, unsupported: [] };
  const unsupported: string[] = [];
  const held = dimensions.map((finding) => {
    const { id } = finding.dimension;
    const before = (baseline.grades as Readonly<Record<string, Grade>>)[id] ?? 'E0';
    if (GRADE_MILLI[finding.grade] <= GRADE_MILLI[before]) return finding;
    const known = new Set(baseline.checks.find((check) => check.id === id)?.evidence);
    // Each probe must have been run anew: one fresh probe cannot carry the stale ones of its row.
    const fresh = finding.probes.every(({ evidence }) => evidence.some((record) => !known.has(record)));
    if (fresh) return finding;
    const why = `${id} rose from ${before} to ${finding.grade} without new evidence`;
    unsupported.push(why);
    return { ...finding, grade: before, why };
  });
  const now = new Map(gaps.map((gap) => [gap.id, gap]));
  for (const before of baseline.register.gaps) {
    const gap = now.get(before.id);
    const keep = (why: string): void => {
      unsupported.push(`gap ${before.id} ${why}`);
      now.set(before.id, before);
    };
    if (!gap) keep('was removed from the register');
    else if (SEVERITIES.indexOf(gap.severity) < SEVERITIES.indexOf(before.severity))
      keep('was made less severe');
    else if (JSON.stringify(gap.evidence_required) !== JSON.stringify(before.evidence_required)) {
      keep('now asks for other evidence');
    } else if (gap.status === 'conditional' && before.status === 'open') {
      // Shipped stands or falls with its proof when the register is priced; conditional would be a matter of trust.
      keep('went from open to conditional without proof');
    }
  }
  return { dimensions: held, gaps: [...now.values()], unsupported };
}
