// Sums of trees, equal to scikit-learn (n_jobs=None) to the last bit: rows rounded to float32, `<=` in float64, leaves
// added tree by tree in float64. Its answers change in the last bits with n_jobs above 1; these do not.
import { packByEngine } from './pack-engine.ts';
import { type Regressor, type Rows, refuseInfinite, refuseMissing, requireAnswers } from './regressor.ts';
import { makeRoom, type PackedNodes, packedNodes, packTree, type RawTree } from './tree.ts';
import { addLeaves, leafOf, TOGETHER, type Walks } from './walk.ts';
import { type Engine, GROUP, makeEngine } from './walk-engine.ts';

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
/** Rows that go through one tree together, so that the tree stays in the cache while their features do, too. */
export const MOST_ROWS: number = 6 * TOGETHER * GROUP;
/** Rows in one call from which on it pays to have the engine; then it is kept. */
const WORTHWHILE = 120;

/** Packed trees, and their engine once there were rows enough. */
interface Packed {
  readonly sum: Omit<TreeSum, 'trees'>;
  readonly nodes: PackedNodes;
  /** Where each tree begins, for each target: node numbers. */
  readonly roots: readonly Int32Array[];
  /** `null` where there is no room for one. */
  engine: Engine | null | undefined;
}

/** Returns the regressor. Throws `model.tree-*` for trees that are none. */
export function sumTrees({ trees, ...sum }: TreeSum): Regressor {
  const { name, version, features, outputs, acceptsMissing } = sum;
  const packing = makeRoom(trees, outputs);
  const { count } = packing;
  const starts = new Int32Array(trees.length);
  let start = 0;
  trees.forEach((tree, i) => {
    if (!packByEngine(tree, features, outputs, packing, start))
      packTree(tree, features, outputs, packing, start);
    starts[i] = start;
    start += tree.count;
  });
  const roots = Array.from({ length: outputs }, (_, output) => starts.map((first) => output * count + first));
  const packed: Packed = { sum, nodes: packedNodes(packing), roots, engine: undefined };
  return {
    name,
    version,
    features,
    outputs,
    trees: trees.length,
    nodes: count,
    acceptsMissing,
    answer: (rows) => requireAnswers(answer(packed, rows), outputs, rows.first),
  };
}

function answer(packed: Packed, rows: Rows): Float64Array {
  const { sum } = packed;
  const { features, outputs, divisor } = sum;
  const { count } = rows;
  const engine = engineFor(packed, count);
  // Rows that lack a value are left to JavaScript.
  const byEngine = engine !== undefined && !toSingles(rows, engine.rows, GROUP, sum);
  const singles = byEngine ? engine.rows : new DataView(new ArrayBuffer(NUMBER * (features + 1) * count));
  const missing = !byEngine && toSingles(rows, singles, 1, sum);
  const answers = new Float64Array(count * outputs);
  const sums = byEngine ? engine.sums : new Float64Array(count);
  for (const [output, roots] of packed.roots.entries()) {
    sums.fill(sum.start);
    if (byEngine) addByEngine(engine, roots, count, sum.scale);
    else addTrees(packed, roots, singles, count, missing, sums);
    for (let r = 0; r < count; r++) answers[r * outputs + output] = (sums[r] as number) / divisor;
  }
  return answers;
}

/** The engine, made when there are first rows enough for it; `undefined` while there are too few rows. */
function engineFor(packed: Packed, count: number): Engine | undefined {
  if (count < TOGETHER) return undefined;
  if (packed.engine === undefined) {
    if (count < WORTHWHILE) return undefined;
    packed.engine = makeEngine(packed.nodes, packed.sum.features + 1, MOST_ROWS) ?? null;
  }
  return count <= MOST_ROWS ? (packed.engine ?? undefined) : undefined;
}

/** Rows of a group that is not full are what the block held before: their sums are not read. */
function addByEngine(engine: Engine, roots: Int32Array, count: number, scale: number): void {
  const groups = Math.ceil(count / GROUP);
  for (const root of roots) engine.add(root, groups, scale);
}

/**
 * Rounds to float32, row by row or side by side in groups of `together`, each with NaN behind its features. Returns whether
 * a value is missing.
 */
function toSingles(
  { values, count, width, first }: Rows,
  into: DataView,
  together: number,
  { features, acceptsMissing }: Packed['sum'],
): boolean {
  let missing = false;
  const step = NUMBER * together;
  for (let r = 0; r < count; r++) {
    let at = NUMBER * (r % together) + step * (features + 1) * Math.floor(r / together);
    for (let f = 0; f < features; f++) {
      const single = Math.fround(values[r * width + f] as number);
      if (single === Number.POSITIVE_INFINITY || single === Number.NEGATIVE_INFINITY)
        refuseInfinite(first + r);
      if (Number.isNaN(single)) {
        if (!acceptsMissing) refuseMissing(first + r);
        missing = true;
      }
      into.setFloat64(at, single, true);
      at += step;
    }
    into.setFloat64(at, Number.NaN, true);
  }
  return missing;
}

function addTrees(
  { sum: { scale, features }, nodes }: Packed,
  roots: Int32Array,
  singles: DataView,
  count: number,
  missing: boolean,
  sums: Float64Array,
): void {
  const width = NUMBER * (features + 1);
  const rowsTogether = missing ? 0 : count - (count % TOGETHER);
  const treesTogether = missing ? 0 : roots.length - (roots.length % TOGETHER);
  const walk = (walks: Walks): void => addLeaves(nodes, roots, singles, width, walks, scale, sums);
  for (let tree = 0; tree < roots.length; tree++) walk({ tree, row: 0, next: 'row', count: rowsTogether });
  // What is left are single rows: there many trees go at once, and are still added in their order.
  for (let row = rowsTogether; row < count; row++) {
    walk({ tree: 0, row, next: 'tree', count: treesTogether });
    for (let tree = treesTogether; tree < roots.length; tree++) {
      const leaf = leafOf(nodes, roots[tree] as number, singles, row * width);
      sums[row] = (sums[row] as number) + scale * nodes.getFloat64(leaf + 8, true);
    }
  }
}
