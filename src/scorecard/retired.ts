// What was taken out of the claims on purpose. Without an entry, whatever the baseline asked for and nobody asks for any
// more is a failure; the signature on the entries is checked by whoever reads the file. An entry is good for the baselines
// that were there when it was made: kept and shown again, it would excuse whatever goes under that name later.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { type Baseline, STATEMENT_TYPE } from './baseline.ts';

const RETIRED_PREDICATE = 'urn:agilab-guardrails:retired:v2';

/** One thing that is no longer asked for. */
export interface Retired {
  /** `row:ID`, `weight:ROW`, `rests:ROW/GUARD`, `probe:GUARD`, `age:GUARD`, `live:GUARD`, `drill:GUARD/DRILL`, `state:GUARD/DRILL` (it builds another), `mutant:GUARD/MUTANT`, `tests:FILE` or `gap:ID`. */
  readonly id: string;
  readonly why: string;
  /** When the entry was made, in milliseconds since the epoch. */
  readonly made: number;
}

const statement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.unknown()).max(16),
  predicateType: z.literal(RETIRED_PREDICATE),
  predicate: z.strictObject({
    made: z.int().min(0),
    retired: z
      .array(
        z.strictObject({
          id: z
            .string()
            .regex(
              /^(?:row|weight|rests|probe|age|live|drill|state|mutant|tests|gap):[A-Za-z0-9_./:+-]{1,400}$/,
            ),
          why: z.string().min(10).max(2_000),
        }),
      )
      .min(1)
      .max(10_000),
  }),
});

/**
 * Parses retired entries from their statement.
 *
 * @throws CodedError `retired.invalid`, `json.*`.
 */
export function parseRetired(bytes: Uint8Array): readonly Retired[] {
  const result = statement.safeParse(parseStrictJson(bytes, { maxBytes: 1_048_576, maxDepth: 8 }));
  if (result.success) {
    const { made, retired } = result.data.predicate;
    return retired.map((entry) => ({ ...entry, made }));
  }
  const remedy =
    'Write it with `guardrails retire ID... --why TEXT`: each ID as the scorecard names what is gone, such as drill:bind/star, and a reason of at least ten characters.';
  throw new CodedError('retired.invalid', 'these are no retired entries of ours', remedy);
}

/** Returns the entries that say something of what is gone since this baseline. */
export function retiredSince({ context }: Baseline, retired: readonly Retired[]): readonly Retired[] {
  return retired.filter(({ made }) => made >= context.now);
}

/** Returns the statement that retires `ids`, to be signed. The subject is the claims file that they go out of. */
export function retire(
  ids: readonly string[],
  why: string,
  claimsDigest: string,
  made: number = Date.now(),
): string {
  return JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'claims.json', digest: { sha256: claimsDigest } }],
    predicateType: RETIRED_PREDICATE,
    predicate: { made, retired: ids.map((id) => ({ id, why })) },
  });
}
