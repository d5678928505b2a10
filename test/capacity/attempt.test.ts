// A look turns coded errors into facts, and nothing else: any other error is a defect and must come out.
import { expect, it } from 'vitest';
import { attempt } from '../../src/capacity/attempt.ts';
import { CodedError } from '../../src/evidence/coded-error.ts';

it('returns what comes of it, or its coded error; any other error is thrown', () => {
  const coded = new CodedError('json.encoding', 'why', 'what to do');
  const fail = (error: Error) => () => {
    throw error;
  };
  expect(attempt(() => 7)).toBe(7);
  expect(attempt(fail(coded))).toBe(coded);
  expect(() => attempt(fail(new TypeError('defect')))).toThrow('defect');
});
