// The register of known hardening gaps, as it is read. Two formats: AGILAB's own, whose evidence is sentences, and ours,
// which also says whose a gap is, since when, and which drills prove each thing that closing it takes.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { portable } from '../evidence/primitives.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';

/** One thing that must be shown before a gap is closed. */
export interface Requirement {
  readonly requirement: string;
  /** Drills that show it, `drill:GUARD/DRILL`. Empty: nothing shows it. */
  readonly evidence: readonly string[];
}

export interface Gap {
  readonly id: string;
  readonly severity: 'P0' | 'P1' | 'P2';
  readonly status: 'open' | 'conditional' | 'shipped';
  readonly surface: string;
  readonly production_boundary: string;
  readonly evidence_required: readonly Requirement[];
  /** Who answers for it. Not in version 1. */
  readonly owner?: string | undefined;
  /** When it was found, and when somebody last looked at it, `YYYY-MM-DD`. Not in version 1. */
  readonly opened?: string | undefined;
  readonly reviewed?: string | undefined;
  /** What public text calls the thing that is missing. Not in version 1. */
  readonly words?: readonly string[] | undefined;
}

/** A register as read. */
export interface GapRegister {
  readonly schema: 'agilab.architecture_hardening_gaps.v1' | 'agilab.architecture_hardening_gaps.v2';
  readonly scope: string;
  readonly gaps: readonly Gap[];
  /** SHA-256 of the file, hex. */
  readonly digest: string;
}

const text = z.string().min(1).max(4_000);
const requirement: z.ZodType<Requirement> = z.strictObject({
  requirement: text,
  evidence: z.array(z.string().regex(/^drill:[A-Za-z0-9_./:+-]{3,400}$/)).max(64),
});
const common = {
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,79}$/),
  severity: z.enum(['P0', 'P1', 'P2']),
  status: z.enum(['open', 'conditional', 'shipped']),
  surface: text,
  production_boundary: text,
};
const dated = {
  owner: z.string().min(1).max(200),
  opened: z.iso.date(),
  reviewed: z.iso.date(),
  words: z.array(z.string().regex(/^[\p{L}\p{N}]+(?:[ -][\p{L}\p{N}]+){0,5}$/u)).max(32),
};
const gapV1 = z.strictObject({ ...common, evidence_required: z.array(text).min(1).max(64) });
const gapV2 = z.strictObject({
  ...common,
  ...dated,
  evidence_required: z.array(requirement).min(1).max(64),
});

/** The schema of a gap as it is kept in a scorecard. */
export const keptGap = {
  ...common,
  owner: dated.owner.optional(),
  opened: dated.opened.optional(),
  reviewed: dated.reviewed.optional(),
  words: dated.words.optional(),
  evidence_required: z.array(requirement).min(1).max(64),
};

const registerFile = z.discriminatedUnion('schema', [
  z.strictObject({
    schema: z.literal('agilab.architecture_hardening_gaps.v1'),
    supported_score: text, // what AGILAB prints; no score is computed from it
    scope: text,
    gaps: z.array(gapV1).max(1_000),
  }),
  z.strictObject({
    schema: z.literal('agilab.architecture_hardening_gaps.v2'),
    scope: text,
    gaps: z.array(gapV2).max(1_000),
  }),
]);

/** Gaps that every register must name, at least this severe: leaving one out or playing it down would raise the score. */
export const MANDATORY: ReadonlyMap<string, Gap['severity']> = new Map([
  ['tenant-isolation', 'P1'],
  ['enterprise-auth-rbac', 'P1'],
  ['production-rollback', 'P1'],
  ['regulated-serving', 'P1'],
  ['capacity-model-signature', 'P2'],
]);

const REMEDY =
  'Write it as agilab.architecture_hardening_gaps.v2 with all five mandatory gaps, each once: see docs/gaps.md.';

/**
 * Parses a register, of either version.
 *
 * @throws CodedError `register.invalid`; `register.mandatory` where it leaves out or plays down a gap that every register
 * names; `json.*`.
 */
export function parseRegister(bytes: Uint8Array): GapRegister {
  const invalid = (code: string, why: string): CodedError =>
    new CodedError(code, `the gap register ${why}`, REMEDY);
  const result = registerFile.safeParse(parseStrictJson(bytes, { maxBytes: 1_048_576, maxDepth: 8 }));
  if (!result.success) {
    const at = result.error.issues[0]?.path.join('.') || 'the top';
    throw invalid('register.invalid', `does not match its schema at ${at}`);
  }
  const { data } = result;
  const ids = data.gaps.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw invalid('register.invalid', 'names a gap twice');
  for (const [id, least] of MANDATORY) {
    const gap = data.gaps.find((candidate) => candidate.id === id);
    if (!gap) throw invalid('register.mandatory', `does not name ${id}`);
    if (gap.severity > least) throw invalid('register.mandatory', `calls ${id} less severe than ${least}`);
  }
  const gaps: readonly Gap[] = data.gaps.map((gap) => ({
    ...gap,
    evidence_required: gap.evidence_required.map((each) =>
      typeof each === 'string' ? { requirement: each, evidence: [] } : each,
    ),
  }));
  return { schema: data.schema, scope: data.scope, gaps, digest: portable.sha256Hex(bytes) };
}
