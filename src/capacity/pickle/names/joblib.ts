// joblib's description of an array, and what the reader makes of it.
import { type AllowedGlobal, isMade, type Made, type Value } from '../values.ts';
import { object } from './entry.ts';

/** joblib's module, and the same one as scikit-learn shipped it before 0.21. */
const MODULES: readonly string[] = ['joblib.numpy_pickle', 'sklearn.externals.joblib.numpy_pickle'];
const CLASS = 'NumpyArrayWrapper';
const WHY = 'describes the bytes that follow it; they are taken as they are';

export const JOBLIB: readonly AllowedGlobal[] = MODULES.map((module) => object(module, CLASS, 'dict', WHY));

export function isWrapper(value: Value): value is Made {
  return MODULES.some((module) => isMade(value, module, CLASS));
}

/** What a wrapper and its bytes become: content, dtype, shape and order, as in numpy's `_frombuffer`. */
export const JOBLIB_ARRAY: AllowedGlobal = {
  module: 'joblib.numpy_pickle',
  name: 'an array',
  by: 'argument',
  takes: [],
  state: 'none',
  why: 'made by the reader of a wrapper and its bytes; no stream can name it',
};
