// Verifier keys in the C2SP signed-note spelling (c2sp.org/signed-note), `name+hash+base64(type || key)`: safe to pin and
// to publish. Runs anywhere.
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, fromBase64, toBase64, toHex, utf8 } from './bytes.ts';
import { CodedError } from './coded-error.ts';

/** Signature types of c2sp.org/signed-note: a plain Ed25519 signature, and a timestamped cosignature. */
export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export type NoteKeyType = typeof ED25519 | typeof COSIGNATURE;

/** A parsed verifier key. */
export interface NoteKey {
  readonly name: string;
  /** Eight hex digits that tell keys of one name apart. */
  readonly hash: string;
  readonly type: NoteKeyType;
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly vkey: string;
}

const refuse = (code: string, message: string): CodedError =>
  new CodedError(code, message, 'Use a key as `guardrails keys show` prints it, copied whole.');

// y < 2^255 - 19, little endian, sign bit aside. A second spelling of a point would be a second key of one identity.
function isCanonical(key: Uint8Array): boolean {
  const first = key[0] ?? 0;
  const last = (key[31] ?? 0) & 0x7f;
  return last !== 0x7f || first < 0xed || key.subarray(1, 31).some((byte) => byte !== 0xff);
}

// The canonical y coordinates of the eight points of small order. Under such a key node:crypto accepts R = identity,
// S = 0 as a signature of any message (or of one in eight), so the key would vouch for everything.
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/**
 * Returns the verifier key of 32 raw bytes of an Ed25519 public key (RFC 8032).
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function noteKey(name: string, publicKey: Uint8Array, type: NoteKeyType = ED25519): NoteKey {
  if (!/^[\x21-\x2a\x2c-\x7e]{1,200}$/.test(name)) {
    throw refuse('key.malformed', 'a key name is 1 to 200 printable ASCII characters without blank or plus');
  }
  if (publicKey.length !== 32 || !isCanonical(publicKey))
    throw refuse('key.malformed', 'not an Ed25519 public key');
  const y = Uint8Array.from(publicKey);
  y[31] = (y[31] ?? 0) & 0x7f;
  if (SMALL_ORDER_Y.has(toHex(y)))
    throw refuse('key.small-order', 'a public key of small order accepts forged signatures');
  const typed = Uint8Array.of(type, ...publicKey);
  const hash = toHex(sha256(concatBytes(utf8(`${name}\n`), typed))).slice(0, 8);
  return { name, hash, type, publicKey, vkey: `${name}+${hash}+${toBase64(typed)}` };
}

/**
 * Parses a verifier key, `name+hash+base64`, of one of the two types.
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function parseNoteKey(vkey: string): NoteKey {
  const [, name, hash, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey) ?? [];
  const typed = fromBase64(base64 ?? '');
  const type = typed?.[0];
  if (name === undefined || !typed || (type !== ED25519 && type !== COSIGNATURE))
    throw refuse('key.malformed', 'not a verifier key: expected name+hash+base64');
  const key = noteKey(name, typed.subarray(1), type);
  if (key.hash !== hash) throw refuse('key.malformed', 'the hash in the verifier key does not match its key');
  return key;
}
