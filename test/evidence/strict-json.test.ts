// The strict JSON reader, beside JSON.parse (which accepts more) and Python's json (which accepts more still).
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, StrictJsonError } from '../../src/evidence/strict-json.ts';

const limits = { maxBytes: 65_536 };
const anyNumber = { ...limits, fractionAt: () => true };

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

  it('says where, and repeats nothing of the text', () => {
    const refused = (() => {
      try {
        return parseStrictJson('{\n  "canary": 1,\n  "canary": 2\n}', limits);
      } catch (error) {
        return error as StrictJsonError;
      }
    })();
    expect(refused).toMatchObject({ code: 'json.duplicate-key', line: 3, column: 3 });
    expect(JSON.stringify([refused, (refused as StrictJsonError).message])).not.toContain('canary');
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
    if (error && process.env['GUARDRAILS_REQUIRE_REAL'] !== '1') context.skip('no python3');
    expect(parseStrictJson(stdout, limits)).toEqual({ size: 1_942_056, é: ['😀', null, true] });
  });

  it('takes at most about twice the time for twice the text', () => {
    const work = (keys: number): number => {
      const text = JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, i])));
      const start = process.hrtime.bigint();
      parseStrictJson(text, { maxBytes: 1e9 });
      return Number(process.hrtime.bigint() - start);
    };
    work(2_000);
    const best = (keys: number): number => Math.min(...Array.from({ length: 5 }, () => work(keys)));
    expect(best(64_000) / best(4_000)).toBeLessThan(16 * 6); // linear is 16, quadratic 256
  });
});
