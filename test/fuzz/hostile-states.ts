// Models that are hostile in a state: by keys, by values of another kind, or in objects that predict never reads.

import {
  bytes5,
  fieldEntries,
  global,
  type Hostile,
  inForest,
  inTree,
  nodeState,
  proto,
  shared,
  single,
  state,
  stream,
  values5,
} from './hostile.ts';
import {
  array,
  boosting,
  doubles,
  dtype,
  F8,
  forest,
  I8,
  loss,
  NODE_FIELDS,
  nodeType,
  O8,
  split,
  tree,
  treeEstimator,
} from './model-writer.ts';
import { op, type Py, type Token, tokensOf } from './pickle-writer.ts';

/** A bytearray, which numpy takes for bytes in one place only. */
const byteArray = (content: Uint8Array): Py => ({
  raw: [op(0x96, new Uint8Array(BigUint64Array.of(BigInt(content.length)).buffer), content)],
});
const protocol5 = (what: string, code: string, value: Py): Hostile => ({
  family: 'state',
  what,
  bytes: stream(proto(5), ...tokensOf(value), '.'),
  code,
});
const one = array(I8, [1], doubles([5e-324]));

/** Where a whole number is due, Python takes 5 and refuses 5.0; numpy does the same with bytes and bytearrays. */
const otherKinds: readonly Hostile[] = [
  inTree('a node_count of 5.0', 'model.state-value', { count: { float: 5 } }),
  inTree('a Tree of 2.0 features', 'pickle.arguments', { args: [{ float: 2 }, one, 1] }),
  inTree('a Tree of 1.0 targets', 'pickle.arguments', { args: [2, one, { float: 1 }] }),
  inTree('a shape of 5.0', 'model.array', { nodeArray: array(nodeType(), [{ float: 5 }], bytes5) }),
  inTree('an array state of version 1.0', 'model.array', {
    valueArray: array(F8, [5, 1, 1], values5, { version: { float: 1 } }),
  }),
  inTree('values whose dtype is of version 3.0', 'model.array', {
    valueArray: array(
      dtype('f8', { tuple: [{ float: 3 }, '<', null, null, null, -1, -1, 0] }),
      [5, 1, 1],
      values5,
    ),
  }),
  inTree('a node field at 8.0', 'model.array', {
    nodeArray: array(
      nodeState(4, {
        dict: fieldEntries.map(([name, field], i) => [name, i === 1 ? { tuple: [I8, { float: 8 }] } : field]),
      }),
      [5],
      bytes5,
    ),
  }),
  state('a forest of 2.0 trees', 'model.state-value', forest({ n_estimators: { float: 2 } })),
  state('a forest of 1.0 jobs', 'model.state-value', forest({ n_jobs: { float: 1 } })),
  protocol5(
    'an array whose state is a bytearray',
    'model.array',
    treeEstimator({ tree_: tree({ valueArray: array(F8, [5, 1, 1], byteArray(values5)) }) }),
  ),
  protocol5('an array of a kind in a bytearray', 'pickle.arguments', {
    reduce: [
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      { tuple: [0] },
      byteArray(Uint8Array.of(0x62)),
    ],
  }),
  protocol5('a scalar in a bytearray', 'pickle.arguments', {
    reduce: [global('numpy.core.multiarray', 'scalar'), F8, byteArray(doubles([1]))],
  }),
];

const cyLoss = (name: string, digest: number, fields: readonly Py[]): Py => ({
  reduce: [
    global('sklearn._loss._loss', `__pyx_unpickle_Cy${name}`),
    global('sklearn._loss._loss', `Cy${name}`),
    digest,
    { tuple: fields },
  ],
});
const key624 = new Uint8Array(4 * 624);
const U4 = dtype('u4', { tuple: [3, '<', null, null, null, -1, -1, 0] });
/** A random generator as numpy 2 pickles it, the lower half of which may be another. */
const generator = (pos: number, key: Py = array(U4, [624], key624), seeds: Py = null): Py => {
  const twister = (at: Py, words: Py): [Py, Py][] => [
    ['bit_generator', 'MT19937'],
    ['state', { dict: Object.entries({ key: words, pos: at }) }],
  ];
  return {
    reduce: [
      global('numpy.random._pickle', '__randomstate_ctor'),
      {
        reduce: [
          global('numpy.random._pickle', '__bit_generator_ctor'),
          global('numpy.random._mt19937', 'MT19937'),
        ],
        state: { tuple: [{ dict: twister(pos, key) }, seeds] },
      },
    ],
    state: {
      dict: [...twister(624, array(U4, [624], key624)), ['has_gauss', 0], ['gauss', { float: 0 }]],
    },
  };
};

