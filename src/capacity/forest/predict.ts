// Prediction, equal to scikit-learn (n_jobs=None) to the last bit: rows rounded to float32, `<=` in float64, leaves
// added tree by tree in float64. Its answers change in the last bits with n_jobs above 1; these do not.
import { ModelRefusal } from './refusal.ts';
import type { PackedNodes } from './tree.ts';
import { fourLeaves, leafOf } from './walk.ts';

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
const BLOCK = 256;

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
  const block = new Float64Array(size * features);
  const sums = new Float64Array(size);
  for (let first = 0; first < rows.length; first += BLOCK) {
    const count = Math.min(BLOCK, rows.length - first);
    let missing = false;
    for (let r = 0; r < count; r++)
      missing = readRow(rows[first + r], first + r, block, r * features, predictor) || missing;
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
  into: Float64Array,
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
    into[at + f] = single;
  }
  return missing;
}

function predictBlock(
  { nodes, roots, features, start, scale }: Predictor,
  block: Float64Array,
  count: number,
  missing: boolean,
  sums: Float64Array,
): void {
  const leaves = new Int32Array(4);
  const add = (r: number, leaf: number): void => {
    sums[r] = (sums[r] as number) + scale * (nodes.values[leaf] as number);
  };
  const rowsAtOnce = missing ? 0 : count - (count % 4);
  const treesAtOnce = missing ? 0 : roots.length - (roots.length % 4);
  sums.fill(start, 0, count);
  for (const root of roots) {
    for (let r = 0; r < rowsAtOnce; r += 4) {
      const [a, b, c, d] = [r * features, (r + 1) * features, (r + 2) * features, (r + 3) * features];
      fourLeaves(nodes, block, leaves, root, a, root, b, root, c, root, d);
      for (let i = 0; i < 4; i++) add(r + i, leaves[i] as number);
    }
  }
  // What is left are single rows: there four trees go at once, and are still added in their order.
  for (let r = rowsAtOnce; r < count; r++) {
    const row = r * features;
    for (let t = 0; t < treesAtOnce; t += 4) {
      const [a, b, c, d] = [roots[t] ?? 0, roots[t + 1] ?? 0, roots[t + 2] ?? 0, roots[t + 3] ?? 0];
      fourLeaves(nodes, block, leaves, a, row, b, row, c, row, d, row);
      for (let i = 0; i < 4; i++) add(r, leaves[i] as number);
    }
    for (let t = treesAtOnce; t < roots.length; t++) add(r, leafOf(nodes, roots[t] as number, block, row));
  }
}
