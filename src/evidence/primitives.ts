// The two cryptographic operations that verification needs. They are parameters, so that one verifier runs natively on
// Node and without it in a browser.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

export interface Primitives {
  /** SHA-256 of one or two parts, one after the other. 32 bytes. */
  readonly sha256: (first: Uint8Array, second?: Uint8Array) => Uint8Array;
  /** The same of one part, as 64 lowercase hex digits. */
  readonly sha256Hex: (data: Uint8Array) => string;
  /**
   * Ed25519 (RFC 8032, with the check of section 5.1.7 that needs no cofactor). `publicKey` has 32 bytes and is neither
   * of small order nor spelled twice: {@link parseNoteKey} has refused such keys.
   */
  readonly verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** In JavaScript alone, for any platform. */
export const portable: Primitives = {
  sha256: (first, second) => (second ? sha256.create().update(first).update(second).digest() : sha256(first)),
  sha256Hex: (data) => bytesToHex(sha256(data)),
  verifyEd25519: (publicKey, message, signature) => {
    // zip215 off: the rules of RFC 8032, which node:crypto follows too.
    return signature.length === 64 && ed25519.verify(signature, message, publicKey, { zip215: false });
  },
};
