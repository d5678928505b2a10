// Numbers, text and bytes as they stand in the stream. What has one fixed form stays there and is only pointed to; what
// has to be computed is computed here, and refused unless Python's own pickler would have written it so.
import { FALSE_NODE, type Node, TRUE_NODE } from './tape.ts';
import { decimal, float, isAscii, rawUnicodeEscape, twosComplement, utf8Text } from './text.ts';
import { Float } from './values.ts';
import type { Workspace } from './workspace.ts';

const LONGEST_INDEX = 10;
/** The longest number that a real model holds is far below. */
const LONGEST_NUMBER = 80;
/** Bytes; the seed of a random generator has 16. */
const LONGEST_INTEGER = 32;
/** 16 MiB. Protocols 1 and 2 spell arrays as text; no tree of a capacity table has such a one. */
const LONGEST_TEXT = 2 ** 24;
/** About what a computed number occupies, and text besides its characters, in bytes. */
const NUMBER_BYTES = 48;
const TEXT_BYTES = 32;

/** LONG1: the next `length` bytes as an integer. */
export function longBytes(m: Workspace, length: number): Node {
  if (length > LONGEST_INTEGER) m.refuse('pickle.bad-number', 'an integer longer than any in a real model');
  const start = m.take(length);
  return m.tape.object(twosComplement(m.bytes.subarray(start, start + length)), NUMBER_BYTES);
}

/** INT: an integer, or a truth value in Python's oldest spelling. */
export function integerLine(m: Workspace): Node {
  const digits = m.takeAscii(LONGEST_NUMBER);
  if (digits === '00') return FALSE_NODE;
  if (digits === '01') return TRUE_NODE;
  const value = m.require(decimal(digits), 'pickle.bad-number', 'an integer in no decimal form');
  return m.tape.object(value, NUMBER_BYTES);
}

/** LONG: an integer with an L. */
export function longLine(m: Workspace): Node {
  const digits = m.takeAscii(LONGEST_NUMBER);
  const value = digits.endsWith('L') ? decimal(digits.slice(0, -1)) : undefined;
  const why = 'a long integer in no decimal form';
  return m.tape.object(m.require(value, 'pickle.bad-number', why), NUMBER_BYTES);
}

/** FLOAT. */
export function floatLine(m: Workspace): Node {
  const value = float(m.takeAscii(LONGEST_NUMBER));
  const why = 'a float that Python would not print';
  return m.tape.object(new Float(m.require(value, 'pickle.bad-number', why)), NUMBER_BYTES);
}

/** The memo index of PUT and GET. */
export function indexLine(m: Workspace): number {
  const value = decimal(m.takeAscii(LONGEST_INDEX));
  if (typeof value !== 'number') m.refuse('pickle.bad-number', 'a memo index that is not a number');
  return value;
}

/** BINUNICODE and its like: the next `length` bytes as UTF-8. */
export function text(m: Workspace, length: number): Node {
  if (length > LONGEST_TEXT) m.refuse('pickle.too-large', `a text of over ${LONGEST_TEXT} bytes`);
  const start = m.take(length);
  if (isAscii(m.bytes, start, m.position)) return m.tape.text(start, length);
  m.charge(2 * length);
  const value = utf8Text(m.bytes.subarray(start, m.position));
  return m.tape.object(m.require(value, 'pickle.bad-text', 'text that is not UTF-8'), TEXT_BYTES);
}

/** UNICODE: a line in raw-unicode-escape. */
export function textLine(m: Workspace): Node {
  const start = m.takeLine(Number.POSITIVE_INFINITY);
  m.charge(4 * (m.position - start));
  const value = rawUnicodeEscape(m.bytes, start, m.position - 1);
  const why = 'text that is not raw-unicode-escape';
  return m.tape.object(m.require(value, 'pickle.bad-text', why), TEXT_BYTES);
}

/** BINBYTES and its like: the next `length` bytes. */
export function byteString(m: Workspace, length: number): Node {
  return m.tape.bytes(m.take(length), length);
}

/** BYTEARRAY8: the next `length` bytes. */
export function byteArray(m: Workspace, length: number): Node {
  return m.tape.byteArray(m.take(length), length);
}
