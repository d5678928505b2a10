// The way from a tree's root to the leaf of a row: where nearly all of the time goes. Indices are inside the arrays
// because every node was checked when it was packed.
import type { PackedNodes } from './tree.ts';

/** Returns the leaf of the row that starts at `row`, NaN or not: the node itself says where a missing value goes. */
export function leafOf(
  { thresholds, links }: PackedNodes,
  root: number,
  block: Float64Array,
  row: number,
): number {
  let at = root;
  for (;;) {
    const child = links[2 * at + 1] as number;
    if (child === at) return at;
    const split = links[2 * at] as number;
    const value = block[row + (split >> 1)] as number;
    const left = Number.isNaN(value) ? (split & 1) === 1 : value <= (thresholds[at] as number);
    at = left ? child : child + 1;
  }
}

/**
 * Takes four walks, each at a node and with the start of its row, to their leaves, which it writes to `leaves`. Rows
 * without NaN. A split is as good as random to a processor, and a wrong guess costs more than the comparison: so
 * nothing is guessed here. The outcome is added to the child's index, and four walks go at once, so that one computes
 * while the others wait for memory. They have arrived when none moves on; an index never falls, so the sum tells.
 */
export function fourLeaves(
  { thresholds, links }: PackedNodes,
  block: Float64Array,
  leaves: Int32Array,
  a: number,
  rowA: number,
  b: number,
  rowB: number,
  c: number,
  rowC: number,
  d: number,
  rowD: number,
): void {
  let [atA, atB, atC, atD] = [a, b, c, d];
  for (let before = -1, sum = a + b + c + d; sum !== before; ) {
    before = sum;
    atA = step(thresholds, links, atA, block, rowA);
    atB = step(thresholds, links, atB, block, rowB);
    atC = step(thresholds, links, atC, block, rowC);
    atD = step(thresholds, links, atD, block, rowD);
    sum = atA + atB + atC + atD;
  }
  leaves[0] = atA;
  leaves[1] = atB;
  leaves[2] = atC;
  leaves[3] = atD;
}

function step(
  thresholds: Float64Array,
  links: Int32Array,
  at: number,
  block: Float64Array,
  row: number,
): number {
  const value = block[row + ((links[2 * at] as number) >> 1)] as number;
  return (links[2 * at + 1] as number) + Number(value > (thresholds[at] as number));
}
