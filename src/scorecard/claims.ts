// What must be shown, as data: rows, their probes, and for each probe the drills and mutants that its evidence must name.
// It is a lock, generated from the guards and kept beside them: a guard that loses a rule together with its drill still
// differs from what is written here, and whoever changes this file does so in plain sight.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { hex64 } from '../evidence/hex64.ts';
import { portable } from '../evidence/primitives.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';

/** A row of the scorecard. Its grade is the minimum over its probes; without one it counts as nothing. */
export interface Dimension {
  readonly id: string;
  /** Two letters for the score vector. */
  readonly letters: string;
  readonly label: string;
  readonly weight: number;
  /** Ids of the guards that must all hold. Empty: nobody has built this row yet. */
  readonly probes: readonly string[];
  /** Probes of any row that the public text names: the row is worth no more than the weakest of them. */
  readonly restsOn?: readonly string[] | undefined;
}

/** One drill that the evidence must name. */
export interface DrillClaim {
  readonly id: string;
  /** `allow`, or the code that must be the headline of the refusal. */
  readonly expects: string;
  /** What only some machines have and it takes: where it could not be built, its record must say so. Absent: nothing. */
  readonly needs?: string | undefined;
  /** SHA-256 (hex) of what it builds and asks, paths and what is random by nature apart; absent: not compared. */
  readonly fixture?: string | undefined;
}

/** What the evidence of one probe must show. */
export interface Claim {
  /** Id of the guard. */
  readonly guard: string;
  /** SHA-256, hex, over the guard's id, row, and code and remedy of each rule. */
  readonly policyDigest: string;
  /** Older evidence is stale, in seconds. */
  readonly timeToLive: number;
  readonly drills: readonly DrillClaim[];
  /** Rules that were taken out and looks that were broken: some drill noticed each. */
  readonly mutants: readonly string[];
  /**
   * What the guard must have been asked about in earnest, beside its samples: `package`, or whatever the context has a
   * digest for. Absent for a guard over what others send.
   */
  readonly live?: string | undefined;
}

/** `agilab.guard_claims.v1`. */
export interface Claims {
  readonly schema: 'agilab.guard_claims.v1';
  readonly dimensions: readonly Dimension[];
  readonly claims: readonly Claim[];
}

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length;
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_./:+-]{0,199}$/);
const names = z.array(name).max(10_000).refine(unique, 'names one twice');

const dimension: z.ZodType<Dimension> = z.strictObject({
  id: name,
  letters: z.string().regex(/^[A-Z]{2,4}$/),
  label: z.string().min(1).max(200),
  weight: z.int().min(1).max(1_000),
  probes: names,
  restsOn: names.optional(),
});

const claim: z.ZodType<Claim> = z.strictObject({
  guard: name,
  policyDigest: hex64,
  timeToLive: z.int().min(1).max(31_536_000),
  drills: z
    .array(
      z.strictObject({
        id: name,
        expects: name,
        needs: z.string().min(1).max(200).optional(),
        fixture: hex64.optional(),
      }),
    )
    .max(10_000)
    .refine((drills) => unique(drills.map(({ id }) => id)), 'names a drill twice'),
  mutants: names,
  live: name.optional(),
});

/** The schema of a claims file, for what embeds one. */
export const claimsFile: z.ZodType<Claims> = z
  .strictObject({
    schema: z.literal('agilab.guard_claims.v1'),
    dimensions: z.array(dimension).min(1).max(100),
    claims: z.array(claim).max(1_000),
  })
  .refine(({ dimensions }) => unique(dimensions.map(({ id }) => id)), 'names a row twice')
  .refine(({ dimensions }) => unique(dimensions.map(({ letters }) => letters)), 'has two rows of one name')
  .refine(({ claims }) => unique(claims.map(({ guard }) => guard)), 'names a guard twice')
  .refine(
    ({ dimensions, claims }) =>
      dimensions
        .flatMap(({ probes }) => probes)
        .toSorted()
        .join('\n') ===
      claims
        .map(({ guard }) => guard)
        .toSorted()
        .join('\n'),
    'does not have each guard in exactly one row',
  );

/**
 * Parses a claims file.
 *
 * @throws CodedError `claims.invalid`, `json.*`.
 */
export function parseClaims(bytes: Uint8Array): Claims {
  const result = claimsFile.safeParse(parseStrictJson(bytes, { maxBytes: 16_777_216, maxDepth: 8 }));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const own = issue?.code === 'custom' ? issue.message : 'is no list of claims';
  const at = issue?.path.length ? `is wrong at ${issue.path.join('.')}` : own;
  const remedy = 'Write it with `guardrails claims`, from guards that have drills.';
  throw new CodedError('claims.invalid', `the claims file ${at}`, remedy);
}

/** Returns claims as they are kept: one drill and one mutant a line, so that changes meet only where they touch. */
export function writeClaims({ schema, dimensions, claims }: Claims): string {
  const json = (value: unknown): string => JSON.stringify(value);
  const list = (lines: readonly string[], indent: string): string =>
    lines.length === 0 ? '[]' : `[${lines.map((line) => `\n${indent}  ${line}`).join(',')}\n${indent}]`;
  const blocks = claims.map(
    ({ drills, mutants, ...head }) =>
      `${json(head).slice(0, -1)},"drills":${list(drills.map(json), '    ')},"mutants":${list(mutants.map(json), '    ')}}`,
  );
  return `{
  "schema": ${json(schema)},
  "dimensions": ${list(dimensions.map(json), '  ')},
  "claims": ${list(blocks, '  ')}
}
`;
}

/** Returns the SHA-256 (hex) of claims as they are kept: that of `data/claims.json`, for the claims of this package. */
export function digestOf(claims: Claims): string {
  return portable.sha256Hex(new TextEncoder().encode(writeClaims(claims)));
}
