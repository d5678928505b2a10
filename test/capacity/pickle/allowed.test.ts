// The allow-list holds pairs that real models mention, each once, each with a reason.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { ALLOWED, findAllowed } from '../../../src/capacity/pickle/allowed.ts';
import { inspectStream } from '../../../src/capacity/pickle/inspect.ts';
import { Global, List, Made } from '../../../src/capacity/pickle/values.ts';
import { array, F8 } from '../../fuzz/model-writer.ts';
import { type Py, pickle } from '../../fuzz/pickle-writer.ts';
import { beside, leftOut, withBeside } from '../../left-out.ts';
import { askOracle, DEBIAN_PYTHON, hasSklearn, OTHER_SKLEARNS } from '../forest/oracle.ts';

const pythons = [DEBIAN_PYTHON, ...OTHER_SKLEARNS.map(({ command }) => command)];
const all = pythons.every(hasSklearn);

const named = (module: string, name: string): Py => ({ global: [module, name] });
const GENERATOR = 'numpy.random._pickle';
const SEQUENCE = 'numpy.random.bit_generator';
const MERSENNE = named('numpy.random._mt19937', 'MT19937');

/** What an argument or a state may be, under the names that the tables below use. */
const PARTS = {
  none: null,
  false: false,
  true: true,
  zero: 0,
  big: 2n ** 60n,
  fraction: 0.5,
  word: 'word',
  C: 'C',
  latin1: 'latin1',
  MT19937: 'MT19937',
  PCG64: 'PCG64',
  F: 'F',
  'b as text': 'b',
  bytes: Uint8Array.of(1, 2),
  b: Uint8Array.of(0x62),
  B: Uint8Array.of(0x42),
  bb: Uint8Array.of(0x62, 0x62),
  list: { list: [0] },
  dict: { dict: [] },
  '()': { tuple: [] },
  '(0,)': { tuple: [0] },
  '(1,)': { tuple: [1] },
  '(0, 0)': { tuple: [0, 0] },
  '(0.5,)': { tuple: [{ float: 0.5 }] },
  'digest of seeds': 0x3eaa222,
  'digest of a loss': 0x4f4a941,
  'digest of another loss': 0xde00222,
  dtype: F8,
  array: array(F8, [0], Uint8Array.of()),
  buffer: {
    reduce: [named('numpy.core.numeric', '_frombuffer'), Uint8Array.of(), F8, { tuple: [0] }, 'C'],
  },
  scalar: { reduce: [named('numpy.core.multiarray', 'scalar'), F8, Uint8Array.of(0)] },
  generator: { reduce: [named(GENERATOR, '__bit_generator_ctor'), MERSENNE] },
  tree: { newobj: named('sklearn.tree._classes', 'DecisionTreeRegressor') },
  ndarray: named('numpy', 'ndarray'),
  'numpy 2’s scalar': named('numpy._core.multiarray', 'scalar'),
  'class of trees': named('sklearn.tree._classes', 'DecisionTreeRegressor'),
  'class of generators': MERSENNE,
  'class of other generators': named('numpy.random._pcg64', 'PCG64'),
  'class of masked arrays': named('numpy.ma.core', 'MaskedArray'),
  'class of masked arrays in numpy 2': named('numpy.ma', 'MaskedArray'),
  'maker of generators': named(GENERATOR, '__bit_generator_ctor'),
  'class of sequences': named(SEQUENCE, 'SeedSequence'),
  'class of losses': named('sklearn._loss._loss', 'CyHuberLoss'),
  object: named('__builtin__', 'object'),
} satisfies Record<string, Py>;
type Part = keyof typeof PARTS;
const EACH = Object.entries<Py>(PARTS) as [Part, Py][];

