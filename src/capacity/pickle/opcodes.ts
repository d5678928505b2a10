// The opcodes that scikit-learn's models are written with, after pickletools: name, first protocol that has it, what
// it does. The others are in refused-opcodes.ts, each with the reason.
import type { Machine } from './machine.ts';
import { REFUSED } from './refused-opcodes.ts';
import { asciiText, decimal, float, rawUnicodeEscape, twosComplement, utf8Text } from './text.ts';
import { Dict, List, type Value } from './values.ts';

/** One opcode. `run` reads its argument, checks every limit, and changes stack and memo. */
export interface Opcode {
  readonly byte: number;
  readonly name: string;
  /** First protocol that has it. */
  readonly since: number;
  run(machine: Machine): void;
}

/** Estimated heap bytes of an array without its items, and of a list or dict without its batches. */
const TUPLE = 48;
const CONTAINER = 48;
/** Of one or two more items in an array that grows by halves. */
const SLOTS = 32;
const EMPTY_TUPLE: readonly Value[] = Object.freeze([]);
/** The longest line of a name or number that a real model holds is far below. */
const LONGEST_NAME = 80;
const LONGEST_NUMBER = 80;
/** Bytes; the seed of a random generator has 16. */
const LONGEST_INTEGER = 32;

const op = (byte: string | number, name: string, since: number, run: Opcode['run']): Opcode => ({
  byte: typeof byte === 'string' ? byte.charCodeAt(0) : byte,
  name,
  since,
  run,
});

function line(m: Machine, longest: number): string {
  const start = m.takeLine(longest);
  const text = asciiText(m.bytes, start, m.position - 1);
  return m.require(text, 'pickle.bad-text', 'a line with other than ASCII characters');
}

function index(m: Machine): number {
  const value = decimal(line(m, 10));
  if (typeof value !== 'number') m.refuse('pickle.bad-number', 'a memo index that is not a number');
  return value;
}

function text(m: Machine, length: number): void {
  const start = m.take(length);
  m.charge(24 + 2 * length);
  const value = utf8Text(m.bytes, start, m.position);
  m.push(m.require(value, 'pickle.bad-text', 'text that is not UTF-8'));
}

const framing: readonly Opcode[] = [
  op(0x80, 'PROTO', 2, (m) => {
    // The machine has looked at the first two bytes already; a second PROTO would change the rules midway.
    if (m.offset !== 0) m.refuse('pickle.proto-position', 'PROTO after the start');
    if (m.takeUint8() > 5) m.refuse('pickle.proto-unknown', 'a protocol above 5');
  }),
  op(0x95, 'FRAME', 4, (m) => {
    if (m.inFrame) m.refuse('pickle.frame-nested', 'a frame inside a frame');
    const length = m.takeLength64();
    if (length > m.limit - m.position) m.refuse('pickle.truncated', 'a frame longer than the stream');
    m.inFrame = length > 0;
    if (m.inFrame) m.limit = m.position + length;
  }),
  op('.', 'STOP', 0, (m) => {
    m.stopped = true;
  }),
  op('(', 'MARK', 0, (m) => m.mark()),
];

const numbers: readonly Opcode[] = [
  op('N', 'NONE', 0, (m) => m.push(null)),
  op(0x88, 'NEWTRUE', 2, (m) => m.push(true)),
  op(0x89, 'NEWFALSE', 2, (m) => m.push(false)),
  op('I', 'INT', 0, (m) => {
    const digits = line(m, LONGEST_NUMBER);
    const value = digits === '00' ? false : digits === '01' ? true : decimal(digits);
    m.push(m.require(value, 'pickle.bad-number', 'an integer in no decimal form'));
  }),
  op('J', 'BININT', 1, (m) => m.push(m.view.getInt32(m.take(4), true))),
  op('K', 'BININT1', 1, (m) => m.push(m.takeUint8())),
  op('M', 'BININT2', 1, (m) => m.push(m.view.getUint16(m.take(2), true))),
  op('L', 'LONG', 0, (m) => {
    const digits = line(m, LONGEST_NUMBER);
    const value = digits.endsWith('L') ? decimal(digits.slice(0, -1)) : undefined;
    m.push(m.require(value, 'pickle.bad-number', 'a long integer in no decimal form'));
  }),
  op(0x8a, 'LONG1', 2, (m) => {
    const length = m.takeUint8();
    if (length > LONGEST_INTEGER) m.refuse('pickle.bad-number', 'an integer longer than any in a real model');
    m.push(twosComplement(m.takeBytes(length)));
  }),
  op('F', 'FLOAT', 0, (m) => {
    m.push(
      m.require(float(line(m, LONGEST_NUMBER)), 'pickle.bad-number', 'a float that Python would not print'),
    );
  }),
  op('G', 'BINFLOAT', 1, (m) => {
    m.charge(16);
    m.push(m.view.getFloat64(m.take(8), false));
  }),
];

