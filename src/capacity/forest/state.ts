// The state of an estimator, key by key. A key that is not listed, comes twice, or holds another kind of value than
// scikit-learn writes there refuses the model: predict must never depend on something nobody looked at.
import { Dict, isMade, List, type Made, Tuple, type Value } from '../pickle/values.ts';
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

function readDict({ entries }: Dict, list: StateList, offset: number): ReadonlyMap<string, Value> {
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

const numeric = (value: Value): boolean => readNumber(value) !== undefined;
/** None, a flag, a number, or a word: how estimators keep what their constructor was given. */
export const setting: Kind = (value) =>
  value === null || typeof value === 'boolean' || typeof value === 'string' || numeric(value);
export const flag: Kind = (value) => typeof value === 'boolean';
export const text: Kind = (value) => typeof value === 'string';
export const number: Kind = numeric;
export const list: Kind = (value) => value instanceof List;
export const whole: Kind = (value) => readWhole(value) !== undefined;
/** How many threads; 0 is no answer to that, and predict refuses it. */
export const jobs: Kind = (value) => value === null || (whole(value) && readWhole(value) !== 0);
/** Read for its own sake, too: a malformed array is refused even where predict has no use for it. */
export const array: Kind = (value) => isArray(value) && readArray(value, value.offset).shape.length > 0;
export const none: Kind = (value) => value === null;
export const texts: Kind = (value) => value instanceof Tuple && value.items.every(text);
export const numberOrArray: Kind = (value) => numeric(value) || array(value);
/** One number per feature, or none. */
export const perFeature: Kind = (value) =>
  value === null || value instanceof List || value instanceof Tuple || array(value);

const TWISTER: StateList = new Map([
  ['key', array],
  ['pos', whole],
]);

const GENERATOR: StateList = new Map<string, Kind>([
  ['bit_generator', text],
  ['state', (value) => value instanceof Dict && readDict(value, TWISTER, 0).size === 2],
  ['has_gauss', number],
  ['gauss', number],
]);

/** A seed, or a generator, which predict never touches. */
export const randomness: Kind = (value) => {
  if (!isMade(value, 'numpy.random._pickle', '__randomstate_ctor')) return value === null || numeric(value);
  return readState(value, GENERATOR).has('bit_generator');
};
