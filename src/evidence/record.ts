// What one decision leaves behind: the shape of a journal line. A guard supplies the draft, the journal the rest.
import * as z from 'zod';
import { hex64 } from './hex64.ts';
import { MAX_REASON, MAX_SUBJECT_NAME } from './limits.ts';

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

/**
 * How the look was made. `fd-walk` excludes races; `path-walk` only notices swaps; `remote`: by a granted command on
 * another host; `none`: no file was walked, or the guard cannot say.
 */
export type Method = 'fd-walk' | 'path-walk' | 'remote' | 'none';

/** What a guard says about one decision. Holds no raw input: see {@link EvidenceSink.append}. */
export interface DecisionDraft {
  /** UUIDv7 (RFC 9562). */
  readonly id: string;
  /** `enforce`: for a caller. `drill`, `mutant`, `live`: the drill runner asked, and nobody was granted anything. */
  readonly mode: (typeof DECISION_MODES)[number];
  readonly guard: { readonly id: string; readonly version: string; readonly codeDigest: string };
  readonly dimension: string;
  readonly decision: Verdict;
  /** Every code that refused, headline first; empty when allowed. */
  readonly codes: readonly string[];
  readonly reason: string;
  readonly subject?: Subject | undefined;
  readonly method: Method;
  /** SHA-256 over id, row, and code and remedy of each rule: another set of rules is another policy. */
  readonly policyDigest: string;
  readonly probe?: Probe | undefined;
  readonly replay: { readonly argv: readonly string[]; readonly fixtureDigest?: string | undefined };
  /** Id of the record that this one takes back: what it allowed was not granted. */
  readonly of?: string | undefined;
}

/** What became of a grant. Tied to its decision, and never one itself. */
export interface EffectDraft {
  readonly id: string;
  readonly mode: 'effect';
  /** Id of the record that allowed it. */
  readonly of: string;
  /** `remote-run`, `process-stop`. */
  readonly kind: string;
  /** `begun`: about to happen or under way. `none`: it provably did not happen. `unknown`: nobody can say. */
  readonly outcome: 'begun' | 'done' | 'failed' | 'none' | 'unknown';
  readonly codes: readonly string[];
  readonly reason: string;
  readonly subject?: Subject | undefined;
}

/** What the journal did to itself when it was opened: a torn tail set aside, lines adopted that nobody had sealed. */
export interface RepairDraft {
  readonly id: string;
  readonly mode: 'repair';
  readonly codes: readonly string[];
  readonly reason: string;
  readonly subject?: Subject | undefined;
}

/** Under what the records of one opening were made; its first record. */
export interface RunDraft {
  readonly id: string;
  readonly mode: 'run';
  /** What is known of the running code, and how: see `runningCode`. */
  readonly code: {
    readonly name: string;
    readonly version: string;
    readonly codeDigest: string;
    readonly checked: 'both' | 'dist' | 'src' | 'no';
    readonly agrees: boolean | 'unknown';
  };
  /** A machine, whatever its name: 32 hex digits, or `unknown`. */
  readonly machine: string;
  /** `process.version` */
  readonly node: string;
  /** Options of Node itself (`process.execArgv`), and names of variables that load code: a preload could change any guard. */
  readonly flags: readonly string[];
  /** NODE_OPTIONS, which Node obeys as well. */
  readonly nodeOptions: string;
}

export type EvidenceDraft = DecisionDraft | EffectDraft;
/** Everything that a journal writes, its own records included. */
export type AnyDraft = DecisionDraft | EffectDraft | RepairDraft | RunDraft;

/** What the journal adds to every line, `agilab.guard_evidence.v1`. */
interface Envelope {
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
}

export type DecisionRecord = DecisionDraft &
  Envelope & {
    /** HMAC-SHA-256 of the request under a per-journal key, and what was left out of the record (JSON Pointers). */
    readonly input: { readonly digest: string; readonly redacted: readonly string[] };
  };
export type EffectRecord = EffectDraft & Envelope;
export type RepairRecord = RepairDraft & Envelope;
export type RunRecord = RunDraft & Envelope;

/** One journal line. */
export type EvidenceRecord = DecisionRecord | EffectRecord | RepairRecord | RunRecord;

const DECISION_MODES = ['enforce', 'drill', 'mutant', 'live'] as const;
const decides = ({ mode }: AnyDraft): boolean => (DECISION_MODES as readonly string[]).includes(mode);

/** Whether a record is what a guard decided. */
export function isDecision(record: EvidenceRecord): record is DecisionRecord {
  return decides(record);
}

/** The same of a record that has no place in a journal yet. */
export function isDecisionDraft(draft: AnyDraft): draft is DecisionDraft {
  return decides(draft);
}

/** Where a guard leaves its record. A journal is one; a test may pass another. */
export interface EvidenceSink {
  /**
   * Resolves once the record is durable. `input` is the request as JSON text: the sink keeps only a keyed digest of
   * it. `signal` aborts when nobody waits any more; what is not yet being written is then left out. Rejects when
   * durability cannot be promised, and the guard then refuses. A sink in front of a journal hands on the very draft that
   * it got: a journal takes a copy for anybody's word.
   */
  append(draft: EvidenceDraft, input: string, signal?: AbortSignal): Promise<unknown>;
}

/** Longest line, newline excluded, in bytes. */
export const MAX_RECORD_BYTES = 16_384;

const name = z.string().min(1).max(200);
const sentence = z.string().max(MAX_REASON);

const codes = z.array(name).max(64);
const subject = z
  .strictObject({
    kind: name,
    name: z.string().max(MAX_SUBJECT_NAME).optional(),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional(),
  })
  .optional();

const envelope = {
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
};

const decisionRecord = z.strictObject({
  ...envelope,
  mode: z.enum(DECISION_MODES),
  guard: z.strictObject({ id: name, version: name, codeDigest: hex64 }),
  dimension: name,
  decision: z.enum(['allow', 'refuse', 'error']),
  codes,
  reason: sentence,
  subject,
  method: z.enum(['fd-walk', 'path-walk', 'remote', 'none']),
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
  of: z.uuidv7().optional(),
});

const effectRecord = z.strictObject({
  ...envelope,
  mode: z.literal('effect'),
  of: z.uuidv7(),
  kind: name,
  outcome: z.enum(['begun', 'done', 'failed', 'none', 'unknown']),
  codes,
  reason: sentence,
  subject,
});

const repairRecord = z.strictObject({
  ...envelope,
  mode: z.literal('repair'),
  codes,
  reason: sentence,
  subject,
});

const runRecord = z.strictObject({
  ...envelope,
  mode: z.literal('run'),
  code: z.strictObject({
    name,
    version: name,
    codeDigest: hex64,
    checked: z.enum(['both', 'dist', 'src', 'no']),
    agrees: z.union([z.boolean(), z.literal('unknown')]),
  }),
  machine: name,
  node: name,
  flags: z.array(z.string().max(400)).max(32),
  nodeOptions: z.string().max(2_000),
});

export const evidenceRecord: z.ZodType<EvidenceRecord> = z.discriminatedUnion('mode', [
  decisionRecord,
  effectRecord,
  repairRecord,
  runRecord,
]);

/** Returns the record's JSON Schema (draft 2020-12), for readers in other languages. */
export function evidenceRecordJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(evidenceRecord) as Record<string, unknown>;
}
