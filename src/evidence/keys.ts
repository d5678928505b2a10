// Ed25519 keys in the C2SP signed-note spelling (c2sp.org/signed-note): a signer that holds a private key, and the
// verifier key text `name+hash+key` that is safe to pin and to publish.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { CodedError } from './coded-error.ts';

/** c2sp.org/signed-note: signature type of plain Ed25519. */
const ED25519 = 0x01;

/** The public half of a signer. */
export interface NoteVerifier {
  readonly name: string;
  /** Eight hex digits that tell keys of one name apart. */
  readonly hash: string;
  /** `name+hash+base64(0x01 || public key)`. */
  readonly vkey: string;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A key that can sign checkpoints. */
export interface NoteSigner extends NoteVerifier {
  sign(message: Uint8Array): Uint8Array;
  /** 32 bytes bound to this key and `purpose`; the same each time (HKDF, RFC 5869). */
  derive(purpose: string): Uint8Array;
  /** PKCS#8 PEM: for the key file, nowhere else. */
  exportPem(): string;
}

const refuse = (code: string, message: string): CodedError =>
  new CodedError(code, message, 'Use a key made by `guardrails keys init`, copied whole.');

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
 * Returns a verifier for 32 raw bytes of an Ed25519 public key (RFC 8032).
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function verifierOf(name: string, publicKey: Uint8Array): NoteVerifier {
  if (!/^[\x21-\x2a\x2c-\x7e]{1,200}$/.test(name)) {
    throw refuse('key.malformed', 'a key name is 1 to 200 printable ASCII characters without blank or plus');
  }
  if (publicKey.length !== 32 || !isCanonical(publicKey))
    throw refuse('key.malformed', 'not an Ed25519 public key');
  const y = Buffer.from(publicKey);
  y.writeUInt8(y.readUInt8(31) & 0x7f, 31);
  if (SMALL_ORDER_Y.has(y.toString('hex'))) {
    throw refuse('key.small-order', 'a public key of small order accepts forged signatures');
  }
  const typed = Buffer.concat([Uint8Array.of(ED25519), publicKey]);
  const hash = createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8);
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return {
    name,
    hash,
    vkey: `${name}+${hash}+${typed.toString('base64')}`,
    verify: (message, signature) => signature.length === 64 && verify(null, message, key, signature),
  };
}

/**
 * Parses a pinned verifier key, `name+hash+base64`.
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function parseVerifierKey(vkey: string): NoteVerifier {
  const [, name, hash, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey) ?? [];
  const typed = Buffer.from(base64 ?? '', 'base64');
  if (name === undefined || typed.toString('base64') !== base64 || typed[0] !== ED25519) {
    throw refuse('key.malformed', 'not a verifier key: expected name+hash+base64');
  }
  const verifier = verifierOf(name, typed.subarray(1));
  if (verifier.hash !== hash)
    throw refuse('key.malformed', 'the hash in the verifier key does not match its key');
  return verifier;
}

function signerOf(name: string, key: KeyObject): NoteSigner {
  const { x, d } = key.export({ format: 'jwk' });
  return {
    ...verifierOf(name, Buffer.from(x ?? '', 'base64url')),
    sign: (message) => sign(null, message, key),
    derive: (purpose) =>
      new Uint8Array(hkdfSync('sha256', Buffer.from(d ?? '', 'base64url'), name, purpose, 32)),
    exportPem: () => key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Returns a new signer under `name`. */
export function generateSigner(name: string): NoteSigner {
  return signerOf(name, generateKeyPairSync('ed25519').privateKey);
}

/**
 * Returns the signer held in a PKCS#8 PEM text.
 *
 * @throws CodedError `key.malformed`.
 */
export function signerFromPem(name: string, pem: string): NoteSigner {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw refuse('key.malformed', 'not a private key in PKCS#8 PEM'); // no cause: it may quote the key
  }
  if (key.asymmetricKeyType !== 'ed25519') throw refuse('key.malformed', 'not an Ed25519 private key');
  return signerOf(name, key);
}
