// The way from a tree's root to the leaf of a row: where nearly all of the time goes. Indices are inside the arrays
// because every node was checked when it was packed.
import type { PackedNodes } from './tree.ts';

/** Returns the leaf of the row that starts at `row`. A row without NaN. */
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
    const value = block[row + ((links[2 * at] as number) >> 1)] as number;
    at = value <= (thresholds[at] as number) ? child : child + 1;
  }
}

/** As {@link leafOf}, for a row with NaN: the node itself says where a missing value goes. */
export function leafWithMissing(
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
 * Adds `scale` times the leaf of four rows, `width` apart and without NaN, to four of the `sums`, from `to` on. A split is as good as random to a processor, and a wrong
 * guess costs more than the comparison: so nothing is guessed here. The outcome is added to the child's index, and four
 * rows go at once, so that one computes while the others wait for memory. They have arrived when none moves on; an
 * index never falls, so the sum tells.
 */
export function addFour(
  { thresholds, values, links }: PackedNodes,
  root: number,
  block: Float64Array,
  row: number,
  width: number,
  scale: number,
  sums: Float64Array,
  to: number,
): void {
  const [row1, row2, row3] = [row + width, row + 2 * width, row + 3 * width];
  let a = root;
  let b = root;
  let c = root;
  let d = root;
  for (let before = -1, sum = 4 * root; sum !== before; ) {
    before = sum;
    a = step(thresholds, links, a, block, row);
    b = step(thresholds, links, b, block, row1);
    c = step(thresholds, links, c, block, row2);
    d = step(thresholds, links, d, block, row3);
    sum = a + b + c + d;
  }
  sums[to] = (sums[to] as number) + scale * (values[a] as number);
  sums[to + 1] = (sums[to + 1] as number) + scale * (values[b] as number);
  sums[to + 2] = (sums[to + 2] as number) + scale * (values[c] as number);
  sums[to + 3] = (sums[to + 3] as number) + scale * (values[d] as number);
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
