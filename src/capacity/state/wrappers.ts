// The states of what holds other estimators: ensembles of any regressor, pipelines and their steps, searches. What a
// search keeps of its work is plain data: predict never reads it, and it is looked at all the same.
import { lookAtArray, readItems } from '../numpy/array.ts';
import { layoutOf } from '../numpy/dtype.ts';
import { readScalar } from '../numpy/scalar.ts';
import { requireAllowed } from '../pickle/allowed.ts';
import { isArray } from '../pickle/names/numpy.ts';
import { type AllowedGlobal, Dict, Global, isMade, List, Made, Tuple, type Value } from '../pickle/values.ts';
import { BOOSTING, DUMMY } from './boosting.ts';
import { HISTOGRAM } from './histogram.ts';
import {
  array,
  flag,
  jobs,
  none,
  number,
  optional,
  setting,
  text,
  texts,
  verbosity,
  whole,
} from './kinds.ts';
import { generator, randomness } from './randomness.ts';
import { type Kind, readState, type StateList } from './state.ts';
import { FITTED, FOREST, TREE, TREE_OBJECT } from './trees.ts';
import { VERSION_KEY } from './writer.ts';

/** Deeper than any search over pipelines of ensembles, and far from the end of the stack. */
const MOST_LEVELS = 32;
let level = 0;

/** Looks one level further down, where there is one. */
function below(look: () => boolean): boolean {
  if (level === MOST_LEVELS) return false;
  level++;
  try {
    return look();
  } finally {
    level--;
  }
}

/** What was found good once is not looked at again: two bytes name it a second time. */
const good = new WeakSet<object>();

