// What a stream may cost: never more than twenty times its size, however it spends its bytes. Each flood is inspected,
// which decodes it, in a process of its own, and the kernel says what that took.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BAD_INPUTS } from './bad-inputs.ts';

const SIZE = 8 * 1024 * 1024;
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** `head`, then `unit` as often as it fits, then `tail`. */
const flood = (head: string, unit: string, tail = '.'): Buffer =>
  latin1(head + unit.repeat(Math.floor((SIZE - head.length - tail.length) / unit.length)) + tail);

/** Each makes as many as it can of what costs most for its bytes. */
const FLOODS: readonly (readonly [what: string, make: () => Buffer])[] = [
  ['None in one list', () => flood('](', 'N', 'e.')],
  ['None in batches', () => flood(']', `(${'N'.repeat(1000)}e`)],
  ['empty lists in a list', () => flood(']', ']a')],
  ['empty dicts in a list', () => flood(']', '}a')],
  ['tuples of one', () => flood('\x80\x02]', 'N\x85a')],
  ['nested tuples', () => flood('\x80\x02N', '\x85')],
  ['empty bytes', () => flood('\x80\x03]', 'C\0a')],
  ['floats in batches', () => flood(']', `(${'G\x3f\xf0\0\0\0\0\0\x01'.repeat(1000)}e`)],
  ['long integers', () => flood('\x80\x02]', `\x8a\x09${'\xff'.repeat(8)}\x01a`)],
  ['memo entries', () => flood('\x80\x04N', '\x94')],
  ['memo fetches', () => flood(']Nq\0a', '(h\0h\0h\0h\0h\0h\0e')],
  ['refused opcodes', () => flood('', 'N0')],
  ['marks', () => flood('', '(')],
  ['one-letter texts', () => flood('\x80\x04]', '\x8c\x01aa')],
  ['text of two bytes a character', () => flood('X\xfa\xff\x7f\0', '\xc3\xa9')],
  ['one line of escapes', () => flood('V', '\\u0000', '\n.')],
  [
    'bytes spelled again from one text',
    () =>
      flood(
        `\x80\x02c_codecs\nencode\nq\0X\0\x20\0\0${'x'.repeat(8192)}q\x01X\x06\0\0\0latin1q\x02](`,
        'h\0h\x01h\x02\x86R',
        'e.',
      ),
  ],
  // What follows is read again by whoever looks for a model in it, and must cost no more for that.
  [
    'state of a model',
    () =>
      flood(
        '\x80\x04csklearn.tree._classes\nDecisionTreeRegressor\n)\x81}',
        `(${'\x8c\x01aK\x02\x85'.repeat(100)}u`,
        'b.',
      ),
  ],
  [
    'one float, read again and again',
    () =>
      flood(
        '\x80\x04csklearn.tree._classes\nDecisionTreeRegressor\n)\x81}K\x01G\x3f\xe0\0\0\0\0\0\0q\0s',
        `(${'h\0'.repeat(1000)}u`,
        'b.',
      ),
  ],
  [
    'objects in an array',
    () =>
      flood(
        '\x80\x04csklearn.ensemble._forest\nRandomForestRegressor\n)\x81}\x8c\x11feature_names_in_' +
          'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01K\x01\x85' +
          'cnumpy\ndtype\n(\x8c\x02O8\x89\x88tR(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]',
        `(${'K\x02\x85'.repeat(300)}e`,
        'tbsb.',
      ),
  ],
  ['arrays of one dtype', () => flood('\x80\x04cnumpy\ndtype\nq\0](', 'h\0X\x02\0\0\0f8\x89\x88\x87R', 'e.')],
];

const script = fileURLToPath(new URL('pickle-flood.mjs', import.meta.url));
let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'guardrails-flood-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

function inspected(bytes: Uint8Array): { readonly code: string; readonly grown: number } {
  const file = join(scratch, 'flood');
  writeFileSync(file, bytes);
  const { stdout, stderr } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { code: string; grown: number };
}

it.each(FLOODS)('refuses a flood of %s at less than twenty times its size', (_what, make) => {
  const { code, grown } = inspected(make());
  expect(code).toMatch(/^(?:pickle|model)\.[a-z-]+$/);
  expect(grown).toBeLessThan(20 * SIZE);
});

it.each(BAD_INPUTS)(
  'refuses $what within the larger of 64 MiB and twenty times its size',
  ({ code, make }) => {
    const bytes = make();
    const found = inspected(bytes);
    expect(found.code).toBe(code);
    expect(found.grown).toBeLessThan(Math.max(2 ** 26, 20 * bytes.length));
  },
);
