// Histogram boosting, sklearn/ensemble/_hist_gradient_boosting: rows in float64 as they are, infinity and NaN included;
// y = 0.0 + baseline; for each iteration y += leaf. The learning rate is inside the leaves.
import { type ModelCode, ModelRefusal } from '../model-refusal.ts';
import { readArray } from '../numpy/array.ts';
import { numberAt } from '../numpy/scalar.ts';
import { List, type Made, type Value } from '../pickle/values.ts';
import { predictsDirectly } from '../state/boosting.ts';
import { HISTOGRAM, isPredictor, PREDICTOR } from '../state/histogram.ts';
import { readState, type State } from '../state/state.ts';
import type { Writer } from '../state/writer.ts';
import { featuresOf, openEstimator, ownArray, type Reading } from './reading.ts';
import { type Regressor, type Rows, requireAnswers } from './regressor.ts';

/** One tree, an array for each field. */
interface HistogramTree {
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** LEAF, or whether a missing value goes left. */
  readonly kind: Uint8Array;
  readonly value: Float64Array;
}
const MISSING_LEFT = 1;
const LEAF = 2;

/** Throws `model.unsupported` for what is not exact here: a link other than identity, and categories. */
export function readHistogram(boosting: Made, reading: Reading): Regressor {
  const { state, writer, inside } = openEstimator(boosting, HISTOGRAM, reading);
  const { name } = boosting.allowed;
  if (writer.minor < 2)
    state.unsupported('histogram boosting of 1.0 and 1.1, whose records are not known here');
  const predictors = state.fitted('_predictors');
  const features = featuresOf(state);
  if (!predictsDirectly(state.get('_loss')))
    state.unsupported('a log link (poisson, gamma): exp differs in its last bit from processor to processor');
  if (state.get('is_categorical_') !== null) state.unsupported('categorical features');
  if (state.count('n_trees_per_iteration_') !== 1) state.unsupported('more than one tree per iteration');
  const layout = layoutOf(writer);
  const stages = predictors instanceof List ? predictors.items : [];
  const trees = stages.map((stage) => readTree(stage, features, layout, state, inside));
  const baseline = readArray(state.get('_baseline_prediction'), boosting.offset);
  if (baseline.layout !== 'f8' || baseline.shape.some((side) => side !== 1))
    state.refuse('it starts from other than one float64');
  const start = 0 + numberAt(baseline.bytes, 'f8', 0);
  return {
    name,
    version: writer.version,
    features,
    outputs: 1,
    trees: trees.length,
    nodes: trees.reduce((sum, { value }) => sum + value.length, 0),
    acceptsMissing: true,
    answer: (rows) => answer(trees, start, rows),
  };
}

/** 1.4 is known to write the wide feature and 1.2 not to; 1.3 may do either. */
function layoutOf({ minor }: Writer): 'histogram52' | 'histogram56' | undefined {
  if (minor < 3) return 'histogram52';
  return minor > 3 ? 'histogram56' : undefined;
}

function readTree(
  stage: Value,
  features: number,
  expected: 'histogram52' | 'histogram56' | undefined,
  state: State,
  reading: Reading,
): HistogramTree {
  const [predictor] = stage instanceof List && stage.items.length === 1 ? stage.items : [];
  if (predictor === undefined || !isPredictor(predictor)) state.refuse('an iteration of other than one tree');
  const { offset } = predictor;
  const nodes = readArray(readState(predictor, PREDICTOR).get('nodes'), offset);
  ownArray(reading, nodes, offset);
  const { layout, shape, bytes } = nodes;
  const count = shape[0] ?? 0;
  if (layout !== 'histogram52' && layout !== 'histogram56') state.refuse('nodes in another layout');
  if (expected !== undefined && layout !== expected)
    state.disagree('nodes of another scikit-learn than the model');
  if (shape.length !== 1 || count === 0) state.refuse('a tree without nodes');
  return unpack(bytes, count, layout, features, offset);
}

/** Copies and checks every node: each but the root is the child of one before it. */
function unpack(
  bytes: Uint8Array,
  count: number,
  layout: 'histogram52' | 'histogram56',
  features: number,
  offset: number,
): HistogramTree {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const wide = layout === 'histogram56';
  const size = wide ? 56 : 52;
  // The wide feature moves what follows by four bytes.
  const shift = wide ? 4 : 0;
  const tree: HistogramTree = {
    feature: new Int32Array(count),
    threshold: new Float64Array(count),
    left: new Int32Array(count),
    right: new Int32Array(count),
    kind: new Uint8Array(count),
    value: new Float64Array(count),
  };
  const refuse = (code: ModelCode, why: string, node: number): never => {
    throw new ModelRefusal(code, `node ${node} of a tree ${why}`, offset);
  };
  const reached = new Uint8Array(count);
  reached[0] = 1;
  for (let node = 0; node < count; node++) {
    const at = node * size;
    if (reached[node] === 0) refuse('model.tree-child', 'is the child of no node', node);
    const leaf = view.getUint8(at + 45 + shift);
    if (leaf > 1) refuse('model.tree-leaf', 'is neither a leaf nor a split', node);
    const value = view.getFloat64(at, true);
    if (leaf === 1) {
      if (!Number.isFinite(value)) refuse('model.tree-value', 'has a value that is not finite', node);
      tree.value[node] = value;
      tree.kind[node] = LEAF;
      continue;
    }
    const feature = wide ? Number(view.getBigInt64(at + 12, true)) : view.getUint32(at + 12, true);
    const threshold = view.getFloat64(at + 16 + shift, true);
    const missing = view.getUint8(at + 24 + shift);
    const left = view.getUint32(at + 25 + shift, true);
    const right = view.getUint32(at + 29 + shift, true);
    if (view.getUint8(at + 47 + shift) !== 0) refuse('model.unsupported', 'splits by category', node);
    if (!(feature >= 0 && feature < features))
      refuse('model.tree-feature', 'splits on a feature that the model does not have', node);
    if (Number.isNaN(threshold)) refuse('model.tree-threshold', 'has no threshold', node);
    if (missing > 1) refuse('model.tree-missing-flag', 'has a missing-value flag other than 0 or 1', node);
    const inside = left > node && left < count && right > node && right < count && left !== right;
    if (!inside || reached[left] !== 0 || reached[right] !== 0)
      refuse('model.tree-child', 'has children out of order, out of range, or of another node', node);
    reached[left] = 1;
    reached[right] = 1;
    tree.feature[node] = feature;
    tree.threshold[node] = threshold;
    tree.left[node] = left;
    tree.right[node] = right;
    tree.kind[node] = missing === 1 ? MISSING_LEFT : 0;
  }
  return tree;
}

function answer(trees: readonly HistogramTree[], start: number, rows: Rows): Float64Array {
  const sums = new Float64Array(rows.count).fill(start);
  for (const tree of trees)
    for (let r = 0; r < rows.count; r++)
      sums[r] = (sums[r] as number) + leafOf(tree, rows.values, r * rows.width);
  return requireAnswers(sums, 1, rows.first);
}

function leafOf(
  { feature, threshold, left, right, kind, value }: HistogramTree,
  values: Float64Array,
  row: number,
): number {
  let node = 0;
  while (kind[node] !== LEAF) {
    const x = values[row + (feature[node] as number)] as number;
    const goesLeft = Number.isNaN(x) ? kind[node] === MISSING_LEFT : x <= (threshold[node] as number);
    node = (goesLeft ? left[node] : right[node]) as number;
  }
  return value[node] as number;
}
