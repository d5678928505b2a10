// The state of an estimator, key by key. A key that is not listed, comes twice, or holds another kind of value than
// scikit-learn writes there refuses the model: predict must never depend on something nobody looked at.
import { ModelRefusal } from '../model-refusal.ts';
import { readWhole } from '../numpy/scalar.ts';
import { Dict, type Made, type Value } from '../pickle/values.ts';

/** Answers whether a value is of the kind that a key holds. */
export type Kind = (value: Value) => boolean;

export type StateList = ReadonlyMap<string, Kind>;

/** What BUILD handed over, each value of the listed kind. */
export class State {
  readonly owner: Made;
  private readonly values: ReadonlyMap<string, Value>;

  constructor(owner: Made, values: ReadonlyMap<string, Value>) {
    this.owner = owner;
    this.values = values;
  }

  /** The value of a key that predict needs. Throws `model.state-missing`. */
  get(key: string): Value {
    const value = this.values.get(key);
    if (value === undefined) {
      const why = `the state of ${this.owner.allowed.name} lacks ${key}`;
      throw new ModelRefusal('model.state-missing', why, this.owner.offset);
    }
    return value;
  }

  /** The value of a key that fit sets. Throws `model.unfitted`. */
  fitted(key: string): Value {
    if (!this.values.has(key)) {
      const why = `${this.owner.allowed.name} was saved before fit: its state lacks ${key}`;
      throw new ModelRefusal('model.unfitted', why, this.owner.offset);
    }
    return this.get(key);
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
    if (value === undefined || value < 1) this.refuse(`${key} is not a positive whole number`);
    return value;
  }

  refuse(why: string): never {
    throw new ModelRefusal('model.state-value', `${this.owner.allowed.name}: ${why}`, this.owner.offset);
  }

  disagree(why: string): never {
    throw new ModelRefusal('model.parts-disagree', `${this.owner.allowed.name}: ${why}`, this.owner.offset);
  }

  /** Refuses what is honest, and not among what is exact here. */
  unsupported(why: string): never {
    throw new ModelRefusal('model.unsupported', `${this.owner.allowed.name}: ${why}`, this.owner.offset);
  }
}

/** Returns the state of an object. Throws `model.state-missing`, `-unlisted`, `-duplicate` or `-value`. */
export function readState(owner: Made, list: StateList): State {
  if (!(owner.state instanceof Dict))
    throw new ModelRefusal('model.state-missing', `${owner.allowed.name} without state`, owner.offset);
  return new State(owner, readDict(owner.state, list, owner.offset));
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]{0,79}$/;

/** As {@link readState}, for a dict within the state of the object at `offset`. */
export function readDict({ entries }: Dict, list: StateList, offset: number): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (let i = 0; i < entries.length; i += 2) {
    const [key, value = null] = [entries[i], entries[i + 1]];
    const kind = typeof key === 'string' ? list.get(key) : undefined;
    if (typeof key !== 'string' || kind === undefined) {
      const named = typeof key === 'string' && PLAIN_KEY.test(key) ? key : 'a key with no plain name';
      throw new ModelRefusal(
        'model.state-unlisted',
        `the state holds ${named}, which is not listed for it`,
        offset,
      );
    }
    values.set(key, value);
    if (values.size <= i / 2)
      throw new ModelRefusal('model.state-duplicate', `the state holds ${key} twice`, offset);
    if (!kind(value))
      throw new ModelRefusal('model.state-value', `${key} is of another kind than it ever is`, offset);
  }
  return values;
}
