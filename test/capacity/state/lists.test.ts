// Which keys a state may hold, and what each may be: every key is tried with one of everything.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../../src/capacity/pickle/machine.ts';
import { BOOSTING, DUMMY } from '../../../src/capacity/state/boosting.ts';
import type { Kind, StateList } from '../../../src/capacity/state/state.ts';
import { FOREST, TREE } from '../../../src/capacity/state/trees.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { array, doubles, dtype, F8, I8, loss, O8, tree, treeEstimator, U1 } from '../../fuzz/model-writer.ts';
import { type Py, pickle } from '../../fuzz/pickle-writer.ts';

const named = (module: string, name: string): Py => ({ global: [module, name] });
const scalar = (type: Py, bytes: Uint8Array): Py => ({
  reduce: [named('numpy.core.multiarray', 'scalar'), type, bytes],
});
const plain = (order: string): Py => ({ tuple: [3, order, null, null, null, -1, -1, 0] });
const integers = (...values: bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(values).buffer);
const object = (module: string, name: string, entries?: readonly (readonly [string, Py])[]): Py => ({
  newobj: named(module, name),
  ...(entries && { state: { dict: entries } }),
});

/** What a generator of numpy holds: 624 words. */
const KEY = array(
  dtype('u4', { tuple: [3, '<', null, null, null, -1, -1, 0] }),
  [624],
  new Uint8Array(Uint32Array.from({ length: 624 }, (_, i) => i + 1).buffer),
);

type Entries = readonly (readonly [string, Py])[];
/** A generator, with entries of its state and of the inner state replaced, dropped (`undefined`) or added. */
function generator(
  change: Readonly<Record<string, Py | undefined>> = {},
  inner: Readonly<Record<string, Py | undefined>> = {},
): Py {
  const changed = (entries: Entries, by: Readonly<Record<string, Py | undefined>>): Py => ({
    dict: Object.entries({ ...Object.fromEntries(entries), ...by }).flatMap(([key, value]): [Py, Py][] =>
      value === undefined ? [] : [[key, value]],
    ),
  });
  const twister = changed(
    [
      ['key', KEY],
      ['pos', 624],
    ],
    inner,
  );
  const maker = named('numpy.random._pickle', '__bit_generator_ctor');
  return {
    reduce: [named('numpy.random._pickle', '__randomstate_ctor'), 'MT19937', maker],
    state: changed(
      [
        ['bit_generator', 'MT19937'],
        ['state', twister],
        ['has_gauss', 0],
        ['gauss', { float: 0 }],
      ],
      change,
    ),
  };
}

const INTERVAL: Entries = [
  ['low', { float: Number.NEGATIVE_INFINITY }],
  ['high', { float: Number.POSITIVE_INFINITY }],
  ['low_inclusive', false],
  ['high_inclusive', false],
];
const LOSSES = 'sklearn._loss._loss';
const LOSS_IN_C: Py = {
  reduce: [
    named(LOSSES, '__pyx_unpickle_CyHalfSquaredError'),
    named(LOSSES, 'CyHalfSquaredError'),
    0xe3b0c44,
    { tuple: [] },
  ],
};
const OLD_LOSS = 'sklearn.ensemble._gb_losses';
/** One of everything that a state could hold. */
const EACH: readonly (readonly [what: string, value: Py])[] = [
  ['none', null],
  ['true', true],
  ['word', 'word'],
  ['deprecated', 'deprecated'],
  ['zero', 'zero'],
  ['MT19937', 'MT19937'],
  ['1', 1],
  ['2', 2],
  ['fraction', 0.5],
  ['bigint', 2n ** 60n],
  ['float scalar', scalar(F8, doubles([0.5]))],
  ['integer scalar', scalar(I8, integers(3n))],
  ['float32 scalar', scalar(dtype('f4', plain('<')), new Uint8Array(Float32Array.of(0.1).buffer))],
  ['int32 scalar', scalar(dtype('i4', plain('<')), Uint8Array.of(3, 0, 0, 0))],
  ['flag scalar', scalar(dtype('b1', plain('|')), Uint8Array.of(1))],
  ['flag scalar of 2', scalar(dtype('b1', plain('|')), Uint8Array.of(2))],
  ['big-endian scalar', scalar(dtype('f8', plain('>')), doubles([0.5]))],
  ['short scalar', scalar(F8, doubles([0.5]).subarray(1))],
  ['long scalar', scalar(F8, doubles([0.5, 0]))],
  ['scalar of bytes', scalar(U1, doubles([0.5]))],
  ['object scalar', scalar(O8, doubles([0.5]))],
  ['bytes', doubles([1])],
  ['list', { list: [1] }],
  ['()', { tuple: [] }],
  ['(word,)', { tuple: ['word'] }],
  ['(word, 1)', { tuple: ['word', 1] }],
  ['dict', { dict: [] }],
  ['array', array(F8, [1], doubles([1]))],
  ['array of objects', array(O8, [1], { list: [1] })],
  ['array of text', array(O8, [1], { list: ['word'] })],
  ['key', KEY],
  ['array of nothing', array(O8, [0], { list: [] })],
  [
    'array of 32 sides',
    array(
      F8,
      Array.from({ length: 32 }, () => 1),
      doubles([1]),
    ),
  ],
  ['array without sides', array(F8, [], doubles([1]))],
  ['array cut short', array(F8, [2], doubles([1]))],
  ['pattern', treeEstimator({ tree_: undefined })],
  ['pattern of extra trees', treeEstimator({ tree_: undefined }, 'ExtraTreeRegressor')],
  ['fitted tree', treeEstimator()],
  ['Tree', tree()],
  ['start', object('sklearn.dummy', 'DummyRegressor', [['strategy', 'mean']])],
  ['start of nothing', object('sklearn.dummy', 'DummyRegressor')],
  ['loss', loss()],
  ['old loss', object(OLD_LOSS, 'LeastSquaresError', [['K', 1]])],
  ['old loss of two', object(OLD_LOSS, 'LeastSquaresError', [['K', 2]])],
  ['old loss of none', object(OLD_LOSS, 'LeastSquaresError', [])],
  ['link', object('sklearn._loss.link', 'IdentityLink')],
  ['interval', object('sklearn._loss.link', 'Interval', INTERVAL)],
  ['interval of nothing', object('sklearn._loss.link', 'Interval')],
  ['loss in C', LOSS_IN_C],
  ['generator', generator()],
  ['class', named('numpy', 'ndarray')],
];

