// The allow-list: every (module, name) pair that a scikit-learn regressor's pickle may mention, the one opcode that
// may apply it, its arguments, its state, and why it is harmless. What is not here is refused.
import {
  type AllowedGlobal,
  ByteArray,
  type Check,
  Float,
  Global,
  isMade,
  Made,
  Tuple,
  type Value,
} from './values.ts';

const text: Check = (value) => typeof value === 'string';
const whole: Check = (value) => Number.isSafeInteger(value) || typeof value === 'bigint';
const bytes: Check = (value) => value instanceof Uint8Array;
const buffer: Check = (value) => value instanceof ByteArray || bytes(value);
const tuple: Check = (value) => value instanceof Tuple;
const noItems: Check = (value) => value instanceof Tuple && value.items.length === 0;
const oneFloat: Check = (value) =>
  value instanceof Tuple && value.items.length === 1 && value.items[0] instanceof Float;
const oneOf =
  (...expected: readonly Value[]): Check =>
  (value) =>
    expected.includes(value);
const exactly =
  (expected: Value): Check =>
  (value) =>
    value === expected;
const named =
  (module: string, name: string): Check =>
  (value) =>
    value instanceof Global && value.allowed.module === module && value.allowed.name === name;
const instance =
  (module: string, name: string): Check =>
  (value) =>
    isMade(value, module, name);
const array: Check = (value) => NUMPY_CORE.some((core) => isArrayOf(core, value));

/** numpy 1 and numpy 2 call the same package by these two names. */
export const NUMPY_CORE: readonly string[] = ['numpy.core', 'numpy._core'];

function isArrayOf(core: string, value: Value): boolean {
  return (
    isMade(value, `${core}.numeric`, '_frombuffer') || isMade(value, `${core}.multiarray`, '_reconstruct')
  );
}

type State = AllowedGlobal['state'];
const OBJECT = 'an inert record here; its state is read key by key against a list, its methods do not exist';

const call = (
  module: string,
  name: string,
  state: State,
  why: string,
  ...takes: Check[][]
): AllowedGlobal => ({
  module,
  name,
  by: 'REDUCE',
  takes,
  state,
  why,
});
const object = (
  module: string,
  name: string,
  state: State = 'dict',
  why: string = OBJECT,
): AllowedGlobal => ({
  module,
  name,
  by: 'NEWOBJ',
  takes: [[]],
  state,
  why,
});
const argument = (module: string, name: string, why: string): AllowedGlobal => ({
  module,
  name,
  by: 'argument',
  takes: [],
  state: 'none',
  why,
});

const estimators: readonly AllowedGlobal[] = [
  object('sklearn.ensemble._forest', 'RandomForestRegressor'),
  object('sklearn.ensemble._forest', 'ExtraTreesRegressor'),
  object('sklearn.ensemble._gb', 'GradientBoostingRegressor'),
  object('sklearn.tree._classes', 'DecisionTreeRegressor'),
  object('sklearn.tree._classes', 'ExtraTreeRegressor'),
  object('sklearn.dummy', 'DummyRegressor', 'dict', `the constant that boosting starts from; ${OBJECT}`),
  call(
    'sklearn.tree._tree',
    'Tree',
    'dict',
    'in Python a C struct that predict trusts blindly; here four entries whose every node is checked',
    [whole, array, whole],
  ),
];

const numpy: readonly AllowedGlobal[] = [
  call('numpy', 'dtype', 'tuple', 'a label; only six fixed layouts are understood later', [
    text,
    exactly(false),
    exactly(true),
  ]),
  argument('numpy', 'ndarray', 'a class that is only ever the first argument of _reconstruct'),
  ...NUMPY_CORE.flatMap((core) => [
    call(`${core}.numeric`, '_frombuffer', 'none', 'a view of bytes; length and layout are checked on use', [
      buffer,
      instance('numpy', 'dtype'),
      tuple,
      exactly('C'),
    ]),
    call(`${core}.multiarray`, '_reconstruct', 'tuple', 'an empty array whose content comes as state', [
      named('numpy', 'ndarray'),
      (shape) => shape instanceof Tuple && shape.items.length === 1 && shape.items[0] === 0,
      (kind) => kind instanceof Uint8Array && kind.length === 1 && kind[0] === 0x62,
    ]),
    call(`${core}.multiarray`, 'scalar', 'none', 'one number as its bytes', [
      instance('numpy', 'dtype'),
      bytes,
    ]),
  ]),
];

