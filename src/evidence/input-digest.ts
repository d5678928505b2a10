// HMAC-SHA-256 (RFC 2104) of many short texts under one key. The two keyed blocks are prepared once, and each text is
// hashed by one-shot calls: an object of node:crypto for each costs three times as much.
import { hash } from 'node:crypto';

/** Block size of SHA-256, and its digest, in bytes. */
const BLOCK = 64;
const DIGEST = 32;

/** Returns the function that gives the HMAC of a text (UTF-8), in hex. `key` has at most 64 bytes. */
export function inputDigest(key: Uint8Array): (text: string) => string {
  if (key.length > BLOCK) throw new RangeError('a key longer than a block');
  const padded = (pad: number): Buffer =>
    Buffer.alloc(BLOCK, pad).map((byte, at) => byte ^ (key[at] ?? 0)) as Buffer;
  const inner = padded(0x36);
  const outer = Buffer.concat([padded(0x5c), Buffer.alloc(DIGEST)]);
  return (text) => {
    outer.write(hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'hex');
  };
}
