// The reader of marks in what comes from a host, in pieces of every size, beside one regular expression over the whole.
import { MarkReader } from '../../../src/ssh/transport/shell-protocol.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const NONCE = '0123456789abcdef0123456789abcdef';
const MARKS = new RegExp(`\\n${NONCE} (?:(?:begin|go|unread) [12]|end [12] [0-9]{1,3})\\n`, 'g');

export const target = {
  name: 'shell-marks',
  oracle: 'a regular expression over the whole stream',
  seeds: [
    `noise\n\n${NONCE} begin 1\n\n${NONCE} go 1\nbody\n${NONCE} end 1 0\n`,
    `\n${NONCE} begin 2\n\n${NONCE} unread 1\n\n${NONCE}\n${NONCE} `,
    `\n${NONCE} begin 1\n${NONCE} go 1\n\n${NONCE} end 1\n\n${NONCE} end 2 255\n\n${NONCE} end 1 2555\n`,
  ].map(bytesOf),
  words: [
    ...'\n| |\n\n|begin 1\n|go 1\n|end 1 7\n|end 2 |unread 1|0|\r'.split('|'),
    NONCE,
    `\n${NONCE} `,
    NONCE.slice(0, 31),
  ],
  fuzz(bytes) {
    const whole = Buffer.from(bytes).toString('latin1');
    const expected = [...whole.matchAll(MARKS)].map(([mark]) =>
      mark
        .trim()
        .slice(NONCE.length + 1)
        .replace(/ 0+(?=[0-9])/, ' '),
    );
    const rest = whole.replaceAll(MARKS, '');
    for (const size of [1, 2, 3, 7, 33, 34, 35, whole.length + 1]) {
      const reader = new MarkReader(NONCE);
      const found: string[] = [];
      let text = '';
      const take = (part: Buffer): void => {
        text += part.toString('latin1');
      };
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(Buffer.from(bytes.subarray(at, at + size)), take, ({ kind, stream, code }) => {
          found.push([kind, stream, ...(code === undefined ? [] : [code])].join(' '));
        });
      }
      reader.flush(take);
      if (found.join() !== expected.join()) throw new Error(`in pieces of ${size}, other marks are found`);
      if (text !== rest) throw new Error(`in pieces of ${size}, other text is left`);
    }
  },
} satisfies FuzzTarget;
