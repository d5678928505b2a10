// Ed25519 keys of this host: a signer that holds a private key, and verifiers that use node:crypto.
import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { CodedError } from './coded-error.ts';
import { native } from './native.ts';
import { ED25519, type NoteKey, noteKey, parseNoteKey } from './note-key.ts';

/** The public half of a signer. */
export interface NoteVerifier extends NoteKey {
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

function verifierFor(key: NoteKey): NoteVerifier {
  return { ...key, verify: (message, signature) => native.verifyEd25519(key.publicKey, message, signature) };
}

/**
 * Returns a verifier for 32 raw bytes of an Ed25519 public key (RFC 8032).
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function verifierOf(name: string, publicKey: Uint8Array): NoteVerifier {
  return verifierFor(noteKey(name, publicKey));
}

/**
 * Parses a pinned verifier key, `name+hash+base64`.
 *
 * @throws CodedError `key.malformed`, `key.small-order`.
 */
export function parseVerifierKey(vkey: string): NoteVerifier {
  const key = parseNoteKey(vkey);
  if (key.type !== ED25519) throw refuse('key.malformed', 'a cosigner key, where a plain Ed25519 key is due');
  return verifierFor(key);
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
