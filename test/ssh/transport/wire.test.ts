// Messages behind their length, in pieces of every size.
import { describe, expect, it, vi } from 'vitest';
import { Framer, stringOf, WireReader } from '../../../src/ssh/transport/wire.ts';

describe('messages behind their length', () => {
  const messages = ['', 'a', 'bc', 'x'.repeat(300)];
  const whole = Buffer.concat(messages.map(stringOf));

  it.each([1, 2, 3, 4, 5, 7, 64, 1000])('arrive in pieces of %d bytes', (size) => {
    const framer = new Framer(300);
    const found: string[] = [];
    for (let at = 0; at < whole.length; at += size)
      framer.push(whole.subarray(at, at + size), (message) => void found.push(message.toString()));
    expect(found).toEqual(messages);
  });

  it('are not awaited where they are too long, nor read where they are too short', () => {
    expect(() => new Framer(2).push(stringOf('abc'), () => {})).toThrow(RangeError);
    expect(() => new WireReader(stringOf('abc').subarray(0, 6)).string()).toThrow(RangeError);
    expect(() => new WireReader(Buffer.alloc(3)).uint32()).toThrow(RangeError);
  });

  it('take time in proportion to their bytes when each byte comes alone', () => {
    const joined = (bytes: number): number => {
      const spy = vi.spyOn(Buffer, 'concat');
      const framer = new Framer(bytes);
      for (const byte of stringOf(Buffer.alloc(bytes))) framer.push(Buffer.of(byte), () => {});
      const copied = spy.mock.calls.flatMap(([list]) => list.map(({ length }) => length));
      spy.mockRestore();
      return copied.reduce((sum, length) => sum + length, 0);
    };
    expect(joined(20_000)).toBeLessThan(2.5 * joined(10_000));
  });
});
