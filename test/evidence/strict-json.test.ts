// The strict JSON reader, beside JSON.parse (which accepts more) and Python's json (which accepts more still).
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseStrictJson, StrictJsonError, type StrictJsonLimits } from '../../src/evidence/strict-json.ts';
import { damaged, withoutStacks } from '../fuzz/target.ts';
import { target } from '../fuzz/targets/strict-json.ts';
import { requiresReal } from '../left-out.ts';

const limits = { maxBytes: 65_536 };
const anyNumber = { ...limits, fractionAt: () => true };

function refusal(input: string | Uint8Array, given: StrictJsonLimits): StrictJsonError {
  try {
    parseStrictJson(input, given);
  } catch (error) {
    if (error instanceof StrictJsonError) return error;
  }
  throw new Error('not refused');
}

const isJson = (bytes: Uint8Array): boolean => {
  try {
    JSON.parse(Buffer.from(bytes).toString());
    return true;
  } catch {
    return false;
  }
};

/** Texts that grow in one direction each. The last ones are refused, at their end. */
const GROWING: Readonly<Record<string, (size: number) => string>> = {
  keys: (size) => JSON.stringify(Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]))),
  'characters of a key': (size) => JSON.stringify({ [`\n${'k'.repeat(size)}`]: 1 }),
  'escapes of a string': (size) => JSON.stringify('\u0001'.repeat(size)),
  'surrogates of a string': (size) => `"${'\\ud83d\\ude00'.repeat(size)}"`,
  digits: (size) => `0.${'1'.repeat(size)}`,
  blanks: (size) => `[${' '.repeat(size)}${' 1,'.repeat(size)}1]`,
  'empty arrays': (size) => JSON.stringify(Array(size).fill([])),
  'keys before one that comes again': (size) =>
    `{${Array.from({ length: size }, (_, i) => `"k${i}":1,`).join('')}"k1":2}`,
  'lines before a mistake': (size) => `[${'1,\n'.repeat(size)}]`,
};

type Cost = (result: unknown, self: { lastIndex?: number }, from: number, input: unknown) => number;
/** How many characters one call of each looks at or copies. */
const COSTS: readonly (readonly [object, string, Cost])[] = [
  [String.prototype, 'charCodeAt', () => 1],
  [String.prototype, 'slice', (part) => String(part).length],
  [JSON, 'parse', (_value, _self, _from, input) => String(input).length],
  [RegExp.prototype, 'test', (_matched, { lastIndex = 0 }, from) => Math.max(1, lastIndex - from)],
];

/** How many characters are looked at or copied while a text is read. */
function looks(text: string): number {
  let count = 0;
  const originals = COSTS.map(([owner, name, cost]) => {
    const original = Reflect.getOwnPropertyDescriptor(owner, name);
    const method = original?.value as (...input: unknown[]) => unknown;
    function value(this: { lastIndex?: number }, ...input: unknown[]): unknown {
      const from = this.lastIndex ?? 0;
      const result = Reflect.apply(method, this, input);
      count += cost(result, this, from, input[0]);
      return result;
    }
    Object.defineProperty(owner, name, { ...original, value });
    return () => Object.defineProperty(owner, name, original ?? {});
  });
  try {
    parseStrictJson(text, { maxBytes: 1e9, fractionAt: () => true });
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
  } finally {
    for (const restore of originals) restore();
  }
  return count;
}