const TEXT: readonly Part[] = ['word', 'C', 'latin1', 'MT19937', 'PCG64', 'F', 'b as text'];
const BYTES: readonly Part[] = ['bytes', 'b', 'B', 'bb'];
const WHOLE: readonly Part[] = [
  'zero',
  'big',
  'digest of seeds',
  'digest of a loss',
  'digest of another loss',
];
const TUPLE: readonly Part[] = ['()', '(0,)', '(1,)', '(0, 0)', '(0.5,)'];

type Row = readonly [module: string, name: string, state: string, ...takes: (readonly Part[])[]];
const LOSSES = [
  'HalfSquaredError',
  'AbsoluteError',
  'HuberLoss',
  'PinballLoss',
  'HalfPoissonLoss',
  'HalfGammaLoss',
];
const HISTOGRAM = 'sklearn.ensemble._hist_gradient_boosting';
const CALLS: readonly Row[] = [
  ['sklearn.tree._tree', 'Tree', 'dict', WHOLE, ['array', 'buffer'], WHOLE],
  ['numpy', 'dtype', 'tuple', TEXT, ['false'], ['true']],
  ...['numpy.core', 'numpy._core'].flatMap((core): Row[] => [
    [`${core}.numeric`, '_frombuffer', 'none', BYTES, ['dtype'], TUPLE, ['C', 'F']],
    [`${core}.multiarray`, '_reconstruct', 'tuple', ['ndarray'], ['(0,)'], ['b']],
    [`${core}.multiarray`, 'scalar', 'none', ['dtype'], BYTES],
  ]),
  [GENERATOR, '__randomstate_ctor', 'dict', ['MT19937'], ['maker of generators']],
  [GENERATOR, '__randomstate_ctor', 'dict', ['generator']],
  [GENERATOR, '__generator_ctor', 'dict', ['PCG64'], ['maker of generators']],
  [GENERATOR, '__generator_ctor', 'dict', ['generator']],
  [GENERATOR, '__bit_generator_ctor', 'tuple', ['class of generators', 'class of other generators']],
  ...['numpy.ma.core', 'numpy.ma'].map(
    (): Row => [
      'numpy.ma.core',
      '_mareconstruct',
      'tuple',
      ['class of masked arrays', 'class of masked arrays in numpy 2'],
      ['ndarray'],
      ['(0,)'],
      ['b as text'],
    ],
  ),
  ['__builtin__', 'bytes', 'none'],
  [SEQUENCE, '__pyx_unpickle_SeedSequence', 'tuple', ['class of sequences'], ['digest of seeds'], ['none']],
  [
    'sklearn._loss._loss',
    '__pyx_unpickle_CyHuberLoss',
    'none',
    ['class of losses'],
    ['digest of a loss'],
    ['(0.5,)'],
  ],
  ['copy_reg', '_reconstructor', 'dict', ['class of trees'], ['object'], ['none']],
  ['_codecs', 'encode', 'none', TEXT, ['latin1']],
];
const OBJECTS: readonly Row[] = [
  ['sklearn.ensemble._forest', 'RandomForestRegressor', 'dict'],
  ['sklearn.ensemble._forest', 'ExtraTreesRegressor', 'dict'],
  ['sklearn.ensemble._gb', 'GradientBoostingRegressor', 'dict'],
  ['sklearn.tree._classes', 'DecisionTreeRegressor', 'dict'],
  ['sklearn.tree._classes', 'ExtraTreeRegressor', 'dict'],
  ['sklearn.dummy', 'DummyRegressor', 'dict'],
  ['sklearn.ensemble._weight_boosting', 'AdaBoostRegressor', 'dict'],
  ['sklearn.ensemble._bagging', 'BaggingRegressor', 'dict'],
  ['sklearn.ensemble._voting', 'VotingRegressor', 'dict'],
  [`${HISTOGRAM}.gradient_boosting`, 'HistGradientBoostingRegressor', 'dict'],
  [`${HISTOGRAM}.binning`, '_BinMapper', 'dict'],
  [`${HISTOGRAM}.predictor`, 'TreePredictor', 'dict'],
  ['sklearn.pipeline', 'Pipeline', 'dict'],
  ['sklearn.preprocessing._data', 'StandardScaler', 'dict'],
  ['sklearn.preprocessing._data', 'MinMaxScaler', 'dict'],
  ['sklearn.impute._base', 'SimpleImputer', 'dict'],
  ['sklearn.impute._base', 'MissingIndicator', 'dict'],
  ['sklearn.compose._target', 'TransformedTargetRegressor', 'dict'],
  ['sklearn.model_selection._search', 'GridSearchCV', 'dict'],
  ['sklearn.model_selection._search', 'RandomizedSearchCV', 'dict'],
  ['sklearn.model_selection._search_successive_halving', 'HalvingGridSearchCV', 'dict'],
  ['sklearn.model_selection._search_successive_halving', 'HalvingRandomSearchCV', 'dict'],
  ['sklearn.model_selection._split', 'KFold', 'dict'],
  ['sklearn.metrics._scorer', '_PassthroughScorer', 'dict'],
  ['sklearn.utils._metadata_requests', 'MetadataRequest', 'dict'],
  ['sklearn.utils._metadata_requests', 'MethodMetadataRequest', 'dict'],
  ['sklearn.utils._bunch', 'Bunch', 'dict'],
  ['sklearn.utils', 'Bunch', 'dict'],
  ['joblib.numpy_pickle', 'NumpyArrayWrapper', 'dict'],
  ['sklearn.externals.joblib.numpy_pickle', 'NumpyArrayWrapper', 'dict'],
  ...['LeastSquaresError', 'LeastAbsoluteError', 'HuberLossFunction', 'QuantileLossFunction'].map(
    (name): Row => ['sklearn.ensemble._gb_losses', name, 'dict'],
  ),
  ...LOSSES.map((name): Row => ['sklearn._loss.loss', name, 'dict']),
  ['sklearn._loss.link', 'IdentityLink', 'none'],
  ['sklearn._loss.link', 'LogLink', 'none'],
  ['sklearn._loss.link', 'Interval', 'dict'],
];