const NUMBERS = ['1', '2', 'fraction', 'float scalar', 'integer scalar', 'float32 scalar', 'int32 scalar'];
const TEXTS = ['word', 'deprecated', 'zero', 'MT19937'];
const ARRAYS = ['array', 'array of 32 sides', 'key'];
const WHOLE = ['1', '2', 'integer scalar', 'int32 scalar'];
const FLAGS = ['true', 'flag scalar'];
/** What each kind of value may be. */
const KINDS = {
  text: TEXTS,
  number: NUMBERS,
  setting: ['none', ...FLAGS, ...TEXTS, ...NUMBERS],
  flag: FLAGS,
  none: ['none'],
  list: ['list'],
  array: ARRAYS,
  'array of objects': ['array of objects', 'array of text', 'array of nothing'],
  'array or none': ['none', ...ARRAYS],
  names: ['array of nothing', 'array of text'],
  key: ['key'],
  generator: ['MT19937'],
  whole: WHOLE,
  'whole or none': ['none', ...WHOLE],
  'whole or flag': [...FLAGS, ...WHOLE],
  texts: ['()', '(word,)'],
  'per feature': ['none', 'list', '()', ...ARRAYS],
  'number, array or none': ['none', ...NUMBERS, ...ARRAYS],
  randomness: ['none', ...NUMBERS, 'generator'],
  pattern: ['none', 'deprecated', 'pattern', 'pattern of extra trees'],
  tree: ['Tree'],
  start: ['none', 'zero', 'pattern', 'pattern of extra trees', 'fitted tree', 'start'],
  loss: ['loss', 'old loss'],
  'loss in C': ['loss in C'],
  link: ['link'],
  interval: ['interval'],
  '1': ['1'],
} satisfies Record<string, readonly string[]>;
type KindName = keyof typeof KINDS;
type Keys = Readonly<Record<string, KindName>>;

const growing: Keys = {
  criterion: 'text',
  max_depth: 'setting',
  min_samples_split: 'number',
  min_samples_leaf: 'number',
  min_weight_fraction_leaf: 'number',
  max_features: 'setting',
  max_leaf_nodes: 'setting',
  random_state: 'randomness',
  min_impurity_decrease: 'number',
  ccp_alpha: 'number',
  n_features_in_: 'number',
  feature_names_in_: 'names',
  _sklearn_version: 'text',
};
const LISTS: readonly (readonly [string, StateList, Keys])[] = [
  [
    'a tree',
    TREE,
    {
      ...growing,
      splitter: 'text',
      class_weight: 'none',
      monotonic_cst: 'per feature',
      n_features_: 'number',
      n_outputs_: 'number',
      max_features_: 'number',
      tree_: 'tree',
    },
  ],
  [
    'a forest',
    FOREST,
    {
      ...growing,
      estimator: 'pattern',
      base_estimator: 'pattern',
      estimator_: 'pattern',
      base_estimator_: 'pattern',
      _estimator: 'pattern',
      estimator_params: 'texts',
      n_estimators: 'number',
      bootstrap: 'setting',
      oob_score: 'setting',
      n_jobs: 'whole or none',
      verbose: 'whole or flag',
      warm_start: 'setting',
      class_weight: 'none',
      max_samples: 'setting',
      monotonic_cst: 'per feature',
      n_outputs_: 'number',
      _n_samples: 'number',
      n_features_: 'number',
      _n_samples_bootstrap: 'setting',
      _sample_weight: 'array or none',
      oob_score_: 'number',
      oob_prediction_: 'array',
      estimators_: 'list',
    },
  ],
  [
    'boosting',
    BOOSTING,
    {
      ...growing,
      n_estimators: 'number',
      learning_rate: 'number',
      loss: 'text',
      subsample: 'number',
      init: 'start',
      alpha: 'number',
      verbose: 'whole or flag',
      warm_start: 'setting',
      validation_fraction: 'number',
      n_iter_no_change: 'setting',
      tol: 'number',
      n_features_: 'number',
      n_classes_: 'number',
      n_estimators_: 'number',
      n_trees_per_iteration_: '1',
      max_features_: 'number',
      _loss: 'loss',
      loss_: 'loss',
      _rng: 'randomness',
      init_: 'start',
      train_score_: 'array',
      oob_improvement_: 'array',
      oob_scores_: 'array',
      oob_score_: 'number',
      estimators_: 'array of objects',
    },
  ],
  [
    'the start of boosting',
    DUMMY,
    {
      strategy: 'text',
      constant: 'number, array or none',
      quantile: 'setting',
      n_outputs_: 'number',
      constant_: 'array',
      n_features_in_: 'number',
      _sklearn_version: 'text',
    },
  ],
];

