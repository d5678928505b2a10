// Documents are read as GitHub reads them, and no block is lost between two marks.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, readBlocks } from '../../../src/scorecard/claim-boundary/blocks.ts';
import { parseStatements, probesNamed, spell } from '../../../src/scorecard/claim-boundary/statements.ts';
import { forbiddenIn, hasFigure, phraseIn } from '../../../src/scorecard/claim-boundary/words.ts';
import { writeStatements } from '../../../src/scorecard/claim-boundary/write-statements.ts';
import { claims } from '../fixture.ts';

const seen = (markdown: string): readonly string[] =>
  readBlocks(markdown).blocks.map(({ text, mark }) => `${text} [${spell(mark)}]`);

describe('a mark', () => {
  it.each([
    [
      'after a heading is for all up to the next one',
      '# A\n<!-- claim: x -->\n\nb\n\n## C\n\nd',
      'A [claim: x]|b [claim: x]|C [unmarked]|d [unmarked]',
    ],
    ['before a block is for that block', '<!-- claim: x -->\nb\n\nc', 'b [claim: x]|c [unmarked]'],
    ['before a list is for every item', '<!-- claim: x -->\n- a\n- b', 'a [claim: x]|b [claim: x]'],
    [
      'at the end of an item is for that item',
      '- a <!-- claim: x, y/z -->\n- b',
      'a [claim: x, y/z]|b [unmarked]',
    ],
    ['in a cell is for its row', '| a |\n|---|\n| b <!-- claim: x --> |', 'a [unmarked]|b [claim: x]'],
    [
      'before a heading is for the heading',
      '<!-- no-claim: title -->\n# A\n\nb',
      'A [no-claim: title]|b [unmarked]',
    ],
    [
      'beside a block overrides its section',
      '# A\n<!-- claim: x -->\n\nb <!-- no-claim: limits -->',
      'A [claim: x]|b [no-claim: limits]',
    ],
    ['is not any comment', '<!-- claims: x -->\nb', 'b [unmarked]'],
    ['in code is text', '`<!-- claim: x -->`', '<!-- claim: x --> [unmarked]'],
  ])('%s', (_what, markdown, expected) => {
    expect(seen(markdown)).toEqual(expected.split('|'));
  });

  it.each([
    ['an unknown kind', '<!-- no-claim: whatever -->\nb'],
    ['no id', '<!-- claim: , -->\nb'],
    ['nothing behind it', 'a\n\n<!-- claim: x -->'],
    ['another mark behind it', '<!-- claim: x -->\n<!-- claim: y -->\nb'],
    ['another one in the same block', 'b <!-- claim: x --> <!-- claim: y -->'],
  ])('with %s is named', (_what, markdown) => {
    expect(readBlocks(markdown).stray).toHaveLength(1);
  });
});

describe('what a reader sees', () => {
  it('is in some block: quotes, nested lists, code, images, titles, footnotes, tables in lists', () => {
    const markdown =
      '> quoted\n\n- outer\n  - inner\n\n    ```\n    coded\n    ```\n\n![pictured](x "p")\n\n[linked](x "titled")[^1]\n\n[^1]: noted\n\n1. one\n\n   | celled |\n   |---|\n';
    const text = readBlocks(markdown)
      .blocks.map((block: Block) => block.text)
      .join(' ');
    for (const word of 'quoted outer inner coded pictured linked titled noted one celled'.split(' '))
      expect(text).toContain(word);
  });

  it('is found again in the real documents: every word of prose outside of comments', () => {
    for (const path of [
      'README.md',
      'SECURITY.md',
      ...readdirSync('docs')
        .filter((f) => f.endsWith('.md'))
        .map((f) => `docs/${f}`),
    ]) {
      const source = readFileSync(path, 'utf8')
        .replaceAll(/<!--[\s\S]*?-->/g, '')
        .replaceAll(/\]\([^)]*\)/g, ']');
      const words = new Set(
        readBlocks(readFileSync(path, 'utf8')).blocks.flatMap(({ text }) => text.match(/\p{L}{3,}/gu) ?? []),
      );
      const fenced = source.replaceAll(/^```\w*$/gm, '').replaceAll(/&\w+;/g, '');
      const lost = (fenced.match(/\p{L}{3,}/gu) ?? []).filter((word) => !words.has(word));
      expect([path, lost]).toEqual([path, []]);
    }
  });

  it('never throws, and gives the same twice, whatever the text', () => {
    const piece = fc.constantFrom(
      '# ',
      '- ',
      '> ',
      '| a ',
      '|\n',
      '|-|\n',
      '<!-- claim: x -->',
      '<!--',
      '-->',
      '```\n',
      '[^1]',
      ': ',
      '\n',
      '\n\n',
      '  ',
      'text',
      '*',
      '_',
      '<b>',
      '![',
      '](',
      ')',
      '\0',
      '\ud800',
      '&#0;',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(readBlocks(pieces.join(''))).toEqual(readBlocks(pieces.join('')));
      }),
      { numRuns: 300 },
    );
  });
});

describe('words', () => {
  it.each([
    'tamper-proof',
    'Tamper Proof',
    'TAMPERPROOF',
    'tamper\u2010proof',
    'tam\u00adper proof',
    '100% secure',
    'ＣＥＲＴＩＦＩＥＤ',
  ])('%s is found', (text) => expect(forbiddenIn(`It is ${text}.`)).toBeDefined());
  it.each(['tamper-evident', 'certificates', 'a proof of tampering', 'uncertified'])('%s is not', (text) =>
    expect(forbiddenIn(`It has ${text}.`)).toBeUndefined(),
  );
  it('of a gap are found as words, not as parts of words', () => {
    expect([phraseIn('Many tenants.', ['tenants']), phraseIn('Lieutenants.', ['tenants'])]).toEqual([
      'tenants',
      undefined,
    ]);
  });
  it.each([
    ['4.2 times faster', true],
    ['12 ms', true],
    ['45 %', true],
    ['3 MB/s', true],
    ['16 times its size', false],
    ['30,000 rows', false],
    ['in 1.4', false],
  ])('%s is a figure: %s', (text, figure) => expect(hasFigure(text)).toBe(figure));
});

describe('the lock', () => {
  it('is read as it was written, and names probes by themselves and by their drills', () => {
    const text = '# A\n<!-- claim: bind, journal/imagined -->\n\nb\n\n<!-- no-claim: limits -->\nhost-key\n';
    const statements = parseStatements(Buffer.from(writeStatements([['README.md', text]])));
    expect(statements).toHaveLength(3);
    expect(probesNamed(statements, claims)).toEqual(['bind', 'journal']);
  });

  it('of this package names what its claims rest on', () => {
    const statements = parseStatements(readFileSync('data/statements.json'));
    const row = claims.dimensions.find(({ letters }) => letters === 'CB');
    expect(row?.restsOn).toEqual(probesNamed(statements, claims));
    expect(row?.restsOn?.length).toBeGreaterThan(15);
  });
});
