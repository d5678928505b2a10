// Random generators, as estimators keep them. One is carried along and never run here, but whoever trains with it in
// Python runs it, and there it reads its key at a place that nobody checks.
import { readArray } from '../numpy/array.ts';
import { readScalar, readWhole } from '../numpy/scalar.ts';
import { isArray } from '../pickle/names/numpy.ts';
import { Dict, isMade, type Made, Tuple, type Value } from '../pickle/values.ts';
import { array, number, once, whole, wholes } from './kinds.ts';
import { type Kind, readDict, readState, type StateList } from './state.ts';

const KEY_WORDS = 624;
const key: Kind = (value) => {
  if (!isArray(value)) return false;
  const { layout, shape } = readArray(value, value.offset);
  return layout === 'u4' && shape.length === 1 && shape[0] === KEY_WORDS;
};
const place: Kind = (value) => {
  const at = readWhole(value);
  return at !== undefined && at >= 0 && at <= KEY_WORDS;
};
const TWISTER: StateList = new Map([
  ['key', key],
  ['pos', place],
]);
/** Far beyond 2^53: 128 bits of a generator, or of entropy. */
const large: Kind = (value) =>
  whole(value) || typeof value === 'bigint' || readScalar(value)?.layout === 'u8';
const PERMUTED: StateList = new Map([
  ['state', large],
  ['inc', large],
]);
/** A dict with every key of a list. */
const complete = (list: StateList, value: Value): boolean =>
  value instanceof Dict && readDict(value, list, 0).size === list.size;

/** The two generators that scikit-learn's estimators keep: RandomState's, and the one of numpy's new interface. */
const TWISTED: StateList = new Map<string, Kind>([
  ['bit_generator', (value) => value === 'MT19937'],
  ['state', (value) => complete(TWISTER, value)],
]);
const PCG: StateList = new Map<string, Kind>([
  ['bit_generator', (value) => value === 'PCG64'],
  ['state', (value) => complete(PERMUTED, value)],
  ['has_uint32', whole],
  ['uinteger', whole],
]);
const RANDOM_STATE: StateList = new Map<string, Kind>([...TWISTED, ['has_gauss', whole], ['gauss', number]]);

/** What a generator grew from. */
const entropy: Kind = (value) => large(value) || wholes(value) || array(value);
const seeds: Kind = (value) => {
  if (!isMade(value, 'numpy.random.bit_generator', '__pyx_unpickle_SeedSequence')) return value === null;
  if (!(value.state instanceof Tuple) || value.state.items.length !== 5) return false;
  const [from = null, spawned = null, pool = null, size = null, spawnKey = null] = value.state.items;
  return entropy(from) && whole(spawned) && array(pool) && whole(size) && wholes(spawnKey);
};

/** What a generator draws from. numpy 1 makes it of its name and gives it no state; numpy 2 gives it a pair. */
function bits(value: Value, name: string, list: StateList): boolean {
  if (!isMade(value, 'numpy.random._pickle', '__bit_generator_ctor')) return value === name;
  if (!(value.state instanceof Tuple) || value.state.items.length !== 2) return false;
  const [state = null, sequence = null] = value.state.items;
  return complete(list, state) && seeds(sequence);
}

const made = (value: Value, name: string): value is Made => isMade(value, 'numpy.random._pickle', name);

/** A seed, or a generator, which predict never touches. */
export const randomness: Kind = once((value) => {
  if (!made(value, '__randomstate_ctor')) return value === null || number(value);
  return (
    bits(value.args[0] ?? null, 'MT19937', TWISTED) && readState(value, RANDOM_STATE).has('bit_generator')
  );
});

/** A generator of numpy's new interface. In numpy 2 all of its state is that of what it draws from. */
export const generator: Kind = once((value) => {
  if (!made(value, '__generator_ctor')) return false;
  if (!bits(value.args[0] ?? null, 'PCG64', PCG)) return false;
  return value.state === undefined ? value.args.length === 1 : readState(value, PCG).has('bit_generator');
});
