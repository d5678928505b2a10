// Writes a small scikit-learn 1.4 model, one part of which may be another than scikit-learn would write.
import { type Py, pickle } from './pickle-writer.ts';

export interface Node {
  readonly left: number | bigint;
  readonly right: number | bigint;
  readonly feature: number | bigint;
  readonly threshold: number;
  readonly value: number;
  readonly samples?: number;
  readonly missing?: number;
}

export const leaf = (value: number): Node => ({
  left: -1,
  right: -1,
  feature: -2,
  threshold: -2,
  value,
  samples: 1,
});
export const split = (
  left: number,
  right: number,
  feature: number,
  threshold: number,
  value = 0.5,
): Node => ({
  left,
  right,
  feature,
  threshold,
  value,
});

/** A tree that asks both features: 5 nodes, children after their parents. */
export const GOOD_NODES: readonly Node[] = [
  split(1, 4, 0, 0.5),
  split(2, 3, 1, 1.5),
  leaf(1),
  leaf(2),
  leaf(3.25),
];

const numpy = (name: string): Py => ({ global: ['numpy', name] });
export const dtype = (name: string, state: Py): Py => ({
  reduce: [numpy('dtype'), name, false, true],
  state,
});
const plain = (order: string, flags = 0): Py => ({ tuple: [3, order, null, null, null, -1, -1, flags] });
export const F8: Py = dtype('f8', plain('<'));
export const I8: Py = dtype('i8', plain('<'));
export const U1: Py = dtype('u1', plain('|'));
export const O8: Py = dtype('O8', plain('|', 63));

const FIELDS: readonly (readonly [string, Py, number])[] = [
  ['left_child', I8, 0],
  ['right_child', I8, 8],
  ['feature', I8, 16],
  ['threshold', F8, 24],
  ['impurity', F8, 32],
  ['n_node_samples', I8, 40],
  ['weighted_n_node_samples', F8, 48],
  ['missing_go_to_left', U1, 56],
];
export const nodeType = (fields: typeof FIELDS = FIELDS, width = 64): Py =>
  dtype(`V${width}`, {
    tuple: [
      3,
      '|',
      null,
      { tuple: fields.map(([name]) => name) },
      { dict: fields.map(([name, type, at]) => [name, { tuple: [type, at] }]) },
      width,
      1,
      16,
    ],
  });
export { FIELDS as NODE_FIELDS };

/** A numpy array as protocol 3 and 4 spell it. */
export const array = (
  type: Py,
  shape: readonly Py[],
  content: Py,
  changes: { version?: Py; fortran?: Py } = {},
): Py => ({
  reduce: [
    { global: ['numpy._core.multiarray', '_reconstruct'] },
    numpy('ndarray'),
    { tuple: [0] },
    Uint8Array.of(0x62),
  ],
  state: { tuple: [changes.version ?? 1, { tuple: shape }, type, changes.fortran ?? false, content] },
});

export function nodeBytes(nodes: readonly Node[]): Uint8Array {
  const bytes = new Uint8Array(64 * nodes.length);
  const view = new DataView(bytes.buffer);
  nodes.forEach((node, i) => {
    const at = 64 * i;
    view.setBigInt64(at, BigInt(node.left), true);
    view.setBigInt64(at + 8, BigInt(node.right), true);
    view.setBigInt64(at + 16, BigInt(node.feature), true);
    view.setFloat64(at + 24, node.threshold, true);
    view.setBigInt64(at + 40, BigInt(node.samples ?? 3), true);
    view.setFloat64(at + 48, node.samples ?? 3, true);
    view.setUint8(at + 56, node.missing ?? 0);
  });
  return bytes;
}

export const doubles = (values: readonly number[]): Uint8Array =>
  new Uint8Array(Float64Array.from(values).buffer);
const one = (): Py => array(I8, [1], new Uint8Array(BigInt64Array.of(1n).buffer));

export interface TreeChanges {
  readonly nodes?: readonly Node[];
  readonly args?: readonly Py[];
  readonly count?: Py;
  readonly depth?: Py;
  readonly nodeArray?: Py;
  readonly valueArray?: Py;
  readonly extra?: readonly (readonly [Py, Py])[];
  readonly without?: string;
  readonly again?: Py;
}

type Entries = readonly (readonly [string, Py])[];

/** Replaces or drops (`undefined`) entries of a state, or appends others. */
function changed(entries: Entries, changes: Readonly<Record<string, Py | undefined>>): [Py, Py][] {
  const kept = entries.flatMap(([key, value]): [Py, Py][] => {
    if (!(key in changes)) return [[key, value]];
    const next = changes[key];
    return next === undefined ? [] : [[key, next]];
  });
  const known = new Set(entries.map(([key]) => key));
  for (const [key, value] of Object.entries(changes))
    if (!known.has(key) && value !== undefined) kept.push([key, value]);
  return kept;
}

