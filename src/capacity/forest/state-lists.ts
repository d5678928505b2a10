// Which keys each estimator's state may hold, from scikit-learn 1.2 to 1.4. Keys that predict does not read are listed
// too, with the kind of value they hold: what nobody listed, nobody has thought about.
import { isMade, Made, type Value } from '../pickle/values.ts';
import { isArray } from './ndarray.ts';
import { randomness } from './randomness.ts';
import {
  array,
  flag,
  jobs,
  type Kind,
  list,
  names,
  none,
  number,
  numberOrArray,
  perFeature,
  readState,
  type StateList,
  setting,
  text,
  texts,
  whole,
} from './state.ts';

/** Constructor arguments that every estimator here shares. */
const GROWING: readonly (readonly [string, Kind])[] = [
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

const FITTED: readonly (readonly [string, Kind])[] = [
  ['n_features_in_', number],
  ['feature_names_in_', names],
  ['_sklearn_version', text],
];

export const TREE: StateList = new Map([
  ...GROWING,
  ...FITTED,
  ['splitter', text],
  ['class_weight', none],
  ['monotonic_cst', perFeature],
  ['n_outputs_', number],
  ['max_features_', number],
  ['tree_', (value) => isMade(value, 'sklearn.tree._tree', 'Tree')],
]);

export function isTreeEstimator(value: Value | undefined): value is Made {
  return (
    isMade(value, 'sklearn.tree._classes', 'DecisionTreeRegressor') ||
    isMade(value, 'sklearn.tree._classes', 'ExtraTreeRegressor')
  );
}

/** The unfitted tree that a forest keeps as a pattern; 1.2 and 1.3 may write a word instead. */
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
  ['_estimator', template],
  ['estimator_params', texts],
  ['n_estimators', number],
  ['bootstrap', setting],
  ['oob_score', setting],
  ['n_jobs', jobs],
  ['verbose', (value) => flag(value) || whole(value)],
  ['warm_start', setting],
  ['class_weight', none],
  ['max_samples', setting],
  ['monotonic_cst', perFeature],
  ['n_outputs_', number],
  ['_n_samples', number],
  ['_n_samples_bootstrap', setting],
  ['oob_score_', number],
  ['oob_prediction_', array],
  ['estimators_', list],
]);

const INTERVAL: StateList = new Map([
  ['low', number],
  ['high', number],
  ['low_inclusive', flag],
  ['high_inclusive', flag],
]);
const interval: Kind = (value) =>
  isMade(value, 'sklearn._loss.link', 'Interval') && readState(value, INTERVAL).has('low');

/** sklearn/_loss/loss.py, from 1.4 on. The start goes through the link, so a link other than identity is refused. */
const LOSS: StateList = new Map<string, Kind>([
  ['closs', (value) => value instanceof Made && value.allowed.module === 'sklearn._loss._loss'],
  ['link', (value) => isMade(value, 'sklearn._loss.link', 'IdentityLink')],
  ['approx_hessian', flag],
  ['constant_hessian', flag],
  ['n_classes', none],
  ['interval_y_true', interval],
  ['interval_y_pred', interval],
  ['quantile', number],
]);

/** sklearn/ensemble/_gb_losses.py, up to 1.3. */
const OLD_LOSS: StateList = new Map([
  ['K', (value) => value === 1],
  ['alpha', number],
  ['gamma', number],
  ['percentile', number],
]);

const loss: Kind = (value) => {
  if (!(value instanceof Made)) return false;
  if (value.allowed.module === 'sklearn.ensemble._gb_losses') return readState(value, OLD_LOSS).has('K');
  return value.allowed.module === 'sklearn._loss.loss' && readState(value, LOSS).has('link');
};

export const isDummy = (value: Value | undefined): value is Made =>
  isMade(value, 'sklearn.dummy', 'DummyRegressor');
export const DUMMY: StateList = new Map([
  ['strategy', text],
  ['constant', (value) => value === null || numberOrArray(value)],
  ['quantile', setting],
  ['n_outputs_', number],
  ['constant_', array],
  ['n_features_in_', number],
  ['_sklearn_version', text],
]);

const start: Kind = (value) =>
  value === null || value === 'zero' || (isDummy(value) && readState(value, DUMMY).has('strategy'));

export const BOOSTING: StateList = new Map([
  ...GROWING,
  ...FITTED,
  ['n_estimators', number],
  ['learning_rate', number],
  ['loss', text],
  ['subsample', number],
  ['init', start],
  ['alpha', number],
  ['verbose', (value) => flag(value) || whole(value)],
  ['warm_start', setting],
  ['validation_fraction', number],
  ['n_iter_no_change', setting],
  ['tol', number],
  ['n_estimators_', number],
  ['n_trees_per_iteration_', (value) => value === 1],
  ['max_features_', number],
  ['_loss', loss],
  ['_rng', randomness],
  ['init_', start],
  ['train_score_', array],
  ['oob_improvement_', array],
  ['oob_scores_', array],
  ['oob_score_', number],
  ['estimators_', isArray],
]);
