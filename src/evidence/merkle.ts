// RFC 6962 section 2.1: the Merkle tree over journal lines. A root pinned elsewhere catches what a hash chain
// beside the journal cannot: truncation, rollback and a whole rewrite.
import type { Primitives } from './primitives.ts';

export type Sha256 = Primitives['sha256'];

// Leaves and nodes are hashed with different first bytes, so that no leaf can pass for a node (RFC 6962 section 2.1).
const LEAF = Uint8Array.of(0);
const NODE = 1;

const HASH_BYTES = 32;
// Synchronous, and nothing of it is handed out, so one place for all nodes will do: an array of its own takes longer to make
// than to hash.
const node = new Uint8Array(1 + 2 * HASH_BYTES).fill(NODE, 0, 1);

/** Returns the 32-byte leaf hash of one entry. */
export const leafHash = (sha256: Sha256, entry: Uint8Array): Uint8Array => sha256(LEAF, entry);

/**
 * Returns the 32-byte hash of an inner node.
 *
 * @throws RangeError where one of the two is no 32-byte hash.
 */
export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('no hash of 32 bytes');
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/** The right edge of a tree: all that is needed to go on with it. */
export interface TreeEdge {
  readonly size: number;
  /** Roots of the perfect subtrees, largest first; one for each set bit of `size`. */
  readonly edge: readonly Uint8Array[];
  /** Left siblings of the last leaf up to the last root of `edge`, lowest first: they prove that leaf. */
  readonly lastPath: readonly Uint8Array[];
}

const EMPTY: TreeEdge = { size: 0, edge: [], lastPath: [] };

/** Returns the Merkle tree hash of an edge, 32 bytes; of no entries, the SHA-256 of nothing. */
export function rootOfEdge(sha256: Sha256, edge: readonly Uint8Array[]): Uint8Array {
  const last = edge.at(-1);
  if (!last) return sha256(new Uint8Array());
  return edge.slice(0, -1).reduceRight((right, left) => nodeHash(sha256, left, right), last);
}

/** A growing tree that keeps only its right edge: O(log n) memory, amortised O(1) hashes per entry. */
export class MerkleTree {
  readonly #sha256: Sha256;
  readonly #edge: Uint8Array[];
  #lastPath: readonly Uint8Array[];
  #size: number;

  constructor(sha256: Sha256, { size, edge, lastPath }: TreeEdge = EMPTY) {
    this.#sha256 = sha256;
    this.#edge = [...edge];
    this.#lastPath = lastPath;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the tree with further entries; this one stays as it is. */
  with(entries: readonly Uint8Array[]): MerkleTree {
    const tree = new MerkleTree(this.#sha256, this.edge());
    for (const entry of entries) tree.append(entry);
    return tree;
  }

  append(entry: Uint8Array): void {
    let hash = leafHash(this.#sha256, entry);
    const path: Uint8Array[] = [];
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#edge.pop();
      if (!left) throw new RangeError('an edge that is shorter than its size says');
      path.push(left);
      hash = nodeHash(this.#sha256, left, hash);
    }
    this.#edge.push(hash);
    this.#lastPath = path;
    this.#size++;
  }

  /** Returns the 32-byte Merkle tree hash. */
  root(): Uint8Array {
    return rootOfEdge(this.#sha256, this.#edge);
  }

  edge(): TreeEdge {
    return { size: this.#size, edge: [...this.#edge], lastPath: this.#lastPath };
  }
}

/** Whether `entry` is the last one under an edge, as its path shows. */
export function isLastEntry(sha256: Sha256, entry: Uint8Array, { edge, lastPath }: TreeEdge): boolean {
  const hash = lastPath.reduce((right, left) => nodeHash(sha256, left, right), leafHash(sha256, entry));
  const last = edge.at(-1);
  return last !== undefined && hash.every((byte, index) => byte === last[index]);
}
