// Streams that cost most for their size: refused by code, with a place, whether loaded or looked at. What they take in
// memory is seen by test/fuzz/pickle-flood.test.ts, and in time by `npm run bench capacity`.
import { expect, it } from 'vitest';
import { inspectPickle } from '../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { BAD_INPUTS } from '../fuzz/bad-inputs.ts';

it.each(BAD_INPUTS)('refuses $what', ({ code, make }) => {
  const bytes = make();
  const refusal = expect.objectContaining({
    code,
    message: expect.stringMatching(/\(byte [0-9]+(?: of the inflated stream)?\)$/),
  });
  expect(() => decodeModel(bytes)).toThrow(refusal);
  expect(inspectPickle(bytes).reason?.code).toBe(code);
});
