// The way from a tree's root to the leaf of a row: where nearly all of the time goes. A split is as good as random to a
// processor, and a wrong guess costs more than the comparison: so nothing is guessed here, and the outcome is added to
// the child's offset. Offsets are inside the buffers because every node was checked when it was packed.
import { NODE, type PackedNodes } from './tree.ts';

/** How many rows {@link addLeaves} takes at once. */
export const TOGETHER = 6;

/** Returns the offset of the leaf of the row at byte `row`, NaN or not: the node says where a missing value goes. */
export function leafOf(nodes: PackedNodes, root: number, rows: DataView, row: number): number {
  let at = NODE * root;
  for (;;) {
    const asks = nodes.getInt32(at, true);
    if ((asks & 1) === 1) return at;
    const value = rows.getFloat64(row + (asks >>> 2), true);
    let right = Number(value > nodes.getFloat64(at + 8, true));
    if (Number.isNaN(value)) right = 1 - ((asks >>> 1) & 1);
    at = nodes.getInt32(at + 4, true) + 16 * right;
  }
}

/** Which walks to take: the first one's tree and row, and which of the two changes from one walk to the next. */
export interface Walks {
  readonly tree: number;
  readonly row: number;
  readonly next: 'tree' | 'row';
  /** A multiple of {@link TOGETHER}. */
  readonly count: number;
}

/**
 * Adds to each row's sum what its walks arrive at, in the order of the walks, times `scale`. The rows are `width` bytes
 * each and hold NaN behind their features, and nowhere else. Six walks go at once, so that one computes while the others
 * wait for memory, and those that have arrived stay until all have. It is written out because calls in here are not always
 * inlined; then it takes twice as long.
 */
export function addLeaves(
  nodes: PackedNodes,
  roots: Int32Array,
  rows: DataView,
  width: number,
  { tree, row, next, count }: Walks,
  scale: number,
  sums: Float64Array,
): void {
  const nextTree = next === 'tree' ? 1 : 0;
  const nextRow = next === 'row' ? 1 : 0;
  const stride = width * nextRow;
  for (let i = 0; i < count; i += TOGETHER) {
    const first = tree + i * nextTree;
    const r = row + i * nextRow;
    const rowA = r * width;
    const rowB = rowA + stride;
    const rowC = rowB + stride;
    const rowD = rowC + stride;
    const rowE = rowD + stride;
    const rowF = rowE + stride;
    let a = NODE * (roots[first] as number);
    let b = NODE * (roots[first + nextTree] as number);
    let c = NODE * (roots[first + 2 * nextTree] as number);
    let d = NODE * (roots[first + 3 * nextTree] as number);
    let e = NODE * (roots[first + 4 * nextTree] as number);
    let f = NODE * (roots[first + 5 * nextTree] as number);
    for (;;) {
      const asksA = nodes.getInt32(a, true);
      const asksB = nodes.getInt32(b, true);
      const asksC = nodes.getInt32(c, true);
      const asksD = nodes.getInt32(d, true);
      const asksE = nodes.getInt32(e, true);
      const asksF = nodes.getInt32(f, true);
      if ((asksA & asksB & asksC & asksD & asksE & asksF & 1) === 1) break;
      const rightA = rows.getFloat64(rowA + (asksA >>> 2), true) > nodes.getFloat64(a + 8, true);
      const rightB = rows.getFloat64(rowB + (asksB >>> 2), true) > nodes.getFloat64(b + 8, true);
      const rightC = rows.getFloat64(rowC + (asksC >>> 2), true) > nodes.getFloat64(c + 8, true);
      const rightD = rows.getFloat64(rowD + (asksD >>> 2), true) > nodes.getFloat64(d + 8, true);
      const rightE = rows.getFloat64(rowE + (asksE >>> 2), true) > nodes.getFloat64(e + 8, true);
      const rightF = rows.getFloat64(rowF + (asksF >>> 2), true) > nodes.getFloat64(f + 8, true);
      a = nodes.getInt32(a + 4, true) + 16 * Number(rightA);
      b = nodes.getInt32(b + 4, true) + 16 * Number(rightB);
      c = nodes.getInt32(c + 4, true) + 16 * Number(rightC);
      d = nodes.getInt32(d + 4, true) + 16 * Number(rightD);
      e = nodes.getInt32(e + 4, true) + 16 * Number(rightE);
      f = nodes.getInt32(f + 4, true) + 16 * Number(rightF);
    }
    sums[r] = (sums[r] as number) + scale * nodes.getFloat64(a + 8, true);
    sums[r + nextRow] = (sums[r + nextRow] as number) + scale * nodes.getFloat64(b + 8, true);
    sums[r + 2 * nextRow] = (sums[r + 2 * nextRow] as number) + scale * nodes.getFloat64(c + 8, true);
    sums[r + 3 * nextRow] = (sums[r + 3 * nextRow] as number) + scale * nodes.getFloat64(d + 8, true);
    sums[r + 4 * nextRow] = (sums[r + 4 * nextRow] as number) + scale * nodes.getFloat64(e + 8, true);
    sums[r + 5 * nextRow] = (sums[r + 5 * nextRow] as number) + scale * nodes.getFloat64(f + 8, true);
  }
}
