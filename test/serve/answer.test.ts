// What the one who asked is told of a grant that was taken back: never that it was allowed, whatever the journal could still keep.
import { expect, it } from 'vitest';
import * as z from 'zod';
import type { DecisionDraft, EvidenceSink } from '../../src/evidence/record.ts';
import { defineGuard } from '../../src/kernel/define.ts';
import { answerTo } from '../../src/serve/answer.ts';

const guard = defineGuard({
  id: 'acme/taken-back',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({}),
  observe: async () => ({}),
  rules: [{ code: 'acme.never', remedy: 'None.', refuses: () => false }],
  commit: async () => {
    throw new Error('no space');
  },
  grant: () => Object.freeze({}),
});

/** Keeps so many records, and no more. */
function sink(most: number): { readonly kept: DecisionDraft[]; readonly journal: EvidenceSink } {
  const kept: DecisionDraft[] = [];
  const append: EvidenceSink['append'] = async (draft) => {
    if (kept.length === most) throw new Error('no space');
    kept.push(draft as DecisionDraft);
  };
  return { kept, journal: { append } };
}

it.each([
  [2, 'guard.commit-failed'],
  [1, 'guard.commit-failed'],
  [0, 'guard.journal-failed'],
])('is an error, of %i records that could be kept', async (most, code) => {
  const { kept, journal } = sink(most);
  const answer = await answerTo(guard, {}, { journal });
  expect(kept.map(({ decision }) => decision)).toEqual(['allow', 'error'].slice(0, most));
  expect(answer).toMatchObject({ decision: 'error', grant: null, evidence: kept[1]?.id ?? null });
  expect(answer.codes[0]).toBe(code);
});
