// The states of gradient boosting, of what it starts from, and of losses.
import { readArray } from '../numpy/array.ts';
import { C_MODULES } from '../pickle/names/losses.ts';
import { isArray } from '../pickle/names/numpy.ts';
import { isMade, Made, type Value } from '../pickle/values.ts';
import { array, flag, none, number, numberOrArray, setting, text, verbosity } from './kinds.ts';
import { randomness } from './randomness.ts';
import { type Kind, readState, type StateList } from './state.ts';
import { FITTED, GROWING, isTreeEstimator, TREE } from './trees.ts';
import { VERSION_KEY } from './writer.ts';

const INTERVAL: StateList = new Map([
  ['low', number],
  ['high', number],
  ['low_inclusive', flag],
  ['high_inclusive', flag],
]);
const interval: Kind = (value) =>
  isMade(value, 'sklearn._loss.link', 'Interval') && readState(value, INTERVAL).has('low');
const link: Kind = (value) =>
  ['IdentityLink', 'LogLink'].some((name) => isMade(value, 'sklearn._loss.link', name));

/** sklearn/_loss/loss.py. */
const LOSS: StateList = new Map<string, Kind>([
  ['closs', (value) => value instanceof Made && C_MODULES.includes(value.allowed.module)],
  ['link', link],
  ['approx_hessian', flag],
  ['constant_hessian', flag],
  ['n_classes', none],
  ['interval_y_true', interval],
  ['interval_y_pred', interval],
  ['quantile', number],
  ['xp', none],
  ['device', none],
]);

/** sklearn/ensemble/_gb_losses.py, up to 1.3. */
const OLD_LOSS: StateList = new Map([
  ['K', (value) => value === 1],
  ['alpha', number],
  ['gamma', number],
  ['percentile', number],
]);

/** Whether it is one of the losses that 1.4 brought to gradient boosting. */
export const isNewLoss = (value: Value): value is Made =>
  value instanceof Made && value.allowed.module === 'sklearn._loss.loss';

export const loss: Kind = (value) => {
  if (!(value instanceof Made)) return false;
  if (value.allowed.module === 'sklearn.ensemble._gb_losses') return readState(value, OLD_LOSS).has('K');
  return isNewLoss(value) && readState(value, LOSS).has('link');
};

/** Whether a model with this loss predicts what its trees add up to; through a logarithm it would be exp of that. */
export const predictsDirectly = (value: Value): boolean =>
  !isNewLoss(value) || !isMade(readState(value, LOSS).get('link'), 'sklearn._loss.link', 'LogLink');

export const isDummy = (value: Value | undefined): value is Made =>
  isMade(value, 'sklearn.dummy', 'DummyRegressor');
export const DUMMY: StateList = new Map([
  ['strategy', text],
  ['constant', (value) => value === null || numberOrArray(value)],
  ['quantile', setting],
  ['n_outputs_', number],
  ['constant_', array],
  ['n_features_in_', number],
  [VERSION_KEY, text],
]);

/** A tree is refused where the start is read, by its name. */
const start: Kind = (value) => {
  if (isTreeEstimator(value)) return readState(value, TREE).has('criterion');
  return value === null || value === 'zero' || (isDummy(value) && readState(value, DUMMY).has('strategy'));
};

const objects: Kind = (value) => isArray(value) && readArray(value, value.offset).layout === 'O8';

export const BOOSTING: StateList = new Map([
  ...GROWING,
  ...FITTED,
  ['n_estimators', number],
  ['learning_rate', number],
  ['loss', text],
  ['subsample', number],
  ['init', start],
  ['alpha', number],
  ['verbose', verbosity],
  ['warm_start', setting],
  ['validation_fraction', number],
  ['n_iter_no_change', setting],
  ['tol', number],
  ['n_features_', number],
  ['n_classes_', number],
  ['n_estimators_', number],
  ['n_trees_per_iteration_', (value) => value === 1],
  ['max_features_', number],
  ['_loss', loss],
  ['loss_', loss],
  ['_rng', randomness],
  ['init_', start],
  ['train_score_', array],
  ['oob_improvement_', array],
  ['oob_scores_', array],
  ['oob_score_', number],
  ['estimators_', objects],
]);
