// What is read of Markdown is little enough for its reader, whatever it holds; what people write is within it.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBlocks } from '../../../src/scorecard/claim-boundary/blocks.ts';
import { MAX_TEXT, tooMuchIn } from '../../../src/scorecard/claim-boundary/bounds.ts';
import { growthOf, LINEAR } from '../../growth.ts';

describe('what is too much', () => {
  it.each([
    ['lines', 'a\n\n', 1_025],
    ['lines', 'a\r', 2_049],
    ['marks', '[', 1_025],
    ['marks', '*a', 1_025],
    ['marks', '- a\n', 1_025],
    ['marks', 'a@b ', 1_025],
    ['marks', 'MAILTO:a ', 1_025],
    ['marks', 'www.a ', 1_025],
    ['cells and pieces of code', '`', 16_385],
    ['comments', '<?', 257],
    ['comments', '<!-- a -->', 257],
    ['levels of nesting', '1. ', 65], // the reader has no room for a thousand of them
    ['levels of nesting', '> ', 65],
    ['levels of nesting', ' ', 65],
  ])('%s: %j', (what, unit, count) => {
    expect(tooMuchIn(`${unit.repeat(count)}a`)).toBe(what);
    expect(tooMuchIn(`${unit.repeat(count >> 3)}a`)).toBeUndefined();
  });

  it('is in no document of this package, by far', () => {
    const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    for (const path of [
      'README.md',
      'SECURITY.md',
      'CONTRIBUTING.md',
      ...docs.map((name) => `docs/${name}`),
    ]) {
      const text = readFileSync(path, 'utf8');
      expect([path, tooMuchIn(text)]).toEqual([path, undefined]);
    }
  });
});

/** A sixteenth of what is read of this at most, so many times. */
function sixteenths(count: number, unit: string, before = ''): string {
  let [few, many] = [0, Math.floor((MAX_TEXT - before.length) / unit.length)];
  while (few < many) {
    const middle = (few + many + 1) >> 1;
    if (tooMuchIn(before + unit.repeat(middle)) === undefined) few = middle;
    else many = middle - 1;
  }
  return before + unit.repeat((few >> 4) * count);
}

it('takes time that grows with the text, whatever it is of', { timeout: 120_000 }, async () => {
  // Of each kind the worst that a search among a hundred pieces, alone and joined, has found.
  const worst = (count: number): readonly string[] => [
    sixteenths(count, ' - a\n'),
    sixteenths(count, 'a\nmailto:', '[a'),
    sixteenths(count, 'a\n=\n[a]: b\n'),
    sixteenths(count, '`a<?:', 'a'),
    sixteenths(count, '|a|\n|-|\n'),
    sixteenths(count, '&amp;'),
  ];
  const texts = new Map([1, 8].map((count) => [count, worst(count)]));
  const scan = (count: number): void => texts.get(count)?.forEach(readBlocks);
  expect(await growthOf(scan, 1)).toBeLessThan(LINEAR);
});