export function tree(changes: TreeChanges = {}): Py {
  const nodes = changes.nodes ?? GOOD_NODES;
  const state: [Py, Py][] = [
    ['max_depth', changes.depth ?? 2],
    ['node_count', changes.count ?? nodes.length],
    ['nodes', changes.nodeArray ?? array(nodeType(), [nodes.length], nodeBytes(nodes))],
    [
      'values',
      changes.valueArray ?? array(F8, [nodes.length, 1, 1], doubles(nodes.map(({ value }) => value))),
    ],
    ...(changes.extra ?? []).map(([key, value]): [Py, Py] => [key, value]),
  ];
  return {
    reduce: [{ global: ['sklearn.tree._tree', 'Tree'] }, ...(changes.args ?? [2, one(), 1])],
    state: { dict: state.filter(([key]) => key !== changes.without) },
    ...(changes.again === undefined ? {} : { again: changes.again }),
  };
}

const VERSION: Entries[number] = ['_sklearn_version', '1.4.2'];
const growing: Entries = [
  ['criterion', 'squared_error'],
  ['max_depth', null],
  ['min_samples_split', 2],
  ['min_samples_leaf', 1],
  ['min_weight_fraction_leaf', { float: 0 }],
  ['max_features', { float: 1 }],
  ['max_leaf_nodes', null],
  ['random_state', null],
  ['min_impurity_decrease', { float: 0 }],
  ['ccp_alpha', { float: 0 }],
];
const treeSettings: Entries = [...growing, ['splitter', 'best'], ['monotonic_cst', null], VERSION];
const classes = (name: string): Py => ({ global: ['sklearn.tree._classes', name] });

export type Changes = Readonly<Record<string, Py | undefined>>;

export function treeEstimator(changes: Changes = {}, name = 'DecisionTreeRegressor'): Py {
  const fitted: Entries = [
    ...treeSettings,
    ['n_features_in_', 2],
    ['n_outputs_', 1],
    ['max_features_', 2],
    ['tree_', tree()],
  ];
  return { newobj: classes(name), state: { dict: changed(fitted, changes) } };
}

/** A forest of two trees; the changes go to the forest's own state. */
export function forest(changes: Changes = {}, trees: readonly Py[] = [treeEstimator(), treeEstimator()]): Py {
  const template: Py = { newobj: classes('DecisionTreeRegressor'), state: { dict: treeSettings } };
  const state: Entries = [
    ['estimator', template],
    ['n_estimators', trees.length],
    ['estimator_params', { tuple: ['criterion'] }],
    ['bootstrap', true],
    ['oob_score', false],
    ['n_jobs', null],
    ['verbose', 0],
    ['warm_start', false],
    ['class_weight', null],
    ['max_samples', null],
    ...growing,
    ['monotonic_cst', null],
    ['n_features_in_', 2],
    ['n_outputs_', 1],
    ['estimators_', { list: trees }],
    VERSION,
  ];
  return {
    newobj: { global: ['sklearn.ensemble._forest', 'RandomForestRegressor'] },
    state: { dict: changed(state, changes) },
  };
}

export const loss = (changes: Changes = {}): Py => ({
  newobj: { global: ['sklearn._loss.loss', 'HalfSquaredError'] },
  state: {
    dict: changed([['link', { newobj: { global: ['sklearn._loss.link', 'IdentityLink'] } }]], changes),
  },
});

/** Boosting in two stages from a constant. */
export function boosting(changes: Changes = {}, dummy: Changes = {}): Py {
  const start: Py = {
    newobj: { global: ['sklearn.dummy', 'DummyRegressor'] },
    state: {
      dict: changed(
        [
          ['strategy', 'mean'],
          ['constant', null],
          ['quantile', null],
          ['n_outputs_', 1],
          ['constant_', array(F8, [1, 1], doubles([1.5]))],
          VERSION,
        ],
        dummy,
      ),
    },
  };
  const state: Entries = [
    ['n_estimators', 2],
    ['learning_rate', { float: 0.1 }],
    ['loss', 'squared_error'],
    ['subsample', { float: 1 }],
    ['init', null],
    ...growing,
    ['n_features_in_', 2],
    ['n_trees_per_iteration_', 1],
    ['_loss', loss()],
    ['init_', start],
    ['n_estimators_', 2],
    ['estimators_', array(O8, [2, 1], { list: [treeEstimator(), treeEstimator()] })],
    VERSION,
  ];
  return {
    newobj: { global: ['sklearn.ensemble._gb', 'GradientBoostingRegressor'] },
    state: { dict: changed(state, changes) },
  };
}

/** The models that nothing is wrong with: seeds, and proof that a refusal is for the change and not for the writer. */
export const GOOD_MODELS: readonly (readonly [string, Uint8Array])[] = [
  ['tree', pickle(treeEstimator())],
  ['extra tree', pickle(treeEstimator({ splitter: 'random' }, 'ExtraTreeRegressor'))],
  ['forest', pickle(forest())],
  ['boosting', pickle(boosting())],
];
