// The text that constants come to, beside CPython's own.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { grammarOf } from '../../../src/grammar/grammar.ts';
import { textReader, UNKNOWN } from '../../../src/guards/notebook-import/composed-text.ts';
import { askPython } from './python.ts';

const EVALUATE = `
import json, os, sys
print(json.dumps([eval(text) for text in json.load(sys.stdin)]))`;

const word = fc.stringMatching(/^[a-z/.:0-9é ]{0,4}$/);
const { text } = fc.letrec<{ text: string }>((tie) => {
  const inner = tie('text');
  const list = fc.array(inner, { maxLength: 3 });
  return {
    text: fc.oneof(
      { depthSize: 'small' },
      word.map((one) => `"${one}"`),
      fc.tuple(word, word).map(([a, b]) => `("${a}" # "x"\n '${b}')`),
      fc.constantFrom('chr(47)', 'chr(0x2_f)', 'chr(0o57)', 'str(12)', 'os.sep', 'os.curdir'),
      fc.tuple(inner, inner).map(([a, b]) => `(${a} + ${b})`),
      fc.tuple(word, inner, inner).map(([a, b, c]) => `("%s${a}%%%s" % (${b}, ${c}))`),
      fc.tuple(word, inner).map(([a, b]) => `("${a}%s" % ${b})`),
      fc.tuple(word, inner, inner).map(([a, b, c]) => `"{}${a}{}".format(${b}, ${c})`),
      fc.tuple(word, inner, inner).map(([a, b, c]) => `"{1}${a}{0}{1}".format(${b}, ${c})`),
      fc.tuple(inner, list).map(([a, b]) => `${a}.join([${b.join(', ')}])`),
      word.map((one) => `f"a{'${one}'}b{str(3)}"`),
    ),
  };
});

it('is what CPython makes of them', { timeout: 60_000 }, async ({ skip }) => {
  const sample = fc.sample(text, { numRuns: 2_000, seed: 5 });
  const looks = askPython<readonly string[]>(EVALUATE, sample, []);
  if (typeof looks === 'string') return skip(looks);
  const { parser } = await grammarOf('python');
  const ours = sample.map((source) => {
    const tree = parser.parse(source);
    const expression = tree?.rootNode.namedChildren[0]?.namedChildren[0] ?? null;
    const read = textReader((node) => node.text)(expression);
    tree?.delete();
    return read;
  });
  expect(ours).toEqual(looks);
});

it.each([
  ['a name', '"a" + x', `a${UNKNOWN}`],
  ['a call', 'f"{f(1)}/x"', `${UNKNOWN}/x`],
  ['a comprehension', '"".join(chr(c) for c in y)', UNKNOWN],
  ['a number that is no letter', 'chr(0x110000) + chr(1.5) + chr(-1)', UNKNOWN.repeat(3)],
  ['a text that is no number', "chr('1.5') + chr('-1')", UNKNOWN.repeat(2)],
  ['an argument that is missing', '"{}{}" .format("a")', `a${UNKNOWN}`],
  ['a slice', '"cte/"[::-1]', UNKNOWN],
])('leaves open %s', async (_what, source, expected) => {
  const { parser } = await grammarOf('python');
  const tree = parser.parse(source);
  expect(textReader((node) => node.text)(tree?.rootNode.namedChildren[0]?.namedChildren[0] ?? null)).toBe(
    expected,
  );
  tree?.delete();
});

const nested = Array.from({ length: 30 }).reduce<string>(
  (inner) => `'{0}{0}{0}{0}'.format(${inner})`,
  "'http://e/'",
);
it.each([
  ['formats in each other', nested],
  ['a long text between many', `"http://e/" + "${'x'.repeat(30_000)}".join([${"'',".repeat(10_000)}])`],
  ['a long text in many places', `"http://e/${'{0}'.repeat(1_000)}".format("${'x'.repeat(30_000)}")`],
  ['many in a row', `"http://e/" ${`"${'x'.repeat(3_000)}" `.repeat(20)}`],
  ['a path of many', `"http://e" / "${'x'.repeat(30_000)}" / "${'x'.repeat(30_000)}"`],
])('goes no further than a path can, and keeps its start: %s', async (_what, source) => {
  const { parser } = await grammarOf('python');
  const tree = parser.parse(source);
  const read = textReader((node) => node.text)(tree?.rootNode.namedChildren[0]?.namedChildren[0] ?? null);
  tree?.delete();
  expect(read.length).toBeLessThanOrEqual(4_096);
  expect(read.startsWith('http:/')).toBe(true);
});
