// The state of an estimator, key by key. A key that is not listed, comes twice, or holds another kind of value than
// scikit-learn writes there refuses the model: predict must never depend on something nobody looked at.
import { Dict, List, type Made, Tuple, type Value } from '../pickle/values.ts';
import { isArray, readArray, readNumber, readWhole } from './ndarray.ts';
import { ModelRefusal } from './refusal.ts';

/** Answers whether a value is of the kind that a key holds. */
export type Kind = (value: Value) => boolean;

export type StateList = ReadonlyMap<string, Kind>;

/** What BUILD handed over, each value of the listed kind. */
export class State {
  private readonly owner: Made;
  private readonly values: ReadonlyMap<string, Value>;

  constructor(owner: Made, values: ReadonlyMap<string, Value>) {
    this.owner = owner;
    this.values = values;
  }

  /** The value of a key that predict needs. Throws `model.state-missing`. */
  get(key: string): Value {
    const value = this.values.get(key);
    if (value === undefined)
      throw new ModelRefusal('model.state-missing', `the state lacks ${key}`, this.owner.offset);
    return value;
  }

  find(key: string): Value | undefined {
    return this.values.get(key);
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** A positive whole number. Throws `model.state-value`. */
  count(key: string): number {
    const value = readWhole(this.get(key));
    if (value === undefined || value < 1)
      throw new ModelRefusal('model.state-value', `${key} is not a positive whole number`, this.owner.offset);
    return value;
  }
}

/** Returns the state of an object. Throws `model.state-missing`, `-unlisted`, `-duplicate` or `-value`. */
export function readState(owner: Made, list: StateList): State {
  if (!(owner.state instanceof Dict))
    throw new ModelRefusal('model.state-missing', 'an object without state', owner.offset);
  return new State(owner, readDict(owner.state, list, owner.offset));
}

/** As {@link readState}, for a dict within the state of the object at `offset`. */
export function readDict({ entries }: Dict, list: StateList, offset: number): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (let i = 0; i < entries.length; i += 2) {
    const [key, value = null] = [entries[i], entries[i + 1]];
    const kind = typeof key === 'string' ? list.get(key) : undefined;
    if (typeof key !== 'string' || kind === undefined)
      throw new ModelRefusal('model.state-unlisted', 'the state holds an unlisted key', offset);
    if (values.has(key))
      throw new ModelRefusal('model.state-duplicate', `the state holds ${key} twice`, offset);
    if (!kind(value))
      throw new ModelRefusal('model.state-value', `${key} is of another kind than it ever is`, offset);
    values.set(key, value);
  }
  return values;
}

/** None, a flag, a number, or a word: how estimators keep what their constructor was given. */
export const setting: Kind = (value) =>
  value === null || typeof value === 'boolean' || typeof value === 'string' || number(value);
export const flag: Kind = (value) => typeof value === 'boolean';
export const text: Kind = (value) => typeof value === 'string';
export const number: Kind = (value) => readNumber(value) !== undefined;
export const list: Kind = (value) => value instanceof List;
export const whole: Kind = (value) => readWhole(value) !== undefined;
/** How many threads; 0 is no answer to that, and predict refuses it. */
export const jobs: Kind = (value) => value === null || (whole(value) && readWhole(value) !== 0);

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
  const { layout, shape } = readArray(value, value.offset);
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
  const { layout, objects } = readArray(value, value.offset);
  return layout === 'O8' && objects.every(text);
});
