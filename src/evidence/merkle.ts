// RFC 6962 section 2.1: the Merkle tree over journal lines. A root pinned elsewhere catches what a hash chain
// beside the journal cannot: truncation, rollback and a whole rewrite.
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';

// Leaves and nodes are hashed with different first bytes, so that no leaf can pass for a node (RFC 6962 section 2.1).
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Returns the 32-byte leaf hash of one entry. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, entry));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right));
}

/** A growing tree that keeps only its right edge: O(log n) memory, amortised O(1) hashes per entry. */
export class MerkleTree {
  /** Roots of the perfect subtrees, largest first; one for each set bit of `size`. */
  readonly #edge: Uint8Array[];
  #size: number;

  constructor() {
    this.#edge = [];
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  append(entry: Uint8Array): void {
    let hash = leafHash(entry);
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#edge.pop();
      if (left) hash = nodeHash(left, hash);
    }
    this.#edge.push(hash);
    this.#size++;
  }

  /** Returns the 32-byte Merkle tree hash; of no entries, the SHA-256 of nothing. */
  root(): Uint8Array {
    const last = this.#edge.at(-1);
    if (!last) return sha256(new Uint8Array());
    return this.#edge.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }
}
