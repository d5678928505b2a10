// Sums of trees, equal to scikit-learn (n_jobs=None) to the last bit: rows rounded to float32, `<=` in float64, leaves
// added tree by tree in float64. Its answers change in the last bits with n_jobs above 1; these do not.
import { type Regressor, type Rows, refuseInfinite, refuseMissing, requireAnswers } from './regressor.ts';
import { allocateNodes, type PackedNodes, packTree, type RawTree } from './tree.ts';
import { addLeaves, leafOf, TOGETHER } from './walk.ts';

/**
 * Trees before packing. A tree, a forest and boosting each predict `(start + scale * leaf + scale * leaf + ...) /
 * divisor`, in this order and in float64; that one formula is exact for all of them.
 */
export interface TreeSum {
  readonly name: string;
  readonly version: string;
  readonly features: number;
  readonly outputs: number;
  readonly trees: readonly RawTree[];
  readonly start: number;
  readonly scale: number;
  readonly divisor: number;
  readonly acceptsMissing: boolean;
}

/** Bytes of a number in a block. */
const NUMBER = 8;

/** Returns the regressor. Throws `model.tree-*` for trees that are none. */
export function sumTrees(sum: TreeSum): Regressor {
  const { name, version, features, outputs, trees, acceptsMissing } = sum;
  const total = trees.reduce((all, { count }) => all + count, 0);
  const nodes = allocateNodes(total, outputs);
  const roots = new Int32Array(trees.length);
  let start = 0;
  trees.forEach((tree, i) => {
    packTree(tree, features, outputs, nodes, start);
    roots[i] = start;
    start += tree.count;
  });
  return {
    name,
    version,
    features,
    outputs,
    trees: trees.length,
    nodes: total,
    acceptsMissing,
    answer: (rows) => answer(sum, nodes, roots, rows),
  };
}

function answer(sum: TreeSum, nodes: PackedNodes, roots: Int32Array, rows: Rows): Float64Array {
  const { outputs, divisor } = sum;
  const singles = new DataView(new ArrayBuffer(NUMBER * rows.values.length));
  const missing = toSingles(rows, singles, sum.acceptsMissing);
  const answers = new Float64Array(rows.count * outputs);
  const sums = outputs === 1 ? answers : new Float64Array(rows.count);
  const total = nodes.values.length / outputs;
  for (let output = 0; output < outputs; output++) {
    const values = outputs === 1 ? nodes.values : nodes.values.subarray(output * total, (output + 1) * total);
    sums.fill(sum.start);
    addTrees(sum.scale, { splits: nodes.splits, values }, roots, singles, rows, missing, sums);
    for (let r = 0; r < rows.count; r++) answers[r * outputs + output] = (sums[r] as number) / divisor;
  }
  return requireAnswers(answers, outputs, rows.first);
}

/** Rounds to float32 and returns whether a value is missing. */
function toSingles({ values, width, first }: Rows, into: DataView, acceptsMissing: boolean): boolean {
  let missing = false;
  for (let i = 0; i < values.length; i++) {
    const single = Math.fround(values[i] as number);
    if (single === Number.POSITIVE_INFINITY || single === Number.NEGATIVE_INFINITY)
      refuseInfinite(first + Math.floor(i / width));
    if (Number.isNaN(single)) {
      if (!acceptsMissing) refuseMissing(first + Math.floor(i / width));
      missing = true;
    }
    into.setFloat64(NUMBER * i, single, true);
  }
  return missing;
}

function addTrees(
  scale: number,
  nodes: PackedNodes,
  roots: Int32Array,
  singles: DataView,
  rows: Rows,
  missing: boolean,
  sums: Float64Array,
): void {
  const { count } = rows;
  const width = NUMBER * rows.width;
  const rowsTogether = missing ? 0 : count - (count % TOGETHER);
  const treesTogether = missing ? 0 : roots.length - (roots.length % TOGETHER);
  for (let tree = 0; tree < roots.length; tree++)
    addLeaves(nodes, roots, singles, width, { tree, row: 0, next: 'row', count: rowsTogether }, scale, sums);
  // What is left are single rows: there many trees go at once, and are still added in their order.
  for (let row = rowsTogether; row < count; row++) {
    addLeaves(
      nodes,
      roots,
      singles,
      width,
      { tree: 0, row, next: 'tree', count: treesTogether },
      scale,
      sums,
    );
    for (let tree = treesTogether; tree < roots.length; tree++) {
      const leaf = leafOf(nodes, roots[tree] as number, singles, row * width);
      sums[row] = (sums[row] as number) + scale * (nodes.values[leaf >>> 4] as number);
    }
  }
}
