// HMAC-SHA-256 (RFC 2104) of many short texts under one key. The two keyed blocks are prepared once, and each text is
// hashed by one-shot calls: an object of node:crypto for each costs three times as much.
import { hash } from 'node:crypto';

/** Block size of SHA-256, and its digest, in bytes. */
const BLOCK = 64;
const DIGEST = 32;
/** Most requests have less; the place for them is kept, since to bring them together anew each time costs as much as to hash. */
const SHORT = 4_096;

/** Returns the function that gives the HMAC of a text (UTF-8), in hex. `key` has at most 64 bytes. */
export function inputDigest(key: Uint8Array): (text: string) => string {
  if (key.length > BLOCK) throw new RangeError('a key longer than a block');
  const padded = (pad: number, room: number): Buffer => {
    const block = Buffer.alloc(BLOCK + room, pad);
    for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
    return block;
  };
  const inner = padded(0x36, SHORT);
  const outer = padded(0x5c, DIGEST);
  const hashed = (text: string): Buffer =>
    3 * text.length <= SHORT // no UTF-16 unit has more than three bytes
      ? inner.subarray(0, BLOCK + inner.write(text, BLOCK))
      : Buffer.concat([inner.subarray(0, BLOCK), Buffer.from(text)]);
  return (text) => {
    outer.write(hash('sha256', hashed(text), 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'hex');
  };
}
