// Trees, forests and gradient boosting: from an estimator's state to a sum of trees. Every way in which two parts of a
// model could contradict each other is refused before the model exists.
import { readArray } from '../numpy/array.ts';
import { numberAt, readNumber, readScalar, readWhole } from '../numpy/scalar.ts';
import { isMade, List, Made, type Value } from '../pickle/values.ts';
import { BOOSTING, DUMMY, isDummy, isNewLoss } from '../state/boosting.ts';
import { readState, type State } from '../state/state.ts';
import { FOREST, TREE } from '../state/trees.ts';
import { VERSION_KEY, type Writer } from '../state/writer.ts';
import { featuresOf, openEstimator, outputsOf, ownArray, type Reading } from './reading.ts';
import type { Regressor } from './regressor.ts';
import { type RawTree, readTree } from './tree.ts';
import { sumTrees } from './tree-sum.ts';

interface OneTree {
  readonly version: string;
  readonly features: number;
  readonly outputs: number;
  readonly raw: RawTree;
  readonly acceptsMissing: boolean;
}

const MISSING_CRITERIA: ReadonlySet<Value | undefined> = new Set([
  'squared_error',
  'friedman_mse',
  'poisson',
]);

/** sklearn/tree/_classes.py: the tags and checks that decide whether predict takes NaN, version by version. */
function takesMissing({ name }: Made['allowed'], state: State, { minor }: Writer): boolean {
  const splitter = state.get('splitter');
  if (minor < 3) return false;
  if (minor === 9) return name === 'DecisionTreeRegressor' || splitter === 'random';
  const free =
    MISSING_CRITERIA.has(state.get('criterion')) && (minor === 3 || state.get('monotonic_cst') === null);
  return free && (splitter === 'best' || minor >= 6);
}

/** From 1.3 on fit refuses a fraction in float32, so no such file is written. */
function requireMaxFeatures(state: State, { minor }: Writer): void {
  if (minor >= 3 && readScalar(state.find('max_features'))?.layout === 'f4')
    state.refuse('max_features is a float32, which this version refuses to fit with');
}

function openTree(estimator: Made, reading: Reading): OneTree {
  const { state, writer, inside } = openEstimator(estimator, TREE, reading);
  requireMaxFeatures(state, writer);
  const features = featuresOf(state);
  const tree = state.fitted('tree_');
  const outputs = outputsOf(state);
  if (!(tree instanceof Made)) return state.refuse('tree_ is not a tree');
  const raw = readTree(tree, features, outputs);
  ownArray(inside, raw.nodes, raw.offset);
  ownArray(inside, raw.values, raw.offset);
  // 1.3 gave the node record its last field; either side of that refuses the other's files.
  if ((raw.nodes.layout === 'node56') !== writer.minor < 3)
    state.disagree('nodes of another scikit-learn than the model');
  return {
    version: writer.version,
    features,
    outputs,
    raw,
    acceptsMissing: takesMissing(estimator.allowed, state, writer),
  };
}

export function readSingle(estimator: Made, reading: Reading): Regressor {
  const { version, features, outputs, raw, acceptsMissing } = openTree(estimator, reading);
  const { name } = estimator.allowed;
  // A lone tree answers with its leaf as it is: -0 + leaf keeps even a negative zero.
  return sumTrees({
    name,
    version,
    features,
    outputs,
    trees: [raw],
    start: -0,
    scale: 1,
    divisor: 1,
    acceptsMissing,
  });
}

interface Trees {
  readonly features: number;
  readonly outputs: number;
  readonly className: string;
}

function readTrees(values: readonly Value[], state: State, whole: Trees, reading: Reading): OneTree[] {
  return values.map((value) => {
    if (!isMade(value, 'sklearn.tree._classes', whole.className))
      state.refuse('estimators_ holds something other than its trees');
    const tree = openTree(value, reading);
    if (tree.features !== whole.features || tree.outputs !== whole.outputs)
      state.disagree('a tree of another width or number of targets');
    return tree;
  });
}

