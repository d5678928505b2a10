// The states of histogram boosting and of its parts. Of the binning, nothing is read: predict compares raw values.
import { isArray } from '../pickle/names/numpy.ts';
import { isMade, List, type Made, type Value } from '../pickle/values.ts';
import { loss } from './boosting.ts';
import {
  array,
  flag,
  list,
  none,
  number,
  optional,
  perFeature,
  setting,
  text,
  verbosity,
  whole,
} from './kinds.ts';
import { generator, randomness } from './randomness.ts';
import { type Kind, readState, type StateList } from './state.ts';
import { FITTED } from './trees.ts';
import { VERSION_KEY } from './writer.ts';

const FOLDER = 'sklearn.ensemble._hist_gradient_boosting';

export const PREDICTOR: StateList = new Map([
  ['nodes', array],
  ['binned_left_cat_bitsets', array],
  ['raw_left_cat_bitsets', array],
]);
export const isPredictor = (value: Value): value is Made =>
  isMade(value, `${FOLDER}.predictor`, 'TreePredictor');

const arrays: Kind = (value) =>
  value instanceof List && value.items.every((item) => item === null || (isArray(item) && array(item)));
const BINS: StateList = new Map([
  ['n_bins', whole],
  ['subsample', optional(whole)],
  ['is_categorical', optional(array)],
  ['known_categories', optional(arrays)],
  ['random_state', randomness],
  ['n_threads', optional(whole)],
  ['bin_thresholds_', arrays],
  ['n_bins_non_missing_', array],
  ['is_categorical_', array],
  ['missing_values_bin_idx_', whole],
  [VERSION_KEY, text],
]);
const bins: Kind = (value) =>
  isMade(value, `${FOLDER}.binning`, '_BinMapper') && readState(value, BINS).has('n_bins');
const categories: Kind = (value) => setting(value) || perFeature(value);

export const HISTOGRAM: StateList = new Map<string, Kind>([
  ...FITTED,
  ['loss', text],
  ['quantile', setting],
  ['learning_rate', number],
  ['max_iter', number],
  ['max_leaf_nodes', setting],
  ['max_depth', setting],
  ['min_samples_leaf', number],
  ['l2_regularization', number],
  ['max_features', number],
  ['max_bins', number],
  ['monotonic_cst', perFeature],
  ['interaction_cst', setting],
  ['categorical_features', categories],
  ['warm_start', setting],
  ['early_stopping', setting],
  ['scoring', setting],
  ['validation_fraction', setting],
  ['n_iter_no_change', setting],
  ['tol', setting],
  ['verbose', verbosity],
  ['random_state', randomness],
  ['is_categorical_', optional(array)],
  ['_is_categorical_remapped', optional(array)],
  ['_preprocessor', none],
  ['_random_seed', randomness],
  ['_feature_subsample_rng', optional(generator)],
  ['_baseline_prediction', array],
  ['_bin_mapper', bins],
  ['_in_fit', flag],
  ['_loss', loss],
  ['_n_features', whole],
  ['_predictors', list],
  ['_scorer', none],
  ['_use_validation_data', flag],
  ['do_early_stopping_', flag],
  ['n_trees_per_iteration_', whole],
  ['train_score_', array],
  ['validation_score_', array],
]);
