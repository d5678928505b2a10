// From an estimator's state to what predict needs. Five regressors, and every way in which two parts of a model could
// contradict each other is refused before the model exists.
import { isMade, List, Made, type Value } from '../pickle/values.ts';
import { numberFrom, readArray, readNumber } from './ndarray.ts';
import { ModelRefusal } from './refusal.ts';
import { readState, type State } from './state.ts';
import { BOOSTING, DUMMY, FOREST, isDummy, isTreeEstimator, TREE } from './state-lists.ts';
import { type RawTree, readTree } from './tree.ts';

/**
 * A model before packing. Each of the five predicts `(start + scale * leaf + scale * leaf + ...) / divisor`, in this
 * order and in float64; that one formula is exact for all of them.
 */
export interface RawModel {
  readonly estimator: string;
  readonly sklearnVersion: string;
  readonly features: number;
  readonly trees: readonly RawTree[];
  readonly start: number;
  readonly scale: number;
  readonly divisor: number;
  /** Whether this scikit-learn predicts from NaN with this estimator. */
  readonly acceptsMissing: boolean;
}

const VERSION = /^1\.([234])\.[0-9]{1,2}(?:\.post[0-9]{1,2})?$/;
/** No capacity table comes near, and predict sets aside room for a block of rows of this width. */
const MOST_FEATURES = 10_000;

interface Common {
  readonly version: string;
  /** 2, 3 or 4. */
  readonly minor: number;
  readonly features: number;
}

function readCommon(state: State, { offset }: Made): Common {
  const version = state.get('_sklearn_version');
  const minor = typeof version === 'string' ? VERSION.exec(version)?.[1] : undefined;
  if (typeof version !== 'string' || minor === undefined)
    throw new ModelRefusal('model.version', 'written by another scikit-learn than 1.2 to 1.4', offset);
  const features = state.count('n_features_in_');
  if (features > MOST_FEATURES) throw new ModelRefusal('model.unsupported', 'too many features', offset);
  return { version, minor: Number(minor), features };
}

interface OneTree {
  readonly common: Common;
  readonly raw: RawTree;
  /** sklearn/tree/_classes.py: the tags and checks that decide whether predict takes NaN, from 1.3 on. */
  readonly acceptsMissing: boolean;
}

const MISSING_CRITERIA: ReadonlySet<Value | undefined> = new Set([
  'squared_error',
  'friedman_mse',
  'poisson',
]);

function readTreeEstimator(estimator: Made, whole?: Common): OneTree {
  const { offset } = estimator;
  const state = readState(estimator, TREE);
  const common = readCommon(state, estimator);
  if (whole !== undefined && (common.version !== whole.version || common.features !== whole.features))
    throw new ModelRefusal(
      'model.parts-disagree',
      'a tree of another version or width than its model',
      offset,
    );
  requireOneOutput(state, estimator);
  const tree = state.get('tree_');
  if (!(tree instanceof Made)) throw new ModelRefusal('model.state-value', 'tree_ is not a tree', offset);
  const raw = readTree(tree, common.features);
  // 1.3 gave the node record its last field; either side of that refuses the other's files.
  if ((raw.nodes.layout === 'V56') !== (common.minor === 2))
    throw new ModelRefusal('model.parts-disagree', 'nodes of another scikit-learn than the model', offset);
  const acceptsMissing =
    common.minor >= 3 &&
    state.get('splitter') === 'best' &&
    MISSING_CRITERIA.has(state.get('criterion')) &&
    (common.minor === 3 || state.get('monotonic_cst') === null);
  return { common, raw, acceptsMissing };
}

function requireOneOutput(state: State, { offset }: Made): void {
  if (state.count('n_outputs_') !== 1)
    throw new ModelRefusal('model.unsupported', 'a model with more than one target', offset);
}

function nameOf(
  estimator: Made,
  { version, features }: Common,
): Pick<RawModel, 'estimator' | 'sklearnVersion' | 'features'> {
  return { estimator: estimator.allowed.name, sklearnVersion: version, features };
}

function readSingle(estimator: Made): RawModel {
  const { common, raw, acceptsMissing } = readTreeEstimator(estimator);
  // A lone tree answers with its leaf as it is: -0 + leaf keeps even a negative zero.
  return { ...nameOf(estimator, common), trees: [raw], start: -0, scale: 1, divisor: 1, acceptsMissing };
}

