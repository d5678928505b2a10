// The protocol of the socket: one JSON line a request, one JSON line an answer, told apart by the `id` of the request, in any
// order. A line that cannot be read is answered under the id `null`.
import * as z from 'zod';
import { capacityModel } from '../capacity/capacity-model.ts';
import { guardNamed } from '../catalogue.ts';
import { CodedError } from '../evidence/coded-error.ts';
import type { EvidenceSink } from '../evidence/record.ts';
import { parseStrictJson, StrictJsonError } from '../evidence/strict-json.ts';
import { isGranted } from '../kernel/grants.ts';
import { answerTo } from './answer.ts';

/** Longest line, in bytes, in both directions. */
export const MAX_LINE_BYTES = 1_048_576;

type Id = string | number;
interface Asked {
  readonly id: Id;
  readonly guard: string;
  readonly request: unknown;
  /** Rows of features: what the capacity model that is granted predicts for them is in the answer, as `predictions`. */
  readonly predict?: readonly (readonly number[])[] | undefined;
}

const asked: z.ZodType<Asked> = z.strictObject({
  id: z.union([z.string().max(200), z.int()]),
  guard: z.string().max(200),
  request: z.unknown(),
  predict: z.array(z.array(z.number()).max(1_024)).max(10_000).optional(),
});

/** What the one who asked did wrong, under the same names as a decision. */
const failure = (id: Id | null, code: string, reason: string, remedy: string): object => ({
  id,
  decision: 'error',
  codes: [code],
  reason,
  remedy,
  grant: null,
  evidence: null,
});

const lineOf = (answer: object): string => `${JSON.stringify(answer)}\n`;

/** The answer to a line that is too long to be read. */
export const TOO_LONG: string = lineOf(
  failure(
    null,
    'serve.too-long',
    `a line is over ${MAX_LINE_BYTES} bytes`,
    'Ask in less; the connection is closed.',
  ),
);

/** The answer to a line that nothing ends: a request that was cut could be another one. */
export const CUT_SHORT: string = lineOf(
  failure(null, 'serve.malformed', 'the last line does not end', 'End each request with a line feed.'),
);

function read(line: Uint8Array): Asked | string {
  let json: unknown;
  try {
    json = parseStrictJson(line, { maxBytes: MAX_LINE_BYTES, maxDepth: 64, fractionAt: () => true });
  } catch (error) {
    if (error instanceof StrictJsonError)
      return lineOf(failure(null, error.code, error.message, error.remedy));
    throw error;
  }
  const { success, data } = asked.safeParse(json);
  if (success) return data;
  const remedy = 'Send {"id": ..., "guard": "bind", "request": {...}}.';
  return lineOf(failure(null, 'serve.malformed', 'the line is no request', remedy));
}

/** Returns the answer to a line, as a line. Whatever goes wrong is an answer. */
export async function answerLine(
  line: Uint8Array,
  journal: EvidenceSink,
  signal: AbortSignal,
): Promise<string> {
  const request = read(line);
  if (typeof request === 'string') return request;
  const { id, predict } = request;
  try {
    const answer = await answerTo(await guardNamed(request.guard), request.request, { journal, signal });
    const { grant } = answer;
    const model = predict && isGranted(capacityModel, grant) ? grant : undefined;
    const text = lineOf({
      id,
      guard: answer.guard,
      decision: answer.decision,
      codes: answer.codes,
      reason: answer.reason,
      remedy: answer.remedy,
      grant,
      evidence: answer.evidence,
      predictions: model && predict ? model.predict(predict) : undefined,
    });
    if (Buffer.byteLength(text) <= MAX_LINE_BYTES) return text;
    return lineOf(failure(id, 'serve.too-long', 'the answer is too long', 'Ask for less at once.'));
  } catch (error) {
    if (error instanceof CodedError) return lineOf(failure(id, error.code, error.message, error.remedy));
    const remedy = 'Report it: whatever a guard meets is a refusal, and this was none.';
    return lineOf(failure(id, 'serve.failed', 'the request could not be answered', remedy));
  }
}