const SEED = 'the state of a random generator: carried along, never run, never read by predict';
const randomness: readonly AllowedGlobal[] = [
  call(
    'numpy.random._pickle',
    '__randomstate_ctor',
    'dict',
    SEED,
    [exactly('MT19937'), named('numpy.random._pickle', '__bit_generator_ctor')],
    [instance('numpy.random._pickle', '__bit_generator_ctor')],
  ),
  call('numpy.random._pickle', '__bit_generator_ctor', 'tuple', SEED, [
    named('numpy.random._mt19937', 'MT19937'),
  ]),
  argument('numpy.random._mt19937', 'MT19937', SEED),
  call('numpy.random.bit_generator', '__pyx_unpickle_SeedSequence', 'tuple', SEED, [
    named('numpy.random.bit_generator', 'SeedSequence'),
    oneOf(0x3eaa222, 0xc464c19, 0xf88304a), // Cython's digests of its five fields: SHA-256, SHA-1 or MD5
    exactly(null),
  ]),
  argument('numpy.random.bit_generator', 'SeedSequence', SEED),
];

const LOSS = 'what boosting was trained to minimise; regression predicts without it';
const NO_FIELDS: readonly Check[] = [oneOf(0xe3b0c44, 0xda39a3e, 0xd41d8cd), noItems];
/**
 * The losses in C, and the arguments that restore each: Cython's digest of its fields (the first 28 bits of SHA-256,
 * SHA-1 or MD5) and what they hold. Of an empty tuple the last two would read an item all the same: CPython crashes.
 */
const C_LOSSES: readonly (readonly [name: string, fields: readonly Check[]])[] = [
  ['HalfSquaredError', NO_FIELDS],
  ['AbsoluteError', NO_FIELDS],
  ['HuberLoss', [oneOf(0x4f4a941, 0x736fcab, 0x63bcabf), oneFloat]],
  ['PinballLoss', [oneOf(0xde00222, 0x2c73eaf, 0x2494662), oneFloat]],
];
const losses: readonly AllowedGlobal[] = [
  ...['LeastSquaresError', 'LeastAbsoluteError', 'HuberLossFunction', 'QuantileLossFunction'].map((name) =>
    object('sklearn.ensemble._gb_losses', name, 'dict', LOSS),
  ),
  ...C_LOSSES.flatMap(([name, fields]) => [
    object('sklearn._loss.loss', name, 'dict', LOSS),
    argument('sklearn._loss._loss', `Cy${name}`, LOSS),
    call('sklearn._loss._loss', `__pyx_unpickle_Cy${name}`, 'none', LOSS, [
      named('sklearn._loss._loss', `Cy${name}`),
      ...fields,
    ]),
  ]),
  object('sklearn._loss.link', 'IdentityLink', 'none', LOSS),
  object('sklearn._loss.link', 'Interval', 'dict', LOSS),
];

/** `_codecs encode`: how protocols 0 to 2 spell bytes. Carried out here: Latin-1 text to bytes is plain data. */
export const ENCODE: AllowedGlobal = call(
  '_codecs',
  'encode',
  'none',
  'turns Latin-1 text into bytes, and only with that codec: others run registered code',
  [text, exactly('latin1')],
);

/** `copy_reg _reconstructor`: how protocols 0 and 1 spell NEWOBJ. Carried out here as exactly that. */
export const RECONSTRUCTOR: AllowedGlobal = call(
  'copy_reg',
  '_reconstructor',
  'none',
  'makes an empty object of an allow-listed class, as NEWOBJ does',
  [
    (cls) => cls instanceof Global && cls.allowed.by === 'NEWOBJ',
    named('__builtin__', 'object'),
    exactly(null),
  ],
);

const spelling: readonly AllowedGlobal[] = [
  ENCODE,
  RECONSTRUCTOR,
  argument('__builtin__', 'object', 'the base class that _reconstructor is always given'),
];

/** Every allow-listed name with the reason why it is harmless. */
export const ALLOWED: readonly AllowedGlobal[] = [
  ...estimators,
  ...numpy,
  ...randomness,
  ...losses,
  ...spelling,
];

/** Stands for a refused name while an inspection goes on, so that later refusals are found too. */
export const UNKNOWN: AllowedGlobal = {
  module: '',
  name: '',
  by: 'REDUCE',
  takes: [],
  state: 'none',
  why: 'never part of a value that leaves the machine',
};

/** Returns whether a value is a stand-in for what was refused. Only an inspection ever holds one. */
export function isUnknown(value: Value): boolean {
  return (value instanceof Made || value instanceof Global) && value.allowed === UNKNOWN;
}

const byModule = new Map<string, Map<string, AllowedGlobal>>();
for (const allowed of ALLOWED) {
  const names = byModule.get(allowed.module) ?? new Map<string, AllowedGlobal>();
  byModule.set(allowed.module, names.set(allowed.name, allowed));
}

/** Returns the entry for this pair, or `undefined`. Both halves must match on their own. */
export function findAllowed(module: string, name: string): AllowedGlobal | undefined {
  return byModule.get(module)?.get(name);
}
