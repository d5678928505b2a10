// The machine reads what CPython writes, and a stream is refused, with the offset, as soon as no pickler would have
// written it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspectStream } from '../../../src/capacity/pickle/inspect.ts';
import { Machine } from '../../../src/capacity/pickle/machine.ts';
import { ByteArray, Dict, Float, List, Tuple, type Value } from '../../../src/capacity/pickle/values.ts';
import { leftOut, requiresReal } from '../../left-out.ts';

function describeValue(value: Value): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'bigint' || typeof value === 'number') return ['integer', String(value)];
  if (value instanceof Float) {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(value.value);
    return ['float', Number.isNaN(value.value) ? 'nan' : bits.toString('hex')];
  }
  if (typeof value === 'string') return ['text', value];
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')];
  if (value instanceof ByteArray) return ['bytearray', Buffer.from(value.bytes).toString('hex')];
  if (value instanceof List) return ['list', value.items.map(describeValue)];
  if (value instanceof Dict) return ['dict', value.entries.map(describeValue)];
  return value instanceof Tuple ? ['tuple', value.items.map(describeValue)] : 'something else';
}

/** A stream from opcode letters and bytes: `stream('K', [1], '.')`. */
const stream = (...parts: (string | number[])[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : part)),
  );
const run = (...parts: (string | number[])[]): Value => new Machine(stream(...parts)).run();
const refusal = (code: string, offset: number): unknown => expect.objectContaining({ code, offset });

const PROTO4 = [0x80, 4];
const frame = (length: number): number[] => [0x95, length, 0, 0, 0, 0, 0, 0, 0];

const python = '/usr/bin/python3';
const hasPython = spawnSync(python, ['-V'], { stdio: 'ignore' }).status === 0;