/** What predict never looks at, and what a Python that loads the model, or trains with it again, runs into. */
const unread: readonly Hostile[] = [
  state(
    'a loss in C without its quantile: CPython reads behind the tuple and crashes',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('PinballLoss', 0xde00222, []) }) }),
  ),
  state(
    'a loss in C without its delta: the same',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('HuberLoss', 0x4f4a941, []) }) }),
  ),
  state(
    'a loss in C with a dict beside its quantile',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('PinballLoss', 0xde00222, [{ float: 0.5 }, { dict: [] }]) }) }),
  ),
  state(
    'a loss in C of other fields',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('HalfSquaredError', 1, []) }) }),
  ),
  state(
    'a model in the place of a loss in C',
    'model.state-value',
    boosting({ _loss: loss({ closs: single }) }),
  ),
  state(
    'an interval of two lists',
    'model.state-value',
    boosting({
      _loss: loss({
        interval_y_true: {
          newobj: global('sklearn._loss.link', 'Interval'),
          state: { dict: [['low', { list: [] }]] },
        },
      }),
    }),
  ),
  state(
    'a generator that draws behind its key: CPython crashes when it trains again',
    'model.state-value',
    treeEstimator({ random_state: generator(1_000_000) }),
  ),
  state(
    'a generator that draws before its key',
    'model.state-value',
    treeEstimator({ random_state: generator(-1) }),
  ),
  state(
    'a generator with a short key',
    'model.state-value',
    treeEstimator({ random_state: generator(0, array(U4, [1], new Uint8Array(4))) }),
  ),
  state(
    'a generator grown from a model',
    'model.state-value',
    treeEstimator({ random_state: generator(0, undefined, single) }),
  ),
  inForest('a model among the monotonic constraints', 'model.state-value', {
    monotonic_cst: { list: [forest()] },
  }),
  inForest('a model among the names of features', 'model.state-value', {
    feature_names_in_: array(O8, [2], { list: ['a', forest()] }),
  }),
  inForest('a model among the scores', 'model.state-value', {
    oob_prediction_: array(O8, [1], { list: [forest()] }),
  }),
  state(
    'boosting whose unfitted start holds a model',
    'model.state-value',
    boosting({
      init: {
        newobj: global('sklearn.dummy', 'DummyRegressor'),
        state: {
          dict: [
            ['strategy', 'mean'],
            ['constant', forest()],
          ],
        },
      },
    }),
  ),
];

