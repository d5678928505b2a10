// The strict JSON reader beside momoa and JSON.parse: one value or one refusal, and no other error.
import { isDeepStrictEqual } from 'node:util';
import { parseStrictJson, StrictJsonError } from '../../../src/evidence/strict-json.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const MAX_DEPTH = 8;
const rules = {
  maxDepth: MAX_DEPTH,
  fractionAt: (path: readonly (string | number)[]): boolean => path.at(-1) === 'f' || path[0] === 1,
};

function ours(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, { ...rules, maxBytes: 1 << 20 });
  } catch (error) {
    if (error instanceof StrictJsonError && error.code.startsWith('json.')) return undefined;
    throw error;
  }
}

function theirs(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text).equals(bytes) ? oracleRead(text, rules) : undefined; // else no UTF-8
}

export const target = {
  name: 'strict-json',
  oracle: 'momoa and JSON.parse',
  seeds: [
    '{"a": [1, -0.5e+3, true, null, "\\u00e9\\n"], "b": {"c": "\u2028"}}',
    '[{"f":0.5,"g":-9007199254740991},[1e3,0.1,-0],{"f":1e308}]',
    '{"a":1,"b":{"a":1,"b":[]},"c":{},"d":"\\ud83d\\ude00 \u{1f600}"}',
    '[[[[[[[[]]]]]]]]',
    '["a string that is longer than the run of characters that is read one at a time", "\\\\\\"\\/\\b\\f\\r\\t"]',
    '[\n\t\r {"long": "blanks"} ,                                        false ]',
    '{"\\u0061":1,"_\\u005fproto_":2,"__proto_":3,"constructor":4,"0":5,"-0":6,"toString":null}',
    '12345678901234567',
    '"alone"',
  ].map(bytesOf),
  words: [
    ...String.raw`{ } [ ] : , " \ 0`.split(' '),
    ...String.raw`__proto__ \u005f \ud800 \udc00 \uDBFF\uDFFF "a":1, "f": ,"\u0061":2 [[[ ]]]`.split(' '),
    ...'NaN -Infinity null true 01 1. .5 - e+ // /**/ 1e999 1e22 99999999999999999999'.split(' '),
    ...'9007199254740992|-9007199254740993|\ufeff|\u00a0|\0|\u{1f600}| |\n|\t'.split('|'),
  ],
  fuzz(bytes) {
    const [mine, other] = [ours(bytes), theirs(bytes)];
    if (!isDeepStrictEqual(mine, other)) {
      const show = (value: unknown): string => (value === undefined ? 'refuses' : 'reads a value');
      throw new Error(`ours ${show(mine)}, the oracle ${show(other)}`);
    }
  },
} satisfies FuzzTarget;
