// A search predicts with its winner and with nothing else, sklearn/model_selection/_search.py.
import type { Made } from '../pickle/values.ts';
import { SEARCH } from '../state/wrappers.ts';
import { openEstimator, type Reading } from './reading.ts';
import type { Regressor } from './regressor.ts';

export const SEARCHES: readonly string[] = [
  'GridSearchCV',
  'RandomizedSearchCV',
  'HalvingGridSearchCV',
  'HalvingRandomSearchCV',
];

/** Returns the winner of a search that lies in another estimator; one that is the file itself is unwrapped by name. */
export function readSearch(search: Made, reading: Reading): Regressor {
  const { state, inside } = openEstimator(search, SEARCH, reading);
  const winner = reading.regressor(state.fitted('best_estimator_'), inside, search);
  return { ...winner, steps: [search.allowed.name, ...(winner.steps ?? [])] };
}
