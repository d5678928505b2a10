// Prediction, equal to scikit-learn (n_jobs=None) to the last bit: rows rounded to float32, `<=` in float64, leaves
// added tree by tree in float64. Its answers change in the last bits with n_jobs above 1; these do not.
import { ModelRefusal } from './refusal.ts';
import type { PackedNodes } from './tree.ts';
import { addLeaves, leafOf, TOGETHER } from './walk.ts';

/** All that prediction reads. See {@link PackedNodes} for the nodes and `RawModel` for the formula. */
export interface Predictor {
  readonly nodes: PackedNodes;
  /** Each tree's root, in order. */
  readonly roots: Int32Array;
  readonly features: number;
  readonly start: number;
  readonly scale: number;
  readonly divisor: number;
  readonly acceptsMissing: boolean;
}

/** Rows that go through one tree together, so that the tree stays in the cache while their features do, too. */
const BLOCK = 42 * TOGETHER;
/** Bytes of a number in a block. */
const NUMBER = 8;

/**
 * Returns one number per row. Each row is `features` numbers; NaN stands for a missing value where the estimator
 * takes one. Throws `model.no-rows`, `model.row-width`, `model.row-value`, `model.row-missing`, `model.row-infinite`
 * where scikit-learn raises ValueError, and `model.prediction-not-finite` where it would silently return infinity.
 */
export function predict(predictor: Predictor, rows: readonly (readonly number[])[]): number[] {
  if (rows.length === 0) throw new ModelRefusal('model.no-rows', 'there is no row to predict from');
  const { features } = predictor;
  const answers: number[] = [];
  const size = Math.min(BLOCK, rows.length);
  const block = new DataView(new ArrayBuffer(NUMBER * size * features));
  const sums = new Float64Array(size);
  for (let first = 0; first < rows.length; first += BLOCK) {
    const count = Math.min(BLOCK, rows.length - first);
    let missing = false;
    for (let r = 0; r < count; r++)
      missing = readRow(rows[first + r], first + r, block, NUMBER * r * features, predictor) || missing;
    predictBlock(predictor, block, count, missing, sums);
    for (let r = 0; r < count; r++) {
      const answer = (sums[r] ?? Number.NaN) / predictor.divisor;
      if (!Number.isFinite(answer))
        throw new ModelRefusal(
          'model.prediction-not-finite',
          `the prediction for row ${first + r} is not finite`,
        );
      answers.push(answer);
    }
  }
  return answers;
}

/** Copies a row as float32 values and returns whether one is missing. */
function readRow(
  row: readonly number[] | undefined,
  index: number,
  into: DataView,
  at: number,
  { features, acceptsMissing }: Predictor,
): boolean {
  if (!Array.isArray(row) || row.length !== features)
    throw new ModelRefusal('model.row-width', `row ${index} does not hold ${features} numbers`);
  let missing = false;
  for (let f = 0; f < features; f++) {
    const value: unknown = row[f];
    if (typeof value !== 'number')
      throw new ModelRefusal('model.row-value', `row ${index} holds something that is not a number`);
    const single = Math.fround(value);
    if (single === Number.POSITIVE_INFINITY || single === Number.NEGATIVE_INFINITY)
      throw new ModelRefusal('model.row-infinite', `row ${index} holds a number too large for float32`);
    if (Number.isNaN(single)) {
      if (!acceptsMissing)
        throw new ModelRefusal(
          'model.row-missing',
          `row ${index} lacks a value, which this model cannot take`,
        );
      missing = true;
    }
    into.setFloat64(at + NUMBER * f, single, true);
  }
  return missing;
}

function predictBlock(
  { nodes, roots, features, start, scale }: Predictor,
  block: DataView,
  count: number,
  missing: boolean,
  sums: Float64Array,
): void {
  const width = NUMBER * features;
  const rowsTogether = missing ? 0 : count - (count % TOGETHER);
  const treesTogether = missing ? 0 : roots.length - (roots.length % TOGETHER);
  sums.fill(start, 0, count);
  for (let tree = 0; tree < roots.length; tree++)
    addLeaves(nodes, roots, block, width, { tree, row: 0, next: 'row', count: rowsTogether }, scale, sums);
  // What is left are single rows: there many trees go at once, and are still added in their order.
  for (let row = rowsTogether; row < count; row++) {
    addLeaves(nodes, roots, block, width, { tree: 0, row, next: 'tree', count: treesTogether }, scale, sums);
    for (let tree = treesTogether; tree < roots.length; tree++) {
      const leaf = leafOf(nodes, roots[tree] as number, block, row * width);
      sums[row] = (sums[row] as number) + scale * (nodes.values[leaf >>> 4] as number);
    }
  }
}
