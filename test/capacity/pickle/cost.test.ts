// What values are charged: at least what they occupy, when they are made and once more when somebody reads them.
// Measured from outside, as the bytes that a stream must carry besides, unread, before it is allowed them.
import { expect, it } from 'vitest';
import { Machine } from '../../../src/capacity/pickle/machine.ts';
import { PickleRefusal } from '../../../src/capacity/pickle/refusal.ts';
import type { List, Tuple } from '../../../src/capacity/pickle/values.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** What each byte of a stream allows. */
const ALLOWANCE = 16;
/** Empty lists, which cost more than their bytes allow: without them, small streams are allowed anything. */
const DEBT = `]${`(${']'.repeat(1000)}e`.repeat(60)}`;

/** Whether a list of these values is allowed beside so many bytes. */
function isAllowed(values: string, besides: number, read: boolean): boolean {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(besides);
  const start = latin1(`\x80\x05(${DEBT}](${values}eB`);
  const stream = Buffer.concat([start, length, Buffer.alloc(besides), latin1('t.')]);
  try {
    const [, list] = (new Machine(stream).run() as Tuple).items;
    if (read) expect((list as List).items.length).toBeGreaterThan(0);
    return true;
  } catch (error) {
    if (error instanceof PickleRefusal && error.code === 'pickle.budget') return false;
    throw error;
  }
}

/** More bytes than any of these lists needs. */
const ENOUGH = 2 ** 18;
const expectBounds = (values: string, read: boolean): void =>
  expect([isAllowed(values, 0, read), isAllowed(values, ENOUGH, read)]).toEqual([false, true]);

/** Returns how many bytes it takes, in all, until a list of these values is allowed. */
function needed(values: string): number {
  expectBounds(values, false);
  let [least, most] = [0, ENOUGH];
  while (most - least > 1) {
    const middle = (least + most) >> 1;
    if (isAllowed(values, middle, false)) most = middle;
    else least = middle;
  }
  return most + values.length;
}

/** Whether `many` such values are charged at least `more` each beyond what so many bytes allow. */
function isCharged(value: string, many: number, read: boolean, bytes: number, more: number): boolean {
  const values = value.repeat(many);
  expectBounds(values, read);
  const besides = Math.ceil(bytes + (more * many) / ALLOWANCE) - values.length;
  return !isAllowed(values, besides - 1, read);
}

it.each([
  ['None', 'N', 16],
  ['a text of one letter', '\x8c\x01a', 16 + 33],
  ['a text of a hundred letters', `\x8c\x64${'a'.repeat(100)}`, 16 + 132],
  ['bytes', 'C\x01a', 16 + 100],
  ['a bytearray', `\x96\x01${'\0'.repeat(7)}a`, 16 + 100],
  ['a tuple', 'K\x01\x85', 16 + 90],
  ['a list', ']', 16 + 90],
  ['a dict', '}', 16 + 90],
])('reading %s costs what it occupies', (_what, value, least) => {
  expect(isCharged(value, 1000, true, needed(value.repeat(1000)), least)).toBe(true);
});

// All of one length, and all become one node: what differs is what is made at once.
it.each([
  ['text of two bytes a character', `X\x90\x01\0\0${'\xc3\xa9'.repeat(200)}`, 2 * 400],
  ['a line of text', `V${'a'.repeat(403)}\n`, 4 * 400],
  ['a long integer', `\x8a\x20${'\x01'.repeat(32)}`, 40],
])('making %s costs what it takes', (_what, value, least) => {
  const plain = `B${String.fromCharCode((value.length - 5) & 0xff, (value.length - 5) >> 8)}\0\0${'a'.repeat(value.length - 5)}`;
  expect(plain).toHaveLength(value.length);
  expect(isCharged(value, 100, false, needed(plain.repeat(100)), least)).toBe(true);
});
