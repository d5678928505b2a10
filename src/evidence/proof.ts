// Proofs over the Merkle tree of a journal: that a line is in it, and that a later tree only added lines to an earlier
// one. Made from the leaf hashes, checked from a few hashes. Runs anywhere.
import { sameBytes } from './bytes.ts';
import { nodeHash, type Sha256 } from './merkle.ts';

/** Largest power of two below n; n > 1. Not by shifts: a journal may have more than 2^31 lines. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

type Leaves = readonly Uint8Array[];

/** The Merkle tree hash of the leaves from `from` up to `to` (RFC 6962 section 2.1); at least one. */
function subtreeRoot(sha256: Sha256, leaves: Leaves, from: number, to: number): Uint8Array {
  const first = leaves[from];
  if (!first || to <= from || to > leaves.length) throw new RangeError('a subtree outside of the tree');
  if (to - from === 1) return first;
  const middle = from + splitOf(to - from);
  return nodeHash(sha256, subtreeRoot(sha256, leaves, from, middle), subtreeRoot(sha256, leaves, middle, to));
}

/**
 * Returns the audit path of one leaf in the tree of all `leaves`, its sibling first (RFC 6962 section 2.1.1).
 *
 * @throws RangeError when there is no such leaf.
 */
export function inclusionProof(sha256: Sha256, leaves: Leaves, index: number): readonly Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError('no such leaf');
  const path: Uint8Array[] = [];
  let [from, to] = [0, leaves.length];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.unshift(subtreeRoot(sha256, leaves, middle, to));
      to = middle;
    } else {
      path.unshift(subtreeRoot(sha256, leaves, from, middle));
      from = middle;
    }
  }
  return path;
}

/**
 * Returns what shows that the tree of all `leaves` extends that of the first `size` (RFC 6962 section 2.1.2).
 *
 * @throws RangeError unless 0 < `size` <= the number of leaves.
 */
export function consistencyProof(sha256: Sha256, leaves: Leaves, size: number): readonly Uint8Array[] {
  if (!Number.isSafeInteger(size) || size < 1 || size > leaves.length)
    throw new RangeError('no such earlier tree');
  const path: Uint8Array[] = [];
  let [from, to] = [0, leaves.length];
  let whole = true; // whether the part of the old tree that is left is all of it, which the checker knows
  while (size < to) {
    const middle = from + splitOf(to - from);
    if (size <= middle) {
      path.unshift(subtreeRoot(sha256, leaves, middle, to));
      to = middle;
    } else {
      path.unshift(subtreeRoot(sha256, leaves, from, middle));
      from = middle;
      whole = false;
    }
  }
  return whole ? path : [subtreeRoot(sha256, leaves, from, to), ...path];
}

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;

/** Whether a leaf hash is at `index` in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2). */
export function checkInclusion(
  sha256: Sha256,
  leaf: Uint8Array,
  index: number,
  size: number,
  root: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (!isPosition(index) || !isPosition(size) || index >= size) return false;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(sha256, sibling, hash);
      while (!isOdd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else hash = nodeHash(sha256, hash, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(hash, root);
}

/** Whether the tree of `size` leaves with `root` extends that of `before` leaves with `rootBefore` (RFC 9162 section 2.1.4.2). */
export function checkConsistency(
  sha256: Sha256,
  before: number,
  rootBefore: Uint8Array,
  size: number,
  root: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (!isPosition(before) || !isPosition(size) || before === 0 || before > size) return false;
  if (before === size) return path.length === 0 && sameBytes(rootBefore, root);
  let [at, last] = [before - 1, size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // Where the old tree is one perfect subtree of the new one, its root is the start, and is not sent.
  const [start, ...rest] = at === 0 ? [rootBefore, ...path] : path;
  if (!start) return false;
  let [old, fresh] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      old = nodeHash(sha256, sibling, old);
      fresh = nodeHash(sha256, sibling, fresh);
      while (!isOdd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else fresh = nodeHash(sha256, fresh, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(old, rootBefore) && sameBytes(fresh, root);
}
