// An earlier scorecard, as movement is measured from it: an in-toto statement whose signature somebody else has checked.
// Strict where it counts: what is not there cannot be compared, so it is refused.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { hex64 } from '../evidence/hex64.ts';
import { portable } from '../evidence/primitives.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { type TestFile, testFiles } from './claim-boundary/suite.ts';
import { type Claims, claimsFile } from './claims.ts';
import type { Grade } from './grade.ts';
import { type PricedGap, pricedGap } from './price.ts';

/** Statement v1 of github.com/in-toto/attestation. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** The payload type of signed statements (github.com/in-toto/attestation). */
export const IN_TOTO = 'application/vnd.in-toto+json';
/** What a signed scorecard states. */
export const SCORECARD_PREDICATE = 'urn:agilab-guardrails:architecture-scorecard:v2';

/**
 * How scores are made. Another version grades or prices otherwise, so that its numbers are not comparable: it changes
 * with every change of the rules in this room.
 */
export const SCORER_VERSION = 8;

/** A scorecard of ours, of whatever version: only those of one version are comparable. */
export interface Earlier {
  /** SHA-256 of the statement, hex. */
  readonly digest: string;
  /** Version 0: it does not say. */
  readonly scorer: { readonly version: number };
}

/** The part of an earlier scorecard that movement is measured from. */
export interface Baseline extends Earlier {
  readonly score: { readonly milli: number };
  readonly context: {
    readonly codeDigest: string;
    readonly machine?: string | undefined;
    /** When it was made, in milliseconds since the epoch. */
    readonly now: number;
  };
  readonly claims: Claims;
  readonly probes: readonly {
    readonly probe: string;
    readonly grade: Grade;
    readonly evidence: readonly string[];
  }[];
  readonly register: { readonly gaps: readonly PricedGap[] };
  readonly suite: readonly TestFile[];
}

const scorer = z.object({ version: z.int().min(1) });

const predicate: z.ZodType<Omit<Baseline, 'digest'>> = z.object({
  schema: z.literal('agilab.architecture_scorecard.v2'),
  scorer,
  score: z.object({ milli: z.int().min(0).max(5_000) }),
  context: z.object({
    codeDigest: hex64,
    machine: z.string().max(200).optional(),
    now: z.int().min(0),
  }),
  claims: claimsFile,
  probes: z.array(
    z.object({
      probe: z.string(),
      grade: z.enum(['E0', 'E1', 'E2', 'E3', 'E4']),
      evidence: z.array(z.string()),
    }),
  ),
  register: z.object({ gaps: z.array(pricedGap) }),
  suite: testFiles,
});

const statement = z.object({
  _type: z.literal(STATEMENT_TYPE),
  predicateType: z.literal(SCORECARD_PREDICATE),
  predicate,
});

/** What a scorecard of any version says of how it was made. */
const anyVersion = z.object({
  _type: z.literal(STATEMENT_TYPE),
  predicateType: z.string().regex(/^urn:agilab-guardrails:architecture-scorecard:v[0-9]+$/),
  predicate: z.object({ scorer: scorer.default({ version: 0 }) }),
});

const LIMITS = { maxBytes: 16_777_216, maxDepth: 16 };

const invalid = (): CodedError => {
  const remedy = 'Give it the output of an earlier `guardrails scorecard --format intoto`.';
  return new CodedError('baseline.invalid', 'the baseline is no scorecard of ours', remedy);
};

/**
 * Parses an earlier scorecard from its statement (`guardrails scorecard --format intoto`, the signature taken off).
 *
 * @throws CodedError `baseline.invalid`, `json.*`.
 */
export function parseBaseline(bytes: Uint8Array): Baseline {
  const result = statement.safeParse(parseStrictJson(bytes, LIMITS));
  if (!result.success) throw invalid();
  return { ...result.data.predicate, digest: portable.sha256Hex(bytes) };
}

/**
 * Parses an earlier scorecard of whatever version: a {@link Baseline} where it is of this one, else no more than what made it,
 * for its shape may be another.
 *
 * @throws CodedError `baseline.invalid`, `json.*`.
 */
export function parseEarlier(bytes: Uint8Array): Baseline | Earlier {
  const result = anyVersion.safeParse(parseStrictJson(bytes, LIMITS));
  if (!result.success) throw invalid();
  const made = result.data.predicate.scorer;
  if (made.version === SCORER_VERSION) return parseBaseline(bytes);
  return { scorer: made, digest: portable.sha256Hex(bytes) };
}

/** Whether movement can be measured from it. */
export function isComparable(earlier: Baseline | Earlier): earlier is Baseline {
  return earlier.scorer.version === SCORER_VERSION && 'register' in earlier;
}
