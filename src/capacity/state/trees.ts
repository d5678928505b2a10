// Which keys the state of a tree or forest may hold, in scikit-learn 1.0 to 1.9. Keys that predict does not read are
// listed too, with the kind of value they hold: what nobody listed, nobody has thought about.
import { isMade, type Made, type Value } from '../pickle/values.ts';
import {
  array,
  jobs,
  list,
  names,
  none,
  number,
  optional,
  perFeature,
  setting,
  text,
  texts,
  verbosity,
  whole,
} from './kinds.ts';
import { randomness } from './randomness.ts';
import { type Kind, readState, type StateList } from './state.ts';
import { VERSION_KEY } from './writer.ts';

/** Constructor arguments that trees, forests and boosting share. */
export const GROWING: readonly (readonly [string, Kind])[] = [
  ['criterion', text],
  ['max_depth', setting],
  ['min_samples_split', number],
  ['min_samples_leaf', number],
  ['min_weight_fraction_leaf', number],
  ['max_features', setting],
  ['max_leaf_nodes', setting],
  ['random_state', randomness],
  ['min_impurity_decrease', number],
  ['ccp_alpha', number],
];

/** What every fitted estimator has. `n_features_` is what 1.0 and 1.1 called the same number. */
export const FITTED: readonly (readonly [string, Kind])[] = [
  ['n_features_in_', number],
  ['feature_names_in_', names],
  [VERSION_KEY, text],
];

export const TREE: StateList = new Map([
  ...GROWING,
  ...FITTED,
  ['splitter', text],
  ['class_weight', none],
  ['monotonic_cst', perFeature],
  ['n_features_', number],
  ['n_outputs_', number],
  ['max_features_', number],
  ['tree_', (value) => isMade(value, 'sklearn.tree._tree', 'Tree')],
]);

/** What `Tree` itself holds, by sklearn/tree/_tree.pyx. No Tree comes to life without all four. */
export const TREE_OBJECT: StateList = new Map([
  ['max_depth', whole],
  ['node_count', whole],
  ['nodes', array],
  ['values', array],
]);

export function isTreeEstimator(value: Value | undefined): value is Made {
  return (
    isMade(value, 'sklearn.tree._classes', 'DecisionTreeRegressor') ||
    isMade(value, 'sklearn.tree._classes', 'ExtraTreeRegressor')
  );
}

/** The unfitted tree that a forest keeps as a pattern; up to 1.3 there may be a word instead. */
const template: Kind = (value) => {
  if (!isTreeEstimator(value)) return value === null || value === 'deprecated';
  return !readState(value, TREE).has('tree_');
};

export const FOREST: StateList = new Map([
  ...GROWING,
  ...FITTED,
  ['estimator', template],
  ['base_estimator', template],
  ['estimator_', template],
  ['base_estimator_', template],
  ['_estimator', template],
  ['estimator_params', texts],
  ['n_estimators', number],
  ['bootstrap', setting],
  ['oob_score', setting],
  ['n_jobs', jobs],
  ['verbose', verbosity],
  ['warm_start', setting],
  ['class_weight', none],
  ['max_samples', setting],
  ['monotonic_cst', perFeature],
  ['n_features_', number],
  ['n_outputs_', number],
  ['_n_samples', number],
  ['_n_samples_bootstrap', setting],
  ['_sample_weight', optional(array)],
  ['oob_score_', number],
  ['oob_prediction_', array],
  ['estimators_', list],
]);