const textAndBytes: readonly Opcode[] = [
  op('V', 'UNICODE', 0, (m) => {
    const start = m.takeLine(Number.POSITIVE_INFINITY);
    m.charge(24 + 2 * (m.position - start));
    m.push(
      m.require(
        rawUnicodeEscape(m.bytes, start, m.position - 1),
        'pickle.bad-text',
        'text that is not raw-unicode-escape',
      ),
    );
  }),
  op('X', 'BINUNICODE', 1, (m) => text(m, m.takeUint32())),
  op(0x8c, 'SHORT_BINUNICODE', 4, (m) => text(m, m.takeUint8())),
  op('B', 'BINBYTES', 3, (m) => m.push(m.takeBytes(m.takeUint32()))),
  op('C', 'SHORT_BINBYTES', 3, (m) => m.push(m.takeBytes(m.takeUint8()))),
  op(0x96, 'BYTEARRAY8', 5, (m) => m.push(m.takeBytes(m.takeLength64()))),
];

const containers: readonly Opcode[] = [
  op(')', 'EMPTY_TUPLE', 1, (m) => m.push(EMPTY_TUPLE)),
  op('t', 'TUPLE', 0, (m) => m.push(m.popToMark())),
  op(0x85, 'TUPLE1', 2, (m) => {
    m.charge(TUPLE + 8);
    m.push([m.pop()]);
  }),
  op(0x86, 'TUPLE2', 2, (m) => {
    m.charge(TUPLE + 16);
    const last = m.pop();
    m.push([m.pop(), last]);
  }),
  op(0x87, 'TUPLE3', 2, (m) => {
    m.charge(TUPLE + 24);
    const [last, middle] = [m.pop(), m.pop()];
    m.push([m.pop(), middle, last]);
  }),
  op(']', 'EMPTY_LIST', 1, (m) => {
    m.charge(CONTAINER);
    m.push(new List());
  }),
  op('l', 'LIST', 0, (m) => {
    const values = m.popToMark();
    m.charge(CONTAINER);
    const list = new List();
    m.append(list, values);
    m.push(list);
  }),
  op('a', 'APPEND', 0, (m) => {
    m.charge(SLOTS);
    const value = m.pop();
    m.append(m.top(), [value]);
  }),
  op('e', 'APPENDS', 1, (m) => {
    const values = m.popToMark();
    m.append(m.top(), values);
  }),
  op('}', 'EMPTY_DICT', 1, (m) => {
    m.charge(CONTAINER);
    m.push(new Dict());
  }),
  op('d', 'DICT', 0, (m) => {
    const entries = m.popToMark();
    m.charge(CONTAINER);
    const dict = new Dict();
    m.setItems(dict, entries);
    m.push(dict);
  }),
  op('s', 'SETITEM', 0, (m) => {
    m.charge(SLOTS);
    const value = m.pop();
    const key = m.pop();
    m.setItems(m.top(), [key, value]);
  }),
  op('u', 'SETITEMS', 1, (m) => {
    const entries = m.popToMark();
    m.setItems(m.top(), entries);
  }),
];

const memo: readonly Opcode[] = [
  op('p', 'PUT', 0, (m) => m.store(index(m))),
  op('q', 'BINPUT', 1, (m) => m.store(m.takeUint8())),
  op('r', 'LONG_BINPUT', 1, (m) => m.store(m.takeUint32())),
  op(0x94, 'MEMOIZE', 4, (m) => m.storeNext()),
  op('g', 'GET', 0, (m) => m.fetch(index(m))),
  op('h', 'BINGET', 1, (m) => m.fetch(m.takeUint8())),
  op('j', 'LONG_BINGET', 1, (m) => m.fetch(m.takeUint32())),
];

const namesAndCalls: readonly Opcode[] = [
  op('c', 'GLOBAL', 0, (m) => {
    const module = line(m, LONGEST_NAME);
    m.global(module, line(m, LONGEST_NAME));
  }),
  op(0x93, 'STACK_GLOBAL', 4, (m) => {
    const name = m.pop();
    m.global(m.pop(), name);
  }),
  op('R', 'REDUCE', 0, (m) => {
    const args = m.pop();
    m.call('REDUCE', m.pop(), args);
  }),
  op(0x81, 'NEWOBJ', 2, (m) => {
    const args = m.pop();
    m.call('NEWOBJ', m.pop(), args);
  }),
  op('b', 'BUILD', 0, (m) => {
    const state = m.pop();
    m.build(m.top(), state);
  }),
];

/** Every opcode of protocols 0 to 5, by its byte. */
export const OPCODES: readonly (Opcode | undefined)[] = (() => {
  const table = Array.from<Opcode | undefined>({ length: 256 });
  const all = [framing, numbers, textAndBytes, containers, memo, namesAndCalls, REFUSED].flat();
  for (const opcode of all) table[opcode.byte] = opcode;
  return table;
})();