const keys: readonly Hostile[] = [
  inTree('a Tree with an unlisted key', 'model.state-unlisted', { extra: [['__class__', 1]] }),
  inTree('a Tree with a key twice', 'model.state-duplicate', { extra: [['node_count', 5]] }),
  inTree('a Tree without values', 'model.state-missing', { without: 'values' }),
  inTree('a Tree without a depth', 'model.state-missing', { without: 'max_depth' }),
  inTree('a Tree built twice', 'pickle.second-build', { again: { dict: [] } }),
  inTree('a Tree for three features', 'model.parts-disagree', {
    args: [3, array(I8, [1], doubles([5e-324])), 1],
  }),
  inTree('a Tree of two targets', 'model.parts-disagree', {
    args: [2, array(I8, [1], doubles([5e-324])), 2],
  }),
  inTree('a Tree that counts its classes in floats', 'model.parts-disagree', {
    args: [2, array(F8, [1], doubles([5e-324])), 1],
  }),
  inTree('a Tree that counts its classes twice', 'model.parts-disagree', {
    args: [2, array(I8, [1, 1], doubles([5e-324])), 1],
  }),
  inTree('a Tree that counts no classes', 'model.parts-disagree', {
    args: [2, array(I8, [0], Uint8Array.of()), 1],
  }),
  inTree('a Tree of 257 classes', 'model.unsupported', {
    args: [2, array(I8, [1], Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0)), 1],
  }),
  inTree('a Tree of two classes', 'model.unsupported', { args: [2, array(I8, [1], doubles([1e-323])), 1] }),
  state('an estimator without state', 'model.state-missing', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
  }),
  state('an estimator with a list for state', 'pickle.build-refused', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { list: [] },
  }),
  state('an estimator with slots beside its state', 'pickle.build-refused', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { tuple: [{ dict: [] }, { dict: [] }] },
  }),
  state('an estimator built twice', 'pickle.second-build', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { dict: [] },
    again: { dict: [] },
  }),
  state('an estimator built after it was used', 'pickle.changed-after-use', {
    raw: [
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('q', 0),
      op('h', 0),
      op('}'),
      op('b'),
      op(0x86),
    ],
  }),
  state('a key that is not text', 'model.state-unlisted', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { dict: [[1, 1]] },
  }),
  state('a key that is a prototype', 'model.state-unlisted', treeEstimator({ ['__proto__x']: 1 })),
  state('an unfitted tree', 'model.unfitted', treeEstimator({ tree_: undefined })),
  state('a tree of no version', 'model.state-missing', treeEstimator({ _sklearn_version: undefined })),
  state('a tree of 0.24', 'model.version', treeEstimator({ _sklearn_version: '0.24.2' })),
  state('a tree of 1.10', 'model.version', treeEstimator({ _sklearn_version: '1.10.0' })),
  state('a tree of a development version', 'model.version', treeEstimator({ _sklearn_version: '1.4.dev0' })),
  state(
    'a tree of 1.2 with the nodes of 1.3',
    'model.parts-disagree',
    treeEstimator({ _sklearn_version: '1.2.2' }),
  ),
  state('a tree of two targets', 'model.parts-disagree', treeEstimator({ n_outputs_: 2 })),
  state(
    'a tree of ten thousand and one features',
    'model.unsupported',
    treeEstimator({ n_features_in_: 10_001 }),
  ),
  state('a tree of no features', 'model.state-value', treeEstimator({ n_features_in_: 0 })),
  state('a tree for which True is a number', 'model.state-value', treeEstimator({ n_features_in_: true })),
  state('a tree whose tree_ is a tree estimator', 'model.state-value', treeEstimator({ tree_: single })),
  ...['x1.4.2', '1x4.2', '1.4.2rc1', '1.4.123', '1.4.2.post123', '1.4'].map((version) =>
    state(`a tree of ${version}`, 'model.version', treeEstimator({ _sklearn_version: version })),
  ),
  inForest('a forest of two targets', 'model.parts-disagree', { n_outputs_: 2 }),
  state('boosting from a start of two targets', 'model.parts-disagree', boosting({}, { n_outputs_: 2 })),
  state(
    'boosting whose stages have a third dimension',
    'model.unsupported',
    boosting({ estimators_: array(O8, [2, 1, 1], { list: [single, single] }) }),
  ),
  state('an estimator in its own state', 'pickle.changed-after-use', {
    raw: [
      op('}'),
      op('q', 0),
      ...tokensOf('estimator'),
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('h', 0),
      op('b'),
      op('s'),
    ],
  }),
  state('an estimator whose state is filled after it was given', 'pickle.changed-after-use', {
    raw: [
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('}'),
      op('q', 0),
      op('b'),
      op('h', 0),
      ...tokensOf(1),
      ...tokensOf(1),
      op('s'),
      op(0x86),
    ],
  }),
  inForest('a forest with an unlisted key', 'model.state-unlisted', { predict: 1 }),
  inForest('a forest of no trees', 'model.parts-disagree', { estimators_: { list: [] }, n_estimators: 1 }),
  inForest('a forest without n_jobs', 'model.state-missing', { n_jobs: undefined }),
  inForest('a forest of no jobs', 'model.state-value', { n_jobs: 0 }),
  inForest('a forest without verbose', 'model.state-missing', { verbose: undefined }),
  inForest('a forest that miscounts', 'model.parts-disagree', { n_estimators: 3 }),
  inForest('a forest of numbers', 'model.state-value', { estimators_: { list: [1, 2] } }),
  inForest('a forest of a tuple', 'model.state-value', { estimators_: { tuple: [single, single] } }),
  inForest('a forest of extra trees', 'model.state-value', {
    estimators_: { list: [treeEstimator({}, 'ExtraTreeRegressor'), single] },
  }),
  inForest('a forest of forests', 'model.state-value', { estimators_: { list: [forest(), forest()] } }),
  inForest('a forest of three features over trees of two', 'model.parts-disagree', { n_features_in_: 3 }),
  inForest('a forest of 1.4.1 over trees of 1.4.2', 'model.parts-disagree', { _sklearn_version: '1.4.1' }),
  inForest('a forest whose pattern is fitted', 'model.state-value', { estimator: single }),
  inForest('a forest with one tree twice', 'model.shared', {
    estimators_: { raw: [op(']'), op('('), ...tokensOf(shared(single, (get) => [get])), op('e')] },
  }),
  inForest(
    'a forest with one array twice',
    'model.shared',
    (() => {
      const nodesOnce = array(nodeType(), [5], bytes5);
      const first = treeEstimator({
        tree_: tree({ nodeArray: { raw: [...tokensOf(nodesOnce), op('q', 0)] } }),
      });
      const second = treeEstimator({ tree_: tree({ nodeArray: { raw: [op('h', 0)] } }) });
      return { estimators_: { list: [first, second] } };
    })(),
  ),
  inForest(
    'a forest with one array of values twice',
    'model.shared',
    (() => {
      const once = array(F8, [5, 1, 1], values5);
      const first = treeEstimator({ tree_: tree({ valueArray: { raw: [...tokensOf(once), op('q', 0)] } }) });
      const second = treeEstimator({ tree_: tree({ valueArray: { raw: [op('h', 0)] } }) });
      return { estimators_: { list: [first, second] } };
    })(),
  ),
  state(
    'boosting with two trees per stage',
    'model.unsupported',
    boosting({ estimators_: array(O8, [1, 2], { list: [single, single] }) }),
  ),
  state(
    'boosting whose stages are numbers',
    'model.state-value',
    boosting({ estimators_: array(F8, [2, 1], doubles([1, 2])) }),
  ),
  state(
    'boosting whose shape lies',
    'model.array',
    boosting({ estimators_: array(O8, [3, 1], { list: [single, single] }) }),
  ),
  state('boosting that miscounts', 'model.parts-disagree', boosting({ n_estimators_: 3 })),
  state('boosting by NaN', 'model.state-value', boosting({ learning_rate: { float: Number.NaN } })),
  state('boosting by text', 'model.state-value', boosting({ learning_rate: '0.1' })),
  state(
    'boosting from infinity',
    'model.state-value',
    boosting({}, { constant_: array(F8, [1, 1], doubles([Infinity])) }),
  ),
  state(
    'boosting from two constants',
    'model.state-value',
    boosting({}, { constant_: array(F8, [1, 2], doubles([1, 2])) }),
  ),
  state('boosting from an estimator', 'model.unsupported', boosting({ init_: single })),
  state('boosting from nothing', 'model.state-value', boosting({ init_: null })),
  state(
    'boosting from a start of another version',
    'model.parts-disagree',
    boosting({}, { _sklearn_version: '1.3.0' }),
  ),
  state(
    'boosting that shapes its start for two trees per stage: scikit-learn would answer twice for each row',
    'model.state-value',
    boosting({ init_: 'zero', n_trees_per_iteration_: 2 }),
  ),
  state(
    'boosting that does not shape its start',
    'model.state-missing',
    boosting({ n_trees_per_iteration_: undefined }),
  ),
  state(
    'boosting of 1.4 with a loss of 1.3',
    'model.parts-disagree',
    boosting({
      _loss: {
        newobj: global('sklearn.ensemble._gb_losses', 'LeastSquaresError'),
        state: { dict: [['K', 1]] },
      },
    }),
  ),
  state('boosting without a loss', 'model.state-missing', boosting({ _loss: undefined })),
  state('boosting through another link', 'model.state-value', boosting({ _loss: loss({ link: null }) })),
  state('a number', 'model.not-an-estimator', 42),
  state('a list of two models', 'model.ambiguous', { list: [forest(), forest()] }),
  state('a start on its own', 'model.not-an-estimator', {
    newobj: global('sklearn.dummy', 'DummyRegressor'),
    state: { dict: [['strategy', 'mean']] },
  }),
  state(
    'a class instead of an object',
    'model.not-an-estimator',
    global('sklearn.tree._classes', 'DecisionTreeRegressor'),
  ),
  state(
    'a deep tree of one long chain that ends nowhere',
    'model.tree-child',
    treeEstimator({
      tree_: tree({ nodes: Array.from({ length: 1000 }, (_, i) => split(i + 1, i + 2, 0, i)) }),
    }),
  ),
];