/** Numbers, words, arrays, and lists, tuples, dicts and estimators of them. */
export const plain: Kind = (value) => {
  if (setting(value) || typeof value === 'bigint' || readScalar(value) !== undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (good.has(value)) return true;
  const fits = below(() => isPlain(value));
  if (fits) good.add(value);
  return fits;
};

function isPlain(value: Value): boolean {
  if (value instanceof List || value instanceof Tuple) return value.items.every(plain);
  if (value instanceof Dict) return value.entries.every(plain);
  if (!(value instanceof Made)) return value instanceof Uint8Array;
  if (isArray(value)) return lookAtArray(value, value.offset).objects.every(plain);
  return randomness(value) || generator(value) || isMasked(value) || isInert(value);
}

/** numpy/ma/core.py, MaskedArray.__setstate__: 1, shape, dtype, order, data, mask, and what stands for the masked. */
function isMasked(value: Made): boolean {
  if (!isMade(value, 'numpy.ma.core', '_mareconstruct')) return false;
  if (!(value.state instanceof Tuple) || value.state.items.length !== 7) return false;
  const [version, shape = null, dtype = null, columns, content = null, mask = null, fill = null] =
    value.state.items;
  const layout = layoutOf(dtype);
  if (version !== 1 || columns !== false || layout === undefined) return false;
  const { objects } = readItems({ content, shape, dtype, columns }, layout, value.offset);
  readItems({ content: mask, shape, dtype, columns }, 'b1', value.offset);
  return objects.every(plain) && plain(fill);
}

/** An object of a listed class, fitted or not, whose state is as listed. */
function isInert(value: Made): boolean {
  const list = LISTS.get(value.allowed);
  if (list === undefined) return false;
  const tree = readState(value, list).find('tree_');
  return (
    !(tree instanceof Made) || [...TREE_OBJECT.keys()].every((key) => readState(tree, TREE_OBJECT).has(key))
  );
}

/** Any estimator of a listed class. */
const estimator: Kind = (value) => value instanceof Made && value.allowed.by === 'NEWOBJ' && plain(value);
/** What an ensemble keeps as a pattern; up to 1.3 there may be a word instead. */
const pattern: Kind = (value) => value === null || value === 'deprecated' || estimator(value);
const PATTERNS: readonly (readonly [string, Kind])[] = [
  ['estimator', pattern],
  ['base_estimator', pattern],
  ['estimator_', pattern],
  ['base_estimator_', pattern],
  ['_estimator', pattern],
  ['estimator_params', texts],
];
const estimators: Kind = (value) => value instanceof List && value.items.every(estimator);
/** Names and estimators in pairs, or a word that stands for one that is left out or passed through. */
const pairs: Kind = (value) => value instanceof List && value.items.every(isPair);
const isPair: Kind = (value) => {
  if (!(value instanceof Tuple) || value.items.length !== 2) return false;
  const [name = null, what = null] = value.items;
  return text(name) && (what === null || what === 'drop' || what === 'passthrough' || estimator(what));
};

export const BOOSTED: StateList = new Map([
  ...FITTED,
  ...PATTERNS,
  ['n_estimators', number],
  ['learning_rate', number],
  ['loss', text],
  ['random_state', randomness],
  ['estimators_', estimators],
  ['estimator_weights_', array],
  ['estimator_errors_', array],
]);

export const BAGGING: StateList = new Map([
  ...FITTED,
  ...PATTERNS,
  ['n_estimators', number],
  ['max_samples', setting],
  ['max_features', setting],
  ['bootstrap', flag],
  ['bootstrap_features', flag],
  ['oob_score', setting],
  ['warm_start', flag],
  ['n_jobs', jobs],
  ['random_state', randomness],
  ['verbose', verbosity],
  ['n_features_', number],
  ['_n_samples', number],
  ['_max_samples', number],
  ['_max_features', number],
  ['_sample_weight', optional(array)],
  ['_seeds', plain],
  ['estimators_', estimators],
  ['estimators_features_', plain],
  ['oob_score_', number],
  ['oob_prediction_', array],
]);

export const VOTING: StateList = new Map([
  ...FITTED,
  ['estimators', pairs],
  ['weights', optional(plain)],
  ['n_jobs', jobs],
  ['verbose', verbosity],
  ['estimators_', estimators],
  [
    'named_estimators_',
    (value) =>
      value instanceof Made && value.allowed.name === 'Bunch' && value.entries.every(plain) && isBunch(value),
  ],
]);
const BUNCH: StateList = new Map([['_deprecated_key_to_warnings', plain]]);
const isBunch = (value: Made): boolean =>
  value.state === undefined || readState(value, BUNCH).owner === value;

export const PIPELINE: StateList = new Map([
  ['steps', pairs],
  ['memory', none],
  ['verbose', verbosity],
  ['transform_input', none],
  [VERSION_KEY, text],
]);

export const STANDARD_SCALER: StateList = new Map([
  ...FITTED,
  ['copy', flag],
  ['with_mean', flag],
  ['with_std', flag],
  ['mean_', optional(array)],
  ['var_', optional(array)],
  ['scale_', optional(array)],
  ['n_samples_seen_', plain],
]);

export const MIN_MAX_SCALER: StateList = new Map([
  ...FITTED,
  ['copy', flag],
  ['clip', flag],
  ['feature_range', plain],
  ['min_', array],
  ['scale_', array],
  ['data_min_', array],
  ['data_max_', array],
  ['data_range_', array],
  ['n_samples_seen_', plain],
]);

const dtype: Kind = (value) => layoutOf(value) !== undefined;

export const INDICATOR: StateList = new Map([
  ...FITTED,
  ['missing_values', setting],
  ['features', text],
  ['sparse', setting],
  ['error_on_new', flag],
  ['features_', array],
  ['_n_features', whole],
  ['_precomputed', flag],
]);

export const IMPUTER: StateList = new Map([
  ...FITTED,
  ['missing_values', setting],
  ['add_indicator', flag],
  ['keep_empty_features', flag],
  ['strategy', text],
  ['fill_value', setting],
  ['copy', flag],
  ['verbose', setting],
  ['statistics_', plain],
  ['indicator_', (value) => value === null || estimator(value)],
  ['_fit_dtype', dtype],
  ['_fill_dtype', dtype],
]);

export const TARGET: StateList = new Map([
  ...FITTED,
  ['regressor', optional(estimator)],
  ['regressor_', estimator],
  ['transformer', optional(estimator)],
  ['transformer_', estimator],
  ['func', none],
  ['inverse_func', none],
  ['check_inverse', flag],
  ['_training_dim', whole],
]);

const scorer: Kind = (value) =>
  plain(value) || (value instanceof Global && value.allowed.name === '_passthrough_scorer');

export const SEARCH: StateList = new Map([
  ...FITTED,
  ['estimator', estimator],
  ['param_grid', plain],
  ['param_distributions', plain],
  ['n_iter', whole],
  ['scoring', plain],
  ['n_jobs', jobs],
  ['refit', setting],
  ['cv', plain],
  ['verbose', verbosity],
  ['pre_dispatch', setting],
  ['error_score', setting],
  ['return_train_score', flag],
  ['random_state', randomness],
  ['iid', setting],
  ['factor', number],
  ['resource', text],
  ['max_resources', setting],
  ['min_resources', setting],
  ['aggressive_elimination', flag],
  ['n_candidates', setting],
  ['multimetric_', flag],
  ['best_estimator_', estimator],
  ['best_index_', whole],
  ['best_params_', plain],
  ['best_score_', number],
  ['cv_results_', plain],
  ['refit_time_', number],
  ['scorer_', scorer],
  ['n_splits_', whole],
  ['_checked_cv_orig', plain],
  ['_n_samples_orig', whole],
  ['max_resources_', whole],
  ['min_resources_', whole],
  ['n_candidates_', plain],
  ['n_iterations_', whole],
  ['n_possible_iterations_', whole],
  ['n_remaining_candidates_', whole],
  ['n_required_iterations_', whole],
  ['n_resources_', plain],
]);

const SPLITS: StateList = new Map([
  ['n_splits', whole],
  ['shuffle', flag],
  ['random_state', randomness],
]);
const PASSTHROUGH: StateList = new Map([
  ['_estimator', estimator],
  ['_metadata_request', plain],
]);
/** What metadata a search passes on: who asks, and for which method what. */
const METHODS =
  'fit partial_fit predict predict_proba predict_log_proba decision_function score split transform';
const REQUESTS: StateList = new Map([
  ['owner', text],
  ...`${METHODS} inverse_transform`.split(' ').map((method) => [method, plain] as const),
]);
const REQUEST: StateList = new Map([
  ['owner', text],
  ['method', text],
  ['_requests', plain],
]);

const LISTS: ReadonlyMap<AllowedGlobal, StateList> = new Map(
  (
    [
      ['sklearn.tree._classes', 'DecisionTreeRegressor', TREE],
      ['sklearn.tree._classes', 'ExtraTreeRegressor', TREE],
      ['sklearn.ensemble._forest', 'RandomForestRegressor', FOREST],
      ['sklearn.ensemble._forest', 'ExtraTreesRegressor', FOREST],
      ['sklearn.ensemble._gb', 'GradientBoostingRegressor', BOOSTING],
      [
        'sklearn.ensemble._hist_gradient_boosting.gradient_boosting',
        'HistGradientBoostingRegressor',
        HISTOGRAM,
      ],
      ['sklearn.ensemble._weight_boosting', 'AdaBoostRegressor', BOOSTED],
      ['sklearn.ensemble._bagging', 'BaggingRegressor', BAGGING],
      ['sklearn.ensemble._voting', 'VotingRegressor', VOTING],
      ['sklearn.dummy', 'DummyRegressor', DUMMY],
      ['sklearn.pipeline', 'Pipeline', PIPELINE],
      ['sklearn.preprocessing._data', 'StandardScaler', STANDARD_SCALER],
      ['sklearn.preprocessing._data', 'MinMaxScaler', MIN_MAX_SCALER],
      ['sklearn.impute._base', 'SimpleImputer', IMPUTER],
      ['sklearn.impute._base', 'MissingIndicator', INDICATOR],
      ['sklearn.compose._target', 'TransformedTargetRegressor', TARGET],
      ['sklearn.model_selection._search', 'GridSearchCV', SEARCH],
      ['sklearn.model_selection._search', 'RandomizedSearchCV', SEARCH],
      ['sklearn.model_selection._search_successive_halving', 'HalvingGridSearchCV', SEARCH],
      ['sklearn.model_selection._search_successive_halving', 'HalvingRandomSearchCV', SEARCH],
      ['sklearn.model_selection._split', 'KFold', SPLITS],
      ['sklearn.metrics._scorer', '_PassthroughScorer', PASSTHROUGH],
      ['sklearn.utils._metadata_requests', 'MetadataRequest', REQUESTS],
      ['sklearn.utils._metadata_requests', 'MethodMetadataRequest', REQUEST],
    ] as const
  ).map(([module, name, list]) => [requireAllowed(module, name), list]),
);
