// How much a test asserts is read from its syntax. The oracle is what a person counts.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { countAssertions } from '../../../src/scorecard/claim-boundary/assertions.ts';
import { countSuite } from '../../../src/scorecard/claim-boundary/count-suite.ts';
import { parseSuite, writeSuite } from '../../../src/scorecard/claim-boundary/suite.ts';

const count = (text: string): readonly unknown[] => {
  const { tests, assertions, emptyAt } = countAssertions(text, ({ name }) => name === 'holds');
  return [tests, assertions, emptyAt];
};

describe('a test', () => {
  it.each([
    ['of one assertion', "it('a', () => { expect(1).toBe(1); });", [1, 1, undefined]],
    ['of none', "\nit('a', () => { work(); });", [1, 0, 2]],
    ['of a comment', "it('a', () => { /* expect(1).toBe(1) */ });", [1, 0, 1]],
    ['of a text', "it('a', () => { say('expect(1)'); });", [1, 0, 1]],
    ['that rejects', "it('a', async () => { await expect(f()).rejects.toThrow(); });", [1, 1, undefined]],
    ['that fails', "it('a', () => { if (x) expect.fail(); });", [1, 1, undefined]],
    ['of a property', "it('a', () => fc.assert(fc.property(x, () => true)));", [1, 1, undefined]],
    [
      'with a table',
      "it.each([1])('a %s', (n) => { expect(n).toBe(1); expect(n).toBe(2); });",
      [1, 2, undefined],
    ],
    ['with options', "it('a', { timeout: 1 }, () => { expect(1).toBe(1); });", [1, 1, undefined]],
    ['left out', "it.skipIf(x)('a', () => { expect(1).toBe(1); });", [1, 1, undefined]],
    ['left out for good', "it.skip('a', () => { expect(1).toBe(1); });", [1, 0, 1]],
    [
      'left out by a group',
      "describe.skip('g', () => { it('a', () => { expect(1).toBe(1); }); });",
      [1, 0, 1],
    ],
    [
      'beside a group that is left out',
      "suite('h', { skip: true }, () => { it('a', () => expect(1)); });\nit('b', () => expect(1));",
      [2, 1, 1],
    ],
    ['in a group', "describe('g', () => { it('a', () => { expect(1).toBe(1); }); });", [1, 1, undefined]],
    ['left out by its options', "it('a', { skip: true }, () => { expect(1).toBe(1); });", [1, 0, 1]],
    [
      'with other options',
      "it('a', { skip: x, retry: 1 }, () => { expect(1).toBe(1); });",
      [1, 1, undefined],
    ],
    ['left out by no condition', "it.skipIf(true)('a', () => { expect(1).toBe(1); });", [1, 0, 1]],
    ['never run', "it.runIf(false).each([1])('a', () => { expect(1).toBe(1); });", [1, 0, 1]],
    [
      'never run, by a member more',
      "it.skipIf(true).concurrent('a', () => { expect(1).toBe(1); });",
      [1, 0, 1],
    ],
    ['that leaves out the others', "it('a', () => expect(1));\nit.only('b', () => expect(1));", [2, 2, 2]],
    ['that ends before', "it('a', () => { return; expect(1).toBe(1); });", [1, 0, 1]],
    ['that skips itself', "it('a', (context) => { context.skip(); expect(1).toBe(1); });", [1, 0, 1]],
    [
      'that may skip itself',
      "it('a', (context) => { if (x) context.skip('no x'); expect(1); });",
      [1, 1, undefined],
    ],
    ['to be written', "it.todo('a');", [0, 0, undefined]],
    [
      'of a helper of its file',
      "function f() { expect(1).toBe(1); }\nit('a', () => f());",
      [1, 1, undefined],
    ],
    ['of an emptied helper', "function f() {}\nit('a', () => f());", [1, 0, 2]],
    ['of an imported helper', "import { holds } from './h.ts';\nit('a', () => holds(1));", [1, 1, undefined]],
    ['of another import', "import { other } from './h.ts';\nit('a', () => other(1));", [1, 0, 2]],
    ['whose helper calls itself', "const f = () => { f(); };\nit('a', () => f());", [1, 0, 2]],
    [
      'in TypeScript',
      "it('a', (x: string) => { expect(x as unknown satisfies unknown).toBe<string>(x!); });",
      [1, 1, undefined],
    ],
    ['beside another', "it('a', () => { expect(1).toBe(1); });\nit('b', () => {});", [2, 1, 2]],
  ])('%s', (_what, text, counted) => {
    expect(count(text)).toEqual(counted);
  });
});

describe('a suite', () => {
  it('follows imports to files beside the tests, and counts in those that are tests', () => {
    const files = new Map([
      ['a/x.test.ts', "import { holds } from '../h.ts';\nit('a', () => holds());"],
      ['h.ts', "import { expect } from 'vitest';\nexport const holds = () => { expect(1).toBe(1); };"],
    ]);
    const digest = (path: string): string =>
      createHash('sha256')
        .update(files.get(path) ?? '')
        .digest('hex');
    const listed = [...countSuite(files)];
    expect(listed).toEqual([
      { path: 'a/x.test.ts', tests: 1, assertions: 1, digest: digest('a/x.test.ts') },
      { path: 'h.ts', tests: 0, assertions: 0, digest: digest('h.ts') },
    ]);
    expect(parseSuite(Buffer.from(writeSuite(listed)))).toEqual(listed);
  });
});