/** Record types each of which has the one before as the type of its first field: who follows them falls off the stack. */
function recordsInRecords(depth: number): Token[] {
  const type = tokensOf({ global: ['numpy', 'dtype'] });
  const records = Array.from({ length: depth }, (_, i): Token[] => [
    op('h', 0),
    ...tokensOf({ tuple: ['V64', false, true] }),
    op('R'),
    ...tokensOf({
      tuple: [
        3,
        '|',
        null,
        { tuple: NODE_FIELDS.map(([name]) => name) },
        {
          dict: NODE_FIELDS.map(([name, , at], field) => {
            const inner: Py =
              field === 0 && i > 0 ? { raw: [op('j', new Uint8Array(Uint32Array.of(i).buffer))] } : null;
            return [name, { tuple: [inner, at] }];
          }),
        },
        64,
        1,
        16,
      ],
    }),
    op('b'),
    op('r', new Uint8Array(Uint32Array.of(i + 1).buffer)),
    op('a'),
  ]);
  // Named once, so that the rest is short; the list is where the records wait.
  return [op(']'), ...type, op('q', 0), op('a'), ...records.flat()];
}

const TREE = tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') });

/** What holds itself, or more models than anybody saves together. */
const wrapped: readonly Hostile[] = [
  state('a list in itself', 'pickle.changed-after-use', { raw: [op(']q', 0), op('h', 0), op('a')] }),
  state('a dict in itself', 'pickle.changed-after-use', {
    raw: [op('}q', 0), ...tokensOf('model'), op('h', 0), op('s')],
  }),
  state('a tree that is a part of itself', 'pickle.changed-after-use', {
    raw: [...TREE, op('q', 0), op('}'), ...tokensOf('tree_'), op('h', 0), op('sb')],
  }),
  state('a search that found itself', 'pickle.changed-after-use', {
    raw: [
      ...tokensOf({ newobj: global('sklearn.model_selection._search', 'GridSearchCV') }),
      op('q', 0),
      op('}'),
      ...tokensOf('best_estimator_'),
      op('h', 0),
      op('sb'),
    ],
  }),
  state('a hundred thousand estimators', 'pickle.object-limit', {
    raw: [
      ...tokensOf(global('sklearn.tree._classes', 'DecisionTreeRegressor')),
      op('q', 0),
      op(']'),
      op(`(${'h\0)\x81'.repeat(1000)}e`.repeat(100)),
      op(0x86),
    ],
  }),
];

const deep: readonly Hostile[] = [
  // The pass stays within its budget; whoever then reads the state does not, and must refuse it in the same way.
  state('a state of fifty thousand values', 'pickle.budget', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { raw: [op('}'), op(`(${'N'.repeat(1000)}u`.repeat(50))] },
  }),
  state(
    'an array of records in records in records',
    'model.array',
    treeEstimator({
      feature_names_in_: array(
        { raw: [op('j', new Uint8Array(Uint32Array.of(5_000).buffer))] },
        [{ raw: recordsInRecords(5_000) }], // what comes before the type that it defines
        new Uint8Array(),
      ),
    }),
  ),
];

export const HOSTILE_STATES: readonly Hostile[] = [...keys, ...otherKinds, ...unread, ...wrapped, ...deep];