describe('the pickle machine', () => {
  it(
    'reads what CPython writes, in every protocol (left out without python3)',
    leftOut(!hasPython && !requiresReal && 'no python3 here'),
    () => {
      const source = readFileSync(new URL('pickle-oracle.py', import.meta.url), 'utf8');
      const { stdout } = spawnSync(python, ['-'], { input: source, encoding: 'utf8', maxBuffer: 2 ** 29 });
      const cases = JSON.parse(stdout) as [string, unknown][];
      expect(cases.length).toBeGreaterThan(900);
      for (const [base64, expected] of cases)
        expect(describeValue(new Machine(Buffer.from(base64, 'base64')).run())).toEqual(expected);
    },
  );

  it.each<[string, string, number, ...(string | number[])[]]>([
    ['nothing at all', 'pickle.truncated', 0],
    ['no STOP', 'pickle.truncated', 1, 'N'],
    ['a line without an end', 'pickle.truncated', 1, 'NI12'],
    ['a memo index in words', 'pickle.bad-number', 0, 'gone\n.'],
    ['a name outside ASCII', 'pickle.bad-text', 0, 'cnumpy\nd\xe9\n.'],
    ['an argument cut short', 'pickle.truncated', 0, 'J', [1, 2]],
    ['a length of 2^32 - 1 bytes', 'pickle.truncated', 2, PROTO4, 'B', [255, 255, 255, 255], '.'],
    ['a length of 2^63 bytes', 'pickle.truncated', 2, [0x80, 5, 0x96, 0, 0, 0, 0, 0, 0, 0, 128], '.'],
    ['a second pickle behind the first', 'pickle.trailing-bytes', 1, 'N.', 'N.'],
    ['a newline behind the end', 'pickle.trailing-bytes', 1, 'N.', '\n'],
    ['two values', 'pickle.leftover', 2, 'NN.'],
    ['a mark left over', 'pickle.leftover', 2, 'N(.'],
    ['no value', 'pickle.leftover', 0, '.'],
    ['a byte that is no opcode', 'pickle.unknown-opcode', 0, [0xff], '.'],
    ['a protocol 2 opcode without PROTO', 'pickle.opcode-newer', 0, [0x88], '.'],
    ['a protocol 4 opcode after PROTO 3', 'pickle.opcode-newer', 3, [0x80, 3], 'N', [0x94], '.'],
    ['PROTO 1, which no pickler writes', 'pickle.opcode-newer', 0, [0x80, 1], 'N.'],
    ['PROTO 6', 'pickle.proto-unknown', 0, [0x80, 6], 'N.'],
    ['PROTO twice', 'pickle.proto-position', 2, PROTO4, PROTO4, 'N.'],
    ['PROTO late', 'pickle.opcode-newer', 1, 'N', PROTO4, '.'],
    ['a frame inside a frame', 'pickle.frame-nested', 11, PROTO4, frame(11), frame(2), 'N.'],
    [
      'an opcode over the end of its frame',
      'pickle.frame-straddled',
      11,
      PROTO4,
      frame(2),
      'J',
      [1, 0, 0, 0],
      '.',
    ],
    [
      'an opcode over the end of its frame and of the stream',
      'pickle.truncated',
      11,
      PROTO4,
      frame(2),
      'J',
      [1, 0, 0],
    ],
    ['a line over the end of its frame', 'pickle.frame-straddled', 11, PROTO4, frame(2), 'I12\n.'],
    ['a frame longer than the stream', 'pickle.truncated', 2, PROTO4, frame(9), 'N.'],
    ['a pop below the bottom', 'pickle.stack-underflow', 2, PROTO4, [0x85], '.'],
    ['a pop through a mark', 'pickle.stack-underflow', 4, PROTO4, 'N(', [0x85], '.'],
    ['a tuple without a mark', 'pickle.no-mark', 0, 't.'],
    ['a memo index that skips one', 'pickle.memo-order', 1, 'Nq', [1], '.'],
    ['a memo index far away', 'pickle.memo-order', 1, 'Nr', [255, 255, 255, 127], '.'],
    ['a memo index written twice', 'pickle.memo-order', 3, 'Nq', [0], 'q', [0], '.'],
    ['a memo index that is not there', 'pickle.memo-missing', 0, 'h', [0], '.'],
    ['a negative memo index', 'pickle.memo-missing', 0, 'g-1\n.'],
    ['an item for what is no dict', 'pickle.wrong-type', 3, ']NNs.'],
    ['an element for what is no list', 'pickle.wrong-type', 2, 'NNa.'],
    ['a key without a value', 'pickle.stack-underflow', 3, '}(Nu.'],
    ['state for what is no object', 'pickle.wrong-type', 2, ']}b.'],
    [
      'bytes spelled with other characters',
      'pickle.bad-text',
      34,
      'c_codecs\nencode\n(V\\u0100\nVlatin1\ntR.',
    ],
    ['text that is not UTF-8', 'pickle.bad-text', 0, 'X', [1, 0, 0, 0, 0xff], '.'],
    ['a lone surrogate', 'pickle.bad-text', 0, 'X', [3, 0, 0, 0, 0xed, 0xa0, 0x80], '.'],
    ['an overlong UTF-8 form', 'pickle.bad-text', 0, 'X', [2, 0, 0, 0, 0xc0, 0xaf], '.'],
    ['a backslash that escapes nothing', 'pickle.bad-text', 0, 'Va\\n\n.'],
    ['an escape beyond Unicode', 'pickle.bad-text', 0, 'V\\U00110000\n.'],
    ['an integer with a space', 'pickle.bad-number', 0, 'I 1\n.'],
    ['an integer with an underscore', 'pickle.bad-number', 0, 'I1_0\n.'],
    ['an integer in hexadecimal', 'pickle.bad-number', 0, 'I0x10\n.'],
    ['an integer with a leading zero', 'pickle.bad-number', 0, 'I010\n.'],
    ['a long integer without its L', 'pickle.bad-number', 0, 'L10\n.'],
    ['an integer of a hundred thousand digits', 'pickle.bad-text', 0, 'L', '9'.repeat(100_000), 'L\n.'],
    ['a float with a space', 'pickle.bad-number', 0, 'F1.0 \n.'],
    ['a float in words', 'pickle.bad-number', 0, 'Finfinity\n.'],
    ['a float without digits', 'pickle.bad-number', 0, 'F.\n.'],
    ['a float beyond the largest', 'pickle.bad-number', 0, 'F1e999\n.'],
    ['a float with a plus', 'pickle.bad-number', 0, 'F+1.0\n.'],
    ['a float with a comma', 'pickle.bad-number', 0, 'F1,0\n.'],
    ['a float with an exponent of one digit', 'pickle.bad-number', 0, 'F1e+5\n.'],
    ['an integer line of 81 digits', 'pickle.bad-text', 0, 'I', '9'.repeat(81), '\n.'],
    ['an integer of 33 bytes', 'pickle.bad-number', 2, PROTO4, [0x8a, 33], '\x01'.repeat(33), '.'],
    ['a memo index of eleven digits', 'pickle.bad-text', 1, 'Np10000000000\n.'],
    ['a lone continuation byte', 'pickle.bad-text', 0, 'X', [1, 0, 0, 0, 0x80], '.'],
    ['an escape of another letter', 'pickle.bad-text', 0, 'V\\x00000041\n.'],
    ['an escape that the line cuts short', 'pickle.bad-text', 0, 'V\\u04\n.'],
    ['an escape with a sign', 'pickle.bad-text', 0, 'V\\u+041\n.'],
    ['an escape that ends in a sign', 'pickle.bad-text', 0, 'V\\u041+\n.'],
    ['an escape of the first surrogate', 'pickle.bad-text', 0, 'V\\ud800\n.'],
    ['an escape of the last surrogate', 'pickle.bad-text', 0, 'V\\udfff\n.'],
    ['a name with a tab', 'pickle.bad-text', 0, 'cnum\tpy\ndtype\n.'],
    ['a name with DEL', 'pickle.bad-text', 0, 'cnum\x7fpy\ndtype\n.'],
    ['a name of 80 letters, as a name', 'pickle.global-refused', 0, 'c', 'a'.repeat(80), '\nb\n.'],
    ['a name of 81 letters, as too long', 'pickle.bad-text', 0, 'c', 'a'.repeat(81), '\nb\n.'],
    ['a call without a tuple', 'pickle.wrong-type', 14, 'cnumpy\ndtype\nNR.'],
    ['state for nothing', 'pickle.stack-underflow', 1, 'Nb.'],
    ['a memo entry of nothing', 'pickle.stack-underflow', 0, 'q', [0], '.'],
    ['a memo entry of a mark', 'pickle.stack-underflow', 2, 'N(q', [0], '.'],
    ['an element for nothing', 'pickle.stack-underflow', 1, 'Na.'],
    ['an element through a mark', 'pickle.stack-underflow', 3, '](Na.'],
    ['only a mark', 'pickle.leftover', 1, '(.'],
    ['PROTO without its number', 'pickle.opcode-newer', 0, [0x80]],
    [
      'an opcode over the end of its frame to that of the stream',
      'pickle.frame-straddled',
      11,
      PROTO4,
      frame(2),
      'J',
      [1, 0, 0, 0],
    ],
    ['16,385 values at once', 'pickle.stack-limit', 16_384, 'N'.repeat(16_385), '.'],
  ])('refuses %s', (_why, code, offset, ...parts) => {
    expect(() => run(...parts)).toThrow(refusal(code, offset));
  });

  it.each<[string, ...(string | number[])[]]>([
    ['a list that holds itself', ']q', [0], 'h', [0], 'a.'],
    ['a dict filled after it was fetched', '}q', [0], 'h', [0], 'NNs.'],
  ])('refuses %s: read again later, it would be another value', (_why, ...parts) => {
    expect(() => run(...parts)).toThrow(expect.objectContaining({ code: 'pickle.changed-after-use' }));
  });

  it.each([
    ['empty lists in a list', (n: number) => stream(']', ']a'.repeat(n), '.')],
    ['tuples of one in one another', (n: number) => stream([0x80, 2], 'N', '\x85'.repeat(n), '.')],
    ['empty dicts on the stack', (n: number) => stream('}'.repeat(n), '.')],
    ['marks', (n: number) => stream('('.repeat(n), '.')],
    [
      'bytes spelled again from one text',
      (n: number) =>
        stream(
          '(c_codecs\nencode\nq',
          [0],
          'X',
          [0, 64, 0, 0],
          'x'.repeat(16_384),
          'q',
          [1],
          'X',
          [6, 0, 0, 0],
          'latin1q',
          [2],
          '0'.slice(1),
          'h\0(h\x01h\x02tR'.repeat(n),
          't.',
        ),
    ],
  ])('refuses a flood of %s before it costs many times its size', (_what, flood) => {
    expect(() => new Machine(flood(400_000)).run()).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^pickle\.(?:budget|stack-limit)$/) }),
    );
  });

  it('refuses memory that another thread could change between its check and its use', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(2));
    shared.set(stream('N.'));
    expect(() => new Machine(shared)).toThrow(refusal('pickle.shared-memory', 0));
    expect(inspectStream(shared).refusals).toMatchObject([{ code: 'pickle.shared-memory' }]);
  });

  it('refuses a stream that a string could not hold, before it reads any of it', () => {
    const long = new Uint8Array(2 ** 28 + 1);
    expect(() => new Machine(long)).toThrow(refusal('pickle.too-large', 0));
    expect(inspectStream(long).refusals).toMatchObject([{ code: 'pickle.too-large' }]);
  });

  it('refuses what costs half a gibibyte, however long the stream: a full heap ends the process', () => {
    const longest = new Machine(new Uint8Array(2 ** 28));
    longest.charge(2 ** 28);
    expect(() => longest.charge(2 ** 28)).toThrow(refusal('pickle.budget', 0));
  });

  it('reads what stands right at a limit', () => {
    const integer = run(PROTO4, [0x8a, 32], '\x01'.repeat(32), '.');
    expect(integer).toBe(BigInt(`0x${'01'.repeat(32)}`));
    expect(run('I', '9'.repeat(80), '\n.')).toBe(BigInt('9'.repeat(80)));
    expect(run('V\\ud7ff\\ue000\\uffff\\U00010000\\U0010ffff\n.')).toBe(
      '\ud7ff\ue000\uffff\u{10000}\u{10ffff}',
    );
    expect((run('(', 'J\x01\0\0\0'.repeat(16_383), 't.') as Tuple).items).toHaveLength(16_383);
    expect(run(PROTO4, frame(0), frame(2), 'N.')).toBeNull();
  });

  it('outgrows the room that it set out with', () => {
    const lists = run('](', ']'.repeat(300), 'e.') as List;
    expect(lists.items.map(describeValue)).toEqual(Array.from({ length: 300 }, () => ['list', []]));
    const last = [3000 & 0xff, 3000 >> 8, 0, 0];
    const memo = run(PROTO4, '(', 'K\x01\x94'.repeat(3000), 'K\x07\x94K\x02j', last, 't.') as Tuple;
    expect(memo.items.at(-1)).toBe(7);
  });

  it('makes one object of a value, however often it is referred to', () => {
    const value = run(PROTO4, 'C', [1, 7], [0x94], 'h', [0], [0x86], '.') as Tuple;
    expect(value.items[0]).toBe(value.items[1]);
    expect(value.items).toBe(value.items);
  });

  it('reads long runs of floats as it reads one, to the frame’s end and no further', () => {
    const one = 'G\x3f\xf0\0\0\0\0\0\0';
    const floats = run(PROTO4, ']', frame(29), '(', one, one, one, 'e.') as List;
    expect(floats.items).toEqual([new Float(1), new Float(1), new Float(1)]);
    expect(inspectStream(stream('](', one, one, one, 'e.')).opcodes[0]).toEqual(['BINFLOAT', 3]);
    expect(() => run(PROTO4, ']', frame(18), '(', one, one, one, 'e.')).toThrow(
      refusal('pickle.frame-straddled', 22),
    );
  });

  it('costs the same per byte, however long the stream', () => {
    const spent = (n: number): number => {
      const flood = stream(']', '(K\x01K\x02G\x3f\xe0\0\0\0\0\0\0e'.repeat(n), '.');
      return inspectStream(flood).opcodes.reduce((sum, [, count]) => sum + count, 0);
    };
    expect(spent(20_000)).toBeLessThanOrEqual(2 * spent(10_000));
  });
});