const models = new URL('sklearn/', beside('corpora'));
/** Models of four versions, where they are beside the project. */
const corpus = (): Buffer[] =>
  existsSync(models)
    ? readdirSync(models)
        .filter((file) => file.startsWith('sk'))
        .map((file) => readFileSync(new URL(file, models)))
    : [];

/** The code of the refusal, or `allowed`. */
function outcome(value: Py): string {
  const { refusals } = inspectStream(pickle(value));
  return refusals[0]?.code ?? 'allowed';
}

describe.each(
  [...CALLS, ...OBJECTS].map((row) => {
    const [module, name, state, ...takes] = row;
    return { module, name, state, takes, isCall: CALLS.includes(row) };
  }),
)('$module $name', ({ module, name, state, takes, isCall }) => {
  const callee = named(module, name);
  const args = takes.map(([first = 'none']): Py => PARTS[first]);

  it('is allowed with each argument that it takes, and refused with any other in its place', () => {
    const each = takes.flatMap((accepted, position) =>
      EACH.map(([part, value]) => ({ position, part, value, may: accepted.includes(part) })),
    );
    const said = each.map(({ position, part, value }) => [
      position,
      part,
      outcome({ reduce: [callee, ...args.with(position, value)] }),
    ]);
    expect(said).toEqual(
      each.map(({ position, part, may }) => [position, part, may ? 'allowed' : 'pickle.arguments']),
    );
  });

  it('takes neither fewer arguments nor more, and comes about in one way only', () => {
    const [right, wrong] = isCall
      ? [{ reduce: [callee, ...args] as const }, { newobj: callee, args }]
      : [{ newobj: callee }, { reduce: [callee] as const }];
    expect([outcome(right), outcome(wrong)]).toEqual(['allowed', 'pickle.call-refused']);
    const more = isCall ? { reduce: [callee, ...args, null] as const } : { newobj: callee, args: [null] };
    expect(outcome(more)).toBe('pickle.arguments');
    if (takes.length > 0 && !name.endsWith('state_ctor') && name !== '__generator_ctor')
      expect(outcome({ reduce: [callee, ...args.slice(0, -1)] })).toBe('pickle.arguments');
  });

  it(`is given a state only if that is a ${state}`, () => {
    const built = (given: Py): string =>
      outcome(isCall ? { reduce: [callee, ...args], state: given } : { newobj: callee, state: given });
    const refused = name === 'encode' || name === 'bytes' ? 'pickle.wrong-type' : 'pickle.build-refused';
    expect([built({ dict: [] }), built({ tuple: [] }), built({ list: [] }), built(null)]).toEqual([
      // What a wrapper would announce does not follow: that it may be given a dict is all that this says.
      state !== 'dict' ? refused : name === 'NumpyArrayWrapper' ? 'pickle.wrapper' : 'allowed',
      state === 'tuple' ? 'allowed' : refused,
      refused,
      refused,
    ]);
  });
});

