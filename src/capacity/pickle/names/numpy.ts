// numpy's names: arrays, scalars, dtypes, masked arrays, and random generators.
import { type AllowedGlobal, type Check, Made, Tuple, type Value } from '../values.ts';
import { argument, buffer, bytes, call, exactly, instance, named, oneOf, text, tuple } from './entry.ts';
import { JOBLIB_ARRAY } from './joblib.ts';

/** numpy 1 and numpy 2 call the same modules by these names. */
const NUMERIC: readonly string[] = ['numpy.core.numeric', 'numpy._core.numeric'];
const MULTIARRAY: readonly string[] = ['numpy.core.multiarray', 'numpy._core.multiarray'];

const isOneOf = (value: Value | undefined, modules: readonly string[], name: string): value is Made =>
  value instanceof Made && value.allowed.name === name && modules.includes(value.allowed.module);

/** Whether it describes an array, in numpy's spellings or in joblib's. */
export const isArray = (value: Value | undefined): value is Made =>
  (value instanceof Made && value.allowed === JOBLIB_ARRAY) ||
  isOneOf(value, NUMERIC, '_frombuffer') ||
  isOneOf(value, MULTIARRAY, '_reconstruct');

/** Whether it describes one number of numpy's. */
export const isScalar = (value: Value | undefined): value is Made => isOneOf(value, MULTIARRAY, 'scalar');

const empty: Check = (shape) => shape instanceof Tuple && shape.items.length === 1 && shape.items[0] === 0;
/** The kind of an empty array, which its state replaces: b as text where a masked array is made. */
const b: Check = (kind) => kind instanceof Uint8Array && kind.length === 1 && kind[0] === 0x62;
const MASKED = 'a masked array, as searches keep their results; never read by predict';
/** numpy 1 and numpy 2 name the class so. */
const MASKED_CLASS: readonly string[] = ['numpy.ma.core', 'numpy.ma'];

const SEED = 'the state of a random generator: carried along, never run, never read by predict';
const MAKER = named('numpy.random._pickle', '__bit_generator_ctor');
const MADE_BITS = instance('numpy.random._pickle', '__bit_generator_ctor');

export const NUMPY: readonly AllowedGlobal[] = [
  call('numpy', 'dtype', 'tuple', 'a label; only a few fixed layouts are understood later', [
    text,
    exactly(false),
    exactly(true),
  ]),
  argument('numpy', 'ndarray', 'a class that is only ever an argument of _reconstruct'),
  ...NUMERIC.map((module) =>
    call(module, '_frombuffer', 'none', 'a view of bytes; length and layout are checked on use', [
      buffer,
      instance('numpy', 'dtype'),
      tuple,
      oneOf('C', 'F'),
    ]),
  ),
  ...MULTIARRAY.flatMap((module) => [
    call(module, '_reconstruct', 'tuple', 'an empty array whose content comes as state', [
      named('numpy', 'ndarray'),
      empty,
      b,
    ]),
    call(module, 'scalar', 'none', 'one number as its bytes', [instance('numpy', 'dtype'), bytes]),
  ]),
  ...MASKED_CLASS.map((module) => argument(module, 'MaskedArray', MASKED)),
  call(
    'numpy.ma.core',
    '_mareconstruct',
    'tuple',
    MASKED,
    ...MASKED_CLASS.map((module) => [
      named(module, 'MaskedArray'),
      named('numpy', 'ndarray'),
      empty,
      exactly('b'),
    ]),
  ),
  call('numpy.random._pickle', '__randomstate_ctor', 'dict', SEED, [exactly('MT19937'), MAKER], [MADE_BITS]),
  call('numpy.random._pickle', '__generator_ctor', 'dict', SEED, [exactly('PCG64'), MAKER], [MADE_BITS]),
  call(
    'numpy.random._pickle',
    '__bit_generator_ctor',
    'tuple',
    SEED,
    [named('numpy.random._mt19937', 'MT19937')],
    [named('numpy.random._pcg64', 'PCG64')],
  ),
  argument('numpy.random._mt19937', 'MT19937', SEED),
  argument('numpy.random._pcg64', 'PCG64', SEED),
  call('numpy.random.bit_generator', '__pyx_unpickle_SeedSequence', 'tuple', SEED, [
    named('numpy.random.bit_generator', 'SeedSequence'),
    oneOf(0x3eaa222, 0xc464c19, 0xf88304a), // Cython's digests of its five fields: SHA-256, SHA-1 or MD5
    exactly(null),
  ]),
  argument('numpy.random.bit_generator', 'SeedSequence', SEED),
];