function readTrees(values: readonly Value[], owner: Made, common: Common, className: string): OneTree[] {
  // Two bytes of memo reference could name one tree again and again; no fitted model holds a tree twice.
  if (new Set(values).size !== values.length)
    throw new ModelRefusal('model.shared', 'a model holds one tree twice', owner.offset);
  return values.map((value) => {
    if (!isMade(value, 'sklearn.tree._classes', className))
      throw new ModelRefusal(
        'model.state-value',
        'estimators_ holds something other than its trees',
        owner.offset,
      );
    return readTreeEstimator(value, common);
  });
}

/** sklearn/ensemble/_forest.py: y = 0.0; for each tree y += leaf; y /= number of trees. */
function readForest(forest: Made, className: string): RawModel {
  const state = readState(forest, FOREST);
  const common = readCommon(state, forest);
  requireOneOutput(state, forest);
  for (const key of ['n_jobs', 'verbose']) state.get(key); // not used here, but predict fails without them
  const members = state.get('estimators_');
  const trees = readTrees(members instanceof List ? members.items : [], forest, common, className);
  if (state.count('n_estimators') !== trees.length)
    throw new ModelRefusal('model.parts-disagree', 'n_estimators is not the number of trees', forest.offset);
  return {
    ...nameOf(forest, common),
    trees: trees.map(({ raw }) => raw),
    start: 0,
    scale: 1,
    divisor: trees.length,
    // 1.3 forests refuse NaN though their trees would take it; 1.4 asks the first tree.
    acceptsMissing: common.minor >= 4 && trees[0]?.acceptsMissing === true,
  };
}

/** sklearn/ensemble/_gb.py: y = init; for each stage y += learning_rate * leaf. It never takes NaN. */
function readBoosting(boosting: Made): RawModel {
  const { offset } = boosting;
  const state = readState(boosting, BOOSTING);
  const common = readCommon(state, boosting);
  const stages = readArray(state.get('estimators_'), offset);
  if (stages.layout !== 'O8' || stages.shape.length !== 2 || stages.shape[1] !== 1)
    throw new ModelRefusal('model.unsupported', 'a model with more than one tree per stage', offset);
  const trees = readTrees(stages.objects, boosting, common, 'DecisionTreeRegressor');
  if (state.count('n_estimators_') !== trees.length)
    throw new ModelRefusal('model.parts-disagree', 'n_estimators_ is not the number of stages', offset);
  // Its kind was checked: the start goes through it unchanged. 1.4 has other losses, and shapes the start by this count.
  const loss = state.get('_loss');
  if ((loss instanceof Made && loss.allowed.module === 'sklearn._loss.loss') !== common.minor >= 4)
    throw new ModelRefusal('model.parts-disagree', 'a loss of another scikit-learn than the model', offset);
  if (common.minor >= 4) state.get('n_trees_per_iteration_');
  const scale = readNumber(state.get('learning_rate'));
  const start = readStart(state.get('init_'), common);
  if (scale === undefined || !Number.isFinite(scale) || start === undefined || !Number.isFinite(start))
    throw new ModelRefusal('model.state-value', 'boosting from or by a number that is not finite', offset);
  return {
    ...nameOf(boosting, common),
    trees: trees.map(({ raw }) => raw),
    start,
    scale,
    divisor: 1,
    acceptsMissing: false,
  };
}

/** Returns the constant that boosting starts from; `undefined` when it is not one float64 or int64. */
function readStart(init: Value, { version }: Common): number | undefined {
  if (init === 'zero') return 0;
  if (!isDummy(init)) return undefined;
  const state = readState(init, DUMMY);
  if (state.get('_sklearn_version') !== version)
    throw new ModelRefusal('model.parts-disagree', 'a start of another version than its model', init.offset);
  requireOneOutput(state, init);
  const { bytes, layout } = readArray(state.get('constant_'), init.offset);
  return numberFrom(bytes, layout);
}

/** Returns what predict needs of the decoded value. Throws {@link ModelRefusal}. */
export function readModel(value: Value): RawModel {
  if (isTreeEstimator(value)) return readSingle(value);
  if (isMade(value, 'sklearn.ensemble._forest', 'RandomForestRegressor'))
    return readForest(value, 'DecisionTreeRegressor');
  if (isMade(value, 'sklearn.ensemble._forest', 'ExtraTreesRegressor'))
    return readForest(value, 'ExtraTreeRegressor');
  if (isMade(value, 'sklearn.ensemble._gb', 'GradientBoostingRegressor')) return readBoosting(value);
  throw new ModelRefusal(
    'model.not-an-estimator',
    'the file holds no regressor',
    value instanceof Made ? value.offset : 0,
  );
}