/** Whether a kind takes what the machine makes of a value. */
function takes(kind: Kind | undefined, value: Py): boolean {
  try {
    return kind?.(new Machine(pickle(value)).run()) ?? false;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

const taken = (kind: Kind | undefined, as: (value: Py) => Py = (value) => value): string[] =>
  EACH.filter(([, value]) => takes(kind, as(value))).map(([what]) => what);
const inOrder = (kind: KindName): string[] => {
  const names: readonly string[] = KINDS[kind];
  return EACH.flatMap(([what]) => (names.includes(what) ? [what] : []));
};

describe.each(LISTS)('the state of %s', (_what, list, keys) => {
  it('may hold these keys and no others', () => {
    expect([...list.keys()].sort()).toEqual(Object.keys(keys).sort());
  });

  it.each(Object.entries(keys))('holds as %s only a %s', (key, kind) => {
    expect(taken(list.get(key))).toEqual(inOrder(kind));
  });
});

describe('a loss', () => {
  const LOSS: Keys = {
    closs: 'loss in C',
    link: 'link',
    approx_hessian: 'flag',
    constant_hessian: 'flag',
    n_classes: 'none',
    interval_y_true: 'interval',
    interval_y_pred: 'interval',
    quantile: 'number',
    xp: 'none',
    device: 'none',
  };
  it.each(Object.entries(LOSS))('holds as %s only a %s', (key, kind) => {
    expect(taken(BOOSTING.get('_loss'), (value) => loss({ [key]: value }))).toEqual(inOrder(kind));
  });

  const OLD: Keys = { K: '1', alpha: 'number', gamma: 'number', percentile: 'number' };
  it.each(Object.entries(OLD))('of 1.2 or 1.3 holds as %s only a %s', (key, kind) => {
    const as = (value: Py): Py =>
      object(OLD_LOSS, 'HuberLossFunction', [...(key === 'K' ? [] : [['K', 1] as const]), [key, value]]);
    expect(taken(BOOSTING.get('_loss'), as)).toEqual(inOrder(kind));
  });

  it('is none without its link, and not what only has the name of one', () => {
    const link = object('sklearn._loss.link', 'IdentityLink');
    expect(takes(BOOSTING.get('_loss'), loss({ link: undefined }))).toBe(false);
    expect(takes(BOOSTING.get('_loss'), object('sklearn._loss.link', 'Interval', [['link', link]]))).toBe(
      false,
    );
  });
});

describe('the state of a generator', () => {
  const seed = TREE.get('random_state');
  it.each<[string, KindName]>([
    ['bit_generator', 'generator'],
    ['has_gauss', 'whole'],
    ['gauss', 'number'],
  ])('holds as %s only a %s', (key, kind) => {
    expect(taken(seed, (value) => generator({ [key]: value }))).toEqual(inOrder(kind));
  });

  it.each<[string, KindName]>([
    ['key', 'key'],
    ['pos', 'whole'],
  ])('holds within itself as %s only a %s', (key, kind) => {
    expect(taken(seed, (value) => generator({}, { [key]: value }))).toEqual(inOrder(kind));
  });

  it('holds a dict of two, and its name', () => {
    expect(taken(seed, (value) => generator({ state: value }))).toEqual([]);
    const wrong = [
      generator({ bit_generator: undefined }),
      generator({}, { key: undefined }),
      generator({}, { pos: undefined }),
      generator({}, { more: 1 }),
      generator({ more: 1 }),
    ];
    expect(wrong.map((value) => takes(seed, value))).toEqual(wrong.map(() => false));
  });
});
