// Random generators, as estimators keep them. One is carried along and never run here, but whoever trains with it in
// Python runs it, and there it reads its key at a place that nobody checks.
import { Dict, isMade, Tuple } from '../pickle/values.ts';
import { isArray, readArray, readWhole } from './ndarray.ts';
import {
  array,
  type Kind,
  number,
  once,
  readDict,
  readState,
  type StateList,
  whole,
  wholes,
} from './state.ts';

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
const BITS: StateList = new Map<string, Kind>([
  ['bit_generator', (value) => value === 'MT19937'],
  ['state', (value) => value instanceof Dict && readDict(value, TWISTER, 0).size === TWISTER.size],
]);
const GENERATOR: StateList = new Map<string, Kind>([...BITS, ['has_gauss', whole], ['gauss', number]]);

/** What a generator grew from. Entropy may be far beyond 2^53. */
const entropy: Kind = (value) => whole(value) || typeof value === 'bigint' || wholes(value) || array(value);
const seeds: Kind = (value) => {
  if (!isMade(value, 'numpy.random.bit_generator', '__pyx_unpickle_SeedSequence')) return value === null;
  if (!(value.state instanceof Tuple) || value.state.items.length !== 5) return false;
  const [from = null, spawned = null, pool = null, size = null, spawnKey = null] = value.state.items;
  return entropy(from) && whole(spawned) && array(pool) && whole(size) && wholes(spawnKey);
};

/** What a generator draws from. numpy 1 makes it of its name and gives it no state; numpy 2 gives it a pair. */
const bits: Kind = (value) => {
  if (!isMade(value, 'numpy.random._pickle', '__bit_generator_ctor')) return value === 'MT19937';
  if (!(value.state instanceof Tuple) || value.state.items.length !== 2) return false;
  const [twister, sequence = null] = value.state.items;
  return (
    twister instanceof Dict && readDict(twister, BITS, value.offset).size === BITS.size && seeds(sequence)
  );
};

/** A seed, or a generator, which predict never touches. */
export const randomness: Kind = once((value) => {
  if (!isMade(value, 'numpy.random._pickle', '__randomstate_ctor')) return value === null || number(value);
  return bits(value.args[0] ?? null) && readState(value, GENERATOR).has('bit_generator');
});