describe('strict JSON', () => {
  it.each([
    ['a repeated key', '{"a":1,"a":2}', 'json.duplicate-key'],
    ['a key repeated through an escape', '{"a":1,"\\u0061":2}', 'json.duplicate-key'],
    ['a key repeated further in', '[{"b":{"a":1,"a":1}}]', 'json.duplicate-key'],
    ['a __proto__ key', '{"__proto__":{"size":1}}', 'json.proto-key'],
    ['an escaped __proto__ key', '{"__\\u0070roto__":null}', 'json.proto-key'],
    ['NaN', '{"a":NaN}', 'json.syntax'],
    ['Infinity', '[Infinity]', 'json.syntax'],
    ['a comment', '{} // x', 'json.syntax'],
    ['a trailing comma', '[1,]', 'json.syntax'],
    ['trailing bytes', '{}{}', 'json.syntax'],
    ['a trailing NUL', '{}\0', 'json.syntax'],
    ['nothing', '', 'json.syntax'],
    ['blanks only', ' \n', 'json.syntax'],
    ['an open end', '{"a":', 'json.syntax'],
    ['single quotes', "{'a':1}", 'json.syntax'],
    ['a leading zero', '[01]', 'json.syntax'],
    ['a leading plus', '[+1]', 'json.syntax'],
    ['a point without digits', '[1.]', 'json.syntax'],
    ['a raw line feed in a string', '["a\nb"]', 'json.syntax'],
    ['a bad escape', '["\\x41"]', 'json.syntax'],
    ['a no-break space', '\u00a0{}', 'json.syntax'],
    ['a closing bracket too many', '{}]', 'json.syntax'],
    ['a byte order mark', '\ufeff{}', 'json.encoding'],
    ['a lone surrogate', '["\ud800"]', 'json.encoding'],
    ['an escaped lone surrogate', '["\\ud800"]', 'json.encoding'],
    ['an escaped lone surrogate in a key', '{"\\udc00":1}', 'json.encoding'],
    ['44.0 for an integer', '{"size":44.0}', 'json.not-integer'],
    ['1e1 for an integer', '{"size":1e1}', 'json.not-integer'],
    ['an integer that no double holds', '[9007199254740993]', 'json.number-range'],
  ])('refuses %s', (_why, text, code) => {
    for (const input of text.includes('\ud800') ? [text] : [text, Buffer.from(text)]) {
      expect(() => parseStrictJson(input, limits)).toThrow(expect.objectContaining({ code }));
    }
  });

  it('refuses bytes that are not UTF-8, overlong forms and UTF-16 included', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xe2, 0x82],
    ]) {
      expect(() => parseStrictJson(Uint8Array.from(bytes), limits)).toThrow(
        expect.objectContaining({ code: 'json.encoding' }),
      );
    }
    expect(() => parseStrictJson(Buffer.from('{}', 'utf16le'), limits)).toThrow(StrictJsonError);
  });

  it('refuses a fraction only where the caller expects an integer, and an overflow everywhere', () => {
    const fractionAt = (path: readonly (string | number)[]): boolean => path.join('/') === 'runs/1/seconds';
    const text = '{"runs":[{},{"seconds":0.5}]}';
    expect(parseStrictJson(text, { ...limits, fractionAt })).toEqual({ runs: [{}, { seconds: 0.5 }] });
    expect(() => parseStrictJson('{"size":0.5}', { ...limits, fractionAt })).toThrow(
      expect.objectContaining({ code: 'json.not-integer' }),
    );
    expect(() => parseStrictJson('[1e999]', anyNumber)).toThrow(
      expect.objectContaining({ code: 'json.number-range' }),
    );
  });

  it.each([
    ['a key that comes again', '{\n  "canary": 1,\n  "canary": 2\n}', 'json.duplicate-key', 3, 3],
    [
      'a key that comes again further in',
      '[{"a":1},\n{"canary":[{"b":1,"b":2}]}]',
      'json.duplicate-key',
      2,
      19,
    ],
    ['a __proto__ key', '{"a":\r\n{"__proto__":"canary"}}', 'json.proto-key', 2, 2],
    ['a word that is no literal', '["canary",\n\n nil]', 'json.syntax', 3, 2],
    ['a line feed in a string', '{"canary":"\n"}', 'json.syntax', 1, 12],
    ['an end that comes too early', '["canary"\n', 'json.syntax', 2, 1],
    ['what follows the value', '["canary"]\n]', 'json.syntax', 2, 1],
    ['a bad escape', '["canary\\x"]', 'json.syntax', 1, 9],
    ['half a pair', '["canary","\\ud800"]', 'json.encoding', 1, 12],
    ['a fraction', '{"canary":\n  0.5}', 'json.not-integer', 2, 3],
    ['a number that no double holds', '["canary", 9007199254740993]', 'json.number-range', 1, 12],
    ['the bracket that is too deep', `["canary",\n${'['.repeat(40)}`, 'json.too-deep', 2, 32],
  ])(
    'says where %s stands, and in which file, and repeats nothing of the text',
    (_why, text, code, line, column) => {
      const error = refusal(text, { ...limits, file: 'hosts.json' });
      expect(error).toMatchObject({ code, file: 'hosts.json', line, column });
      expect(error.message).toMatch(new RegExp(`\\("hosts.json", line ${line}, column ${column}\\)$`));
      expect(JSON.stringify([error, error.message, error.stack])).not.toContain('canary');
    },
  );

  it('names the file also where no position applies, and no name that would act on a terminal', () => {
    expect(refusal(Uint8Array.of(0xff), { ...limits, file: 'a\u001b[2J' })).toMatchObject({
      message: 'the bytes are not UTF-8 ("a\\u001b[2J")',
      line: 0,
      column: 0,
    });
    expect(refusal(Uint8Array.of(0xff), limits).message).toBe('the bytes are not UTF-8');
  });

  it('refuses depth and size before parsing, in strings counted as text', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseStrictJson(deep(32), limits)).toBeInstanceOf(Array);
    expect(parseStrictJson(JSON.stringify('[['.repeat(1_000)), limits)).toHaveLength(2_000);
    for (const text of [deep(33), '['.repeat(60_000), '{"a":'.repeat(12_000)]) {
      expect(() => parseStrictJson(text, limits)).toThrow(expect.objectContaining({ code: 'json.too-deep' }));
    }
    for (const [input, maxBytes] of [
      ['"é"', 3],
      [Buffer.alloc(65_537, 0x20), 65_536],
    ] as const) {
      expect(() => parseStrictJson(input, { maxBytes })).toThrow(
        expect.objectContaining({ code: 'json.too-large' }),
      );
    }
  });

  it('reads what JSON.parse reads, whenever it reads at all', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        fc.pre(!text.includes('__proto__') && !/\\ud[89a-f]/i.test(text));
        let value: unknown;
        try {
          value = parseStrictJson(text, { maxBytes: 1e6, fractionAt: () => true });
        } catch (error) {
          // Generated texts have unique keys, so only a number may be the reason.
          expect(error).toMatchObject({ code: 'json.number-range' });
          return;
        }
        expect(value).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('accepts no text that JSON.parse refuses, however a valid one is damaged', () => {
    const sample = '{"a": [1, -0.5e+3, true, null, "\\u00e9\\n"], "b": {"c": "\u2028"}}';
    fc.assert(
      fc.property(fc.nat(sample.length), fc.nat(2), fc.string({ maxLength: 2 }), (at, drop, put) => {
        const text = sample.slice(0, at) + put + sample.slice(at + drop);
        let accepted: unknown;
        try {
          accepted = parseStrictJson(text, anyNumber);
        } catch (error) {
          expect(error).toBeInstanceOf(StrictJsonError);
          return;
        }
        expect(accepted).toEqual(JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what Python writes', (context) => {
    const script =
      'import json; print(json.dumps({"size": 1942056, "é": ["\\U0001f600", None, True]}, indent=2))';
    const { stdout, error } = spawnSync('python3', ['-c', script]);
    if (error && !requiresReal) context.skip('no python3');
    expect(parseStrictJson(stdout, limits)).toEqual({ size: 1_942_056, é: ['😀', null, true] });
  });

  it('agrees with momoa and JSON.parse on 100,000 damaged texts, in what it refuses and in what it reads', async () => {
    let read = 0;
    const fuzz = (bytes: Uint8Array): void => {
      target.fuzz(bytes);
      if (isJson(bytes)) read++;
    };
    const property = fc.property(damaged(target), fuzz);
    await withoutStacks(() => fc.assert(property, { numRuns: 100_000 }));
    expect(read).toBeGreaterThan(10_000); // or the agreement would be about refusals only
  });

  it.each(Object.entries(GROWING))(
    'looks no more often at each character where %s are twice as many',
    (_name, textOf) => {
      const [once, twice] = [2_000, 4_000].map((size) => looks(textOf(size)) / textOf(size).length);
      expect(once).toBeGreaterThan(0.5);
      expect(Number(twice) / Number(once)).toBeLessThan(1.02);
    },
  );

  it('needs nothing of Node', () => {
    const room = new URL('../../src/evidence/', import.meta.url);
    const seen = new Set(['strict-json.ts']);
    for (const file of seen) {
      const source = readFileSync(new URL(file, room), 'utf8');
      for (const [, from = ''] of source.matchAll(/from '([^']*)'/g)) {
        expect(from).toMatch(/^\.\//);
        seen.add(from.slice(2));
      }
    }
    vi.stubGlobal('Buffer', undefined);
    vi.stubGlobal('process', undefined);
    try {
      expect(parseStrictJson('{"é":1}', { maxBytes: 8 })).toEqual({ é: 1 });
      expect(refusal('{"é":1}', { maxBytes: 7 }).code).toBe('json.too-large');
      expect(parseStrictJson(Uint8Array.of(0x5b, 0x5d), limits)).toEqual([]);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it.each([Number.NaN, -1, 0])('takes a limit of %d for nothing allowed, not for no limit', (limit) => {
    expect(refusal('[]', { maxBytes: limit }).code).toBe('json.too-large');
    expect(refusal('[]', { ...limits, maxDepth: limit }).code).toBe('json.too-deep');
  });

  it('goes no deeper than 512, whatever the caller allows', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseStrictJson(deep(512), { ...limits, maxDepth: 9_999 })).toHaveLength(1);
    expect(refusal(deep(513), { ...limits, maxDepth: 9_999 }).code).toBe('json.too-deep');
  });
});
