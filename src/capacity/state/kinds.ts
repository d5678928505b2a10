// The kinds of value that states hold.
import { lookAtArray } from '../numpy/array.ts';
import { readFlag, readNumber, readWhole } from '../numpy/scalar.ts';
import { isArray } from '../pickle/names/numpy.ts';
import { List, Tuple, type Value } from '../pickle/values.ts';
import type { Kind } from './state.ts';

export const flag: Kind = (value) => readFlag(value) !== undefined;
export const text: Kind = (value) => typeof value === 'string';
export const number: Kind = (value) => readNumber(value) !== undefined;
/** None, a flag, a number, or a word: how estimators keep what their constructor was given. */
export const setting: Kind = (value) => value === null || text(value) || flag(value) || number(value);
export const list: Kind = (value) => value instanceof List;
export const whole: Kind = (value) => readWhole(value) !== undefined;
/** How many threads; 0 is no answer to that, and predict refuses it. */
export const jobs: Kind = (value) => value === null || (whole(value) && readWhole(value) !== 0);
/** How much to print. */
export const verbosity: Kind = (value) => flag(value) || whole(value);

/** Trees share what they hold through the memo; a million of them must not have it looked at a million times. */
export function once(kind: Kind): Kind {
  const fitting = new WeakSet<object>();
  return (value) => {
    if (typeof value !== 'object' || value === null) return kind(value);
    if (fitting.has(value)) return true;
    const fits = kind(value);
    if (fits) fitting.add(value);
    return fits;
  };
}

/** Numbers. Read for their own sake, too: a malformed array is refused even where predict has no use for it. */
export const array: Kind = (value) => {
  if (!isArray(value)) return false;
  const { layout, shape } = lookAtArray(value, value.offset);
  return shape.length > 0 && layout !== 'O8';
};
export const none: Kind = (value) => value === null;
export const texts: Kind = (value) => value instanceof Tuple && value.items.every(text);
export const numberOrArray: Kind = (value) => number(value) || array(value);
/** A list or tuple of whole numbers. */
export const wholes: Kind = (value) =>
  (value instanceof List || value instanceof Tuple) && value.items.every(whole);
/** One number per feature, or none. */
export const perFeature: Kind = once((value) => value === null || wholes(value) || array(value));
/** The names of the features: an array of text. */
export const names: Kind = once((value) => {
  if (!isArray(value)) return false;
  const { layout, objects } = lookAtArray(value, value.offset);
  return layout === 'O8' && objects.every(text);
});
export const optional =
  (kind: Kind): Kind =>
  (value: Value) =>
    value === null || kind(value);