describe('the allow-list', () => {
  it('holds these calls and objects, and beside them only names that are arguments', () => {
    const listed = ([module, name]: Row): string => `${module} ${name}`;
    const rest = ALLOWED.filter(({ by }) => by !== 'argument').map(({ module, name }) => `${module} ${name}`);
    const wanted = [...CALLS, ...OBJECTS].map(listed);
    const others = LOSSES.flatMap((loss) =>
      ['sklearn._loss._loss', '_loss'].flatMap((module) => [
        `${module} __pyx_unpickle_Cy${loss}`,
        `${module} Cy${loss}`,
      ]),
    );
    expect(new Set(rest)).toEqual(new Set([...wanted, ...others]));
  });

  it('gives a reason for every pair, and finds each by both halves only', () => {
    for (const allowed of ALLOWED) {
      expect(allowed.why.length).toBeGreaterThan(15);
      expect(findAllowed(allowed.module, allowed.name)).toBe(allowed);
      expect(findAllowed(allowed.module, `${allowed.name}.`)).toBeUndefined();
      expect(findAllowed(`${allowed.module}.${allowed.name}`, '')).toBeUndefined();
    }
    expect(findAllowed('__proto__', 'constructor')).toBeUndefined();
  });

  it('checks every argument of every call: none takes a list, a fraction, or a stranger’s object', () => {
    const stranger = new Made(
      { module: 'os', name: 'system', by: 'REDUCE', takes: [], state: 'none', why: '' },
      [],
      0,
    );
    for (const { takes, by } of ALLOWED) {
      expect(takes.length > 0).toBe(by !== 'argument');
      for (const check of takes.flat())
        expect(
          [new List({ itemsFrom: () => [] }, 0, 0, 0), 0.5, stranger, new Global(stranger.allowed)].map(
            check,
          ),
        ).toEqual([false, false, false, false]);
    }
  });

  it(
    'names nothing that no real model mentions',
    all ? withBeside('corpora') : leftOut('not all versions of scikit-learn here'),
    () => {
      const seen = new Set(
        [
          ...pythons.flatMap((command) => askOracle(command).models).flatMap(({ pickles }) => pickles),
          ...corpus(),
        ].flatMap((file) => inspectPickle(file).globals.map(({ name }) => name)),
      );
      // What only versions write that cannot be had: 0.20, 1.0, 1.1 and 1.5; and what search with distributions adds.
      const byFormat =
        /^(?:sklearn\.externals|_loss __pyx|sklearn\.utils Bunch|sklearn\._loss\._loss (?:Cy|__pyx_unpickle_Cy)(?:Huber|HalfGamma))|HalvingRandomSearchCV$/;
      expect(
        ALLOWED.map(({ module, name }) => `${module} ${name}`).filter(
          (name) => !seen.has(name) && !byFormat.test(name),
        ),
      ).toEqual([]);
    },
  );
});
