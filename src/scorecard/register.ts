// The register of known hardening gaps, in AGILAB's file format. A gap costs points whatever the drills say, and one
// that is called shipped costs nothing only while its proof stands.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { portable } from '../evidence/primitives.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import type { DimensionFinding } from './grade.ts';

export interface Gap {
  readonly id: string;
  readonly severity: 'P0' | 'P1' | 'P2';
  readonly status: 'open' | 'conditional' | 'shipped';
  readonly surface: string;
  readonly production_boundary: string;
  readonly evidence_required: readonly string[];
}

/** A register as read. `agilab.architecture_hardening_gaps.v1`. */
export interface GapRegister {
  readonly schema: 'agilab.architecture_hardening_gaps.v1';
  /** What AGILAB prints. Read because the format has it; no score is computed from it. */
  readonly supported_score: string;
  readonly scope: string;
  readonly gaps: readonly Gap[];
  /** SHA-256 of the file, hex. */
  readonly digest: string;
}

const text = z.string().min(1).max(4_000);
const gap = {
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,79}$/),
  severity: z.enum(['P0', 'P1', 'P2']),
  status: z.enum(['open', 'conditional', 'shipped']),
  surface: text,
  production_boundary: text,
  evidence_required: z.array(text).min(1).max(64),
};
const gapRegister: z.ZodType<Omit<GapRegister, 'digest'>> = z.strictObject({
  schema: z.literal('agilab.architecture_hardening_gaps.v1'),
  supported_score: text,
  scope: text,
  gaps: z.array(z.strictObject(gap)).max(1_000),
});

/** Gaps that every register must name, at least this severe: leaving one out or playing it down would raise the score. */
const MANDATORY: ReadonlyMap<string, Gap['severity']> = new Map([
  ['tenant-isolation', 'P1'],
  ['enterprise-auth-rbac', 'P1'],
  ['production-rollback', 'P1'],
  ['regulated-serving', 'P1'],
  ['capacity-model-signature', 'P2'],
]);

/** The probes that prove a gap shipped. A gap that is not listed here cannot be shipped by saying so. */
const PROOF: ReadonlyMap<string, readonly string[]> = new Map([
  ['capacity-model-signature', ['capacity-model', 'capacity-origin']],
]);

/** A P0 that is not shipped holds the whole score down to this, in milli-points, and costs its penalty as well. */
const P0_CAP = 2_000;
const FULL = 5_000;

/**
 * Parses a register.
 *
 * @throws CodedError `register.invalid`, `json.*`.
 */
export function parseRegister(bytes: Uint8Array): GapRegister {
  const remedy = 'Write it as agilab.architecture_hardening_gaps.v1 with all five mandatory gaps, each once.';
  const invalid = (why: string): CodedError =>
    new CodedError('register.invalid', `the gap register ${why}`, remedy);
  const result = gapRegister.safeParse(parseStrictJson(bytes, { maxBytes: 1_048_576, maxDepth: 8 }));
  if (!result.success)
    throw invalid(`does not match its schema at ${result.error.issues[0]?.path.join('.') || 'the top'}`);
  const ids = result.data.gaps.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw invalid('names a gap twice');
  for (const [id, least] of MANDATORY) {
    const gap = result.data.gaps.find((candidate) => candidate.id === id);
    if (!gap) throw invalid(`does not name ${id}`);
    if (gap.severity > least) throw invalid(`calls ${id} less severe than ${least}`);
  }
  return { ...result.data, digest: portable.sha256Hex(bytes) };
}

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
  ...gap,
  counted: gap.status,
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

function penaltyOf(severity: Gap['severity'], status: Gap['status']): number {
  if (status === 'shipped') return 0;
  if (severity === 'P0') return 300;
  if (severity === 'P2') return 25;
  return status === 'open' ? 150 : 75;
}

/** Prices every gap, given how the rows were graded. */
export function priceGaps(
  gaps: readonly Gap[],
  dimensions: readonly DimensionFinding[],
): readonly PricedGap[] {
  const live = new Set(
    dimensions.flatMap(({ probes }) =>
      probes.filter(({ grade }) => grade === 'E4').map(({ probe }) => probe),
    ),
  );
  return gaps.map((gap): PricedGap => {
    const { id, severity, status } = gap;
    const proof = PROOF.get(id);
    const proven = proof?.every((probe) => live.has(probe)) ?? false;
    const counted = status === 'shipped' && !proven ? 'open' : status;
    const why =
      status !== 'shipped'
        ? `registered as ${status}`
        : proven
          ? `shipped, proven by ${proof?.join(', ')}`
          : `called shipped, but ${proof ? `${proof.join(', ')} is not live` : 'no probe proves it'}`;
    return { ...gap, counted, why, penalty: penaltyOf(severity, counted) };
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
