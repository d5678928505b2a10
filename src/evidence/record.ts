// What one decision leaves behind: the shape of a journal line. A guard supplies the draft, the journal the rest.
import * as z from 'zod';

/** Scorecard rows, with the ids that AGILAB publishes. */
export const DIMENSION_IDS = [
  'architecture_plane_boundaries',
  'architecture_runtime_guardrails',
  'architecture_supply_chain_release_proof',
  'architecture_remote_execution_hardening',
  'architecture_capacity_model_trust_boundary',
  'architecture_hardening_gap_register',
  'architecture_claim_boundary',
] as const;
export type DimensionId = (typeof DIMENSION_IDS)[number];

/** `error` is a refusal whose cause was not the request but the looking: a timeout, a broken rule, a dead disk. */
export type Verdict = 'allow' | 'refuse' | 'error';

/** What the decision was about. `name` only where a guard vouches that it holds no secret. */
export interface Subject {
  readonly kind: string;
  readonly name?: string | undefined;
  /** `sha256:` and 64 lowercase hex digits. */
  readonly digest?: string | undefined;
}

/** A drill's finding: which bad state was built, what should have come out, what did. */
export interface Probe {
  readonly drill: string;
  readonly fault: string;
  /** `allow`, or the refusal code expected as the headline. */
  readonly expected: string;
  readonly observed: string;
  readonly passed: boolean;
  /** The rule that was taken out, when a mutant was drilled. */
  readonly mutant?: string | undefined;
}

/** Everything that a guard says about one decision. Holds no raw input: see {@link EvidenceSink.append}. */
export interface EvidenceDraft {
  /** UUIDv7 (RFC 9562). */
  readonly id: string;
  readonly guard: { readonly id: string; readonly version: string; readonly codeDigest: string };
  readonly dimension: DimensionId;
  readonly decision: Verdict;
  /** Every code that refused, headline first; empty when allowed. */
  readonly codes: readonly string[];
  readonly reason: string;
  readonly subject?: Subject | undefined;
  /** SHA-256 over the guard's rule codes and dimension: another set of rules is another policy. */
  readonly policyDigest: string;
  readonly probe?: Probe | undefined;
  readonly replay: { readonly argv: readonly string[]; readonly fixtureDigest?: string | undefined };
  readonly mode: 'enforce' | 'drill' | 'mutant';
}

/** One journal line, `agilab.guard_evidence.v1`. */
export interface EvidenceRecord extends EvidenceDraft {
  readonly schema: 'agilab.guard_evidence.v1';
  /** Position in the journal, from 0. */
  readonly seq: number;
  /** SHA-256 (hex) of the bytes of the line before, newline excluded; 64 zeros on the first line. */
  readonly prev: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** CLOCK_MONOTONIC in microseconds: orders records of one boot whatever the wall clock does. */
  readonly monotonic: number;
  readonly boot: string;
  readonly host: string;
  /** The writing process, `<pid>@<start tick>`. */
  readonly writer: string;
  readonly run: string;
  /** HMAC-SHA-256 of the request under a per-journal key, and what was left out of the record (JSON Pointers). */
  readonly input: { readonly digest: string; readonly redacted: readonly string[] };
}

/** Where a guard leaves its record. A journal is one; a test may pass another. */
export interface EvidenceSink {
  /**
   * Resolves once the record is durable. `input` is the request as JSON text: the sink keeps only a keyed digest of
   * it. Rejects when durability cannot be promised, and the guard then refuses.
   */
  append(draft: EvidenceDraft, input: string): Promise<unknown>;
}

/** Longest line, newline excluded, in bytes. */
export const MAX_RECORD_BYTES = 16_384;

/** Longest reason and longest name of a subject, in UTF-16 units. */
export const MAX_REASON = 2_000;
export const MAX_SUBJECT_NAME = 400;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().min(1).max(200);
const sentence = z.string().max(MAX_REASON);

export const evidenceRecord: z.ZodType<EvidenceRecord> = z.strictObject({
  schema: z.literal('agilab.guard_evidence.v1'),
  seq: z.int().nonnegative(),
  prev: hex64,
  id: z.uuidv7(),
  time: z.iso.datetime({ precision: 3 }),
  monotonic: z.int().nonnegative(),
  boot: name,
  host: name,
  writer: name,
  run: name,
  guard: z.strictObject({ id: name, version: name, codeDigest: hex64 }),
  dimension: z.enum(DIMENSION_IDS),
  decision: z.enum(['allow', 'refuse', 'error']),
  codes: z.array(name).max(64),
  reason: sentence,
  subject: z
    .strictObject({
      kind: name,
      name: z.string().max(MAX_SUBJECT_NAME).optional(),
      digest: z
        .string()
        .regex(/^sha256:[0-9a-f]{64}$/)
        .optional(),
    })
    .optional(),
  input: z.strictObject({ digest: hex64, redacted: z.array(z.string().max(400)).max(64) }),
  policyDigest: hex64,
  probe: z
    .strictObject({
      drill: name,
      fault: sentence,
      expected: name,
      observed: name,
      passed: z.boolean(),
      mutant: name.optional(),
    })
    .optional(),
  replay: z.strictObject({ argv: z.array(z.string().max(400)).max(32), fixtureDigest: hex64.optional() }),
  mode: z.enum(['enforce', 'drill', 'mutant']),
});

/** Returns the record's JSON Schema (draft 2020-12), for readers in other languages. */
export function evidenceRecordJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(evidenceRecord) as Record<string, unknown>;
}