/** sklearn/ensemble/_forest.py: y = 0.0; for each tree y += leaf; y /= number of trees. */
export function readForest(forest: Made, reading: Reading): Regressor {
  const { name } = forest.allowed;
  const { state, writer, inside } = openEstimator(forest, FOREST, reading);
  requireMaxFeatures(state, writer);
  const members = state.fitted('estimators_');
  const className = name === 'ExtraTreesRegressor' ? 'ExtraTreeRegressor' : 'DecisionTreeRegressor';
  const whole = { features: featuresOf(state), outputs: outputsOf(state), className };
  requirePrintable(state, writer);
  const trees = readTrees(members instanceof List ? members.items : [], state, whole, inside);
  if (state.count('n_estimators') !== trees.length) state.disagree('n_estimators is not the number of trees');
  const { features, outputs } = whole;
  return sumTrees({
    name,
    version: writer.version,
    features,
    outputs,
    trees: trees.map(({ raw }) => raw),
    start: 0,
    scale: 1,
    divisor: trees.length,
    // 1.3 forests refuse NaN though their trees would take it; 1.4 asks the first tree.
    acceptsMissing: writer.minor >= 4 && trees[0]?.acceptsMissing === true,
  });
}

/** What predict hands to joblib. Up to 1.2 joblib's progress divides by a negative verbosity, and predict fails. */
export function requirePrintable(state: State, { minor }: Writer): void {
  state.get('n_jobs'); // not used here, but predict fails without
  const verbose = readWhole(state.get('verbose')) ?? 0;
  if (minor <= 2 && verbose < 0) state.refuse('verbose is negative, with which this version cannot predict');
}

/** sklearn/ensemble/_gb.py: y = init; for each stage y += learning_rate * leaf. It never takes NaN. */
export function readBoosting(boosting: Made, reading: Reading): Regressor {
  const { offset } = boosting;
  const { name } = boosting.allowed;
  const { state, writer, inside } = openEstimator(boosting, BOOSTING, reading);
  const members = state.fitted('estimators_');
  const features = featuresOf(state);
  const stages = readArray(members, offset);
  if (stages.layout !== 'O8' || stages.shape.length !== 2 || stages.shape[1] !== 1)
    state.unsupported('more than one tree per stage');
  const whole = { features, outputs: 1, className: 'DecisionTreeRegressor' };
  const trees = readTrees(stages.objects, state, whole, inside);
  if (trees.length === 0 || state.count('n_estimators_') !== trees.length)
    state.disagree('n_estimators_ is not the number of stages');
  requireLoss(state, writer);
  const scale = readNumber(state.get('learning_rate'));
  const start = readStart(state, writer);
  if (scale === undefined || !Number.isFinite(scale) || !Number.isFinite(start))
    return state.refuse('it starts from or goes by a number that is not finite');
  return sumTrees({
    name,
    version: writer.version,
    features,
    outputs: 1,
    trees: trees.map(({ raw }) => raw),
    start,
    scale,
    divisor: 1,
    acceptsMissing: false,
  });
}

/** Its kind was checked: the start goes through it unchanged. 1.4 has other losses, and shapes the start by a count. */
function requireLoss(state: State, { minor }: Writer): void {
  const loss = minor === 0 ? (state.find('_loss') ?? state.get('loss_')) : state.get('_loss');
  if (isNewLoss(loss) !== minor >= 4) state.disagree('a loss of another scikit-learn than the model');
  if (minor >= 4) state.get('n_trees_per_iteration_');
}

/** Returns the constant that boosting starts from. */
function readStart(boosting: State, { version }: Writer): number {
  const init = boosting.get('init_');
  if (init === 'zero') return 0;
  const name = init instanceof Made ? init.allowed.name : undefined;
  if (name === undefined) return boosting.refuse('it starts from nothing');
  if (!isDummy(init)) return boosting.unsupported(`it starts from ${name} and not from a constant`);
  const state = readState(init, DUMMY);
  if (state.get(VERSION_KEY) !== version) boosting.disagree('a start of another version');
  if (state.count('n_outputs_') !== 1) boosting.disagree('a start for more than one target');
  const { bytes, layout, shape } = readArray(state.get('constant_'), init.offset);
  if (shape.some((side) => side !== 1) || (layout !== 'f8' && layout !== 'i8'))
    boosting.refuse('it starts from other than one float64 or int64');
  return numberAt(bytes, layout, 0);
}
