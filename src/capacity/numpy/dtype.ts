// numpy dtypes as pickles describe them. Only layouts that scikit-learn's regressors use are understood, byte for byte;
// of the others we can mostly say what they are.
import { Dict, isMade, type Made, Tuple, type Value } from '../pickle/values.ts';

/** Numbers by numpy's own short names: a kind and how many bytes. */
const NUMBERS = ['b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f4', 'f8'] as const;
export type NumberLayout = (typeof NUMBERS)[number];

/**
 * How one item lies in memory: a number, an object reference, or a record of scikit-learn: a node of a tree (up to 1.2
 * without a flag for missing values), or of a histogram tree (from 1.3 on with a wide feature).
 */
export type Layout = NumberLayout | 'O8' | 'node56' | 'node64' | 'histogram52' | 'histogram56';

export const ITEM_BYTES: Readonly<Record<Layout, number>> = {
  b1: 1,
  i1: 1,
  i2: 2,
  i4: 4,
  i8: 8,
  u1: 1,
  u2: 2,
  u4: 4,
  u8: 8,
  f4: 4,
  f8: 8,
  O8: 8,
  node56: 56,
  node64: 64,
  histogram52: 52,
  histogram56: 56,
};

type Field = readonly [name: string, layout: NumberLayout, at: number];

/** sklearn/tree/_tree.pxd, struct Node. */
const NODE: readonly Field[] = [
  ['left_child', 'i8', 0],
  ['right_child', 'i8', 8],
  ['feature', 'i8', 16],
  ['threshold', 'f8', 24],
  ['impurity', 'f8', 32],
  ['n_node_samples', 'i8', 40],
  ['weighted_n_node_samples', 'f8', 48],
  ['missing_go_to_left', 'u1', 56],
];

/** sklearn/ensemble/_hist_gradient_boosting/common.pyx, PREDICTOR_RECORD_DTYPE: packed, nothing is aligned. */
const histogram = (feature: NumberLayout): readonly Field[] => {
  const layouts: readonly (readonly [string, NumberLayout])[] = [
    ['value', 'f8'],
    ['count', 'u4'],
    ['feature_idx', feature],
    ['num_threshold', 'f8'],
    ['missing_go_to_left', 'u1'],
    ['left', 'u4'],
    ['right', 'u4'],
    ['gain', 'f8'],
    ['depth', 'u4'],
    ['is_leaf', 'u1'],
    ['bin_threshold', 'u1'],
    ['is_categorical', 'u1'],
    ['bitset_idx', 'u4'],
  ];
  let at = 0;
  return layouts.map(([name, layout]) => {
    const field = [name, layout, at] as const;
    at += ITEM_BYTES[layout];
    return field;
  });
};

const RECORDS: readonly (readonly [Layout, readonly Field[]])[] = [
  ['node64', NODE],
  ['node56', NODE.slice(0, 7)],
  ['histogram56', histogram('i8')],
  ['histogram52', histogram('u4')],
];

const sameItems = (tuple: readonly Value[], expected: readonly Value[]): boolean =>
  tuple.length === expected.length && expected.every((item, i) => tuple[i] === item);

const isNumber = (name: Value | undefined): name is NumberLayout =>
  (NUMBERS as readonly Value[]).includes(name ?? null);

/** numpy writes no byte order where there is only one byte. */
const orderOf = (name: NumberLayout): string => (ITEM_BYTES[name] === 1 ? '|' : '<');

function plainLayout(name: Value | undefined, state: readonly Value[]): NumberLayout | 'O8' | undefined {
  const is = (order: string, flags: number): boolean =>
    sameItems(state, [3, order, null, null, null, -1, -1, flags]);
  if (isNumber(name)) return is(orderOf(name), 0) ? name : undefined;
  return name === 'O8' && is('|', 63) ? name : undefined;
}

function recordLayout(name: Value | undefined, state: readonly Value[]): Layout | undefined {
  const [version, order, subarray, names, fields, ...sizes] = state;
  if (version !== 3 || order !== '|' || subarray !== null) return undefined;
  if (!(names instanceof Tuple) || !(fields instanceof Dict)) return undefined;
  const found = RECORDS.find(
    ([layout, expected]) =>
      name === `V${ITEM_BYTES[layout]}` &&
      sameItems(sizes, [ITEM_BYTES[layout], 1, 16]) &&
      hasFields(names.items, fields.entries, expected),
  );
  return found?.[0];
}

function hasFields(names: readonly Value[], entries: readonly Value[], expected: readonly Field[]): boolean {
  if (names.length !== expected.length || entries.length !== 2 * expected.length) return false;
  return expected.every(
    ([field, layout, at], i) =>
      names[i] === field && entries[2 * i] === field && isField(entries[2 * i + 1], layout, at),
  );
}

/** The type of a field is a plain one: a record in a record in a record could go on until the stack ends. */
function isField(field: Value | undefined, layout: Layout, at: number): boolean {
  if (!(field instanceof Tuple) || field.items.length !== 2 || field.items[1] !== at) return false;
  const [dtype] = field.items;
  if (!isMade(dtype, 'numpy', 'dtype') || !(dtype.state instanceof Tuple)) return false;
  return plainLayout(dtype.args[0], dtype.state.items) === layout;
}

// Arrays share a handful of dtype objects through the memo, so each is looked at once.
const known = new WeakMap<Made, Layout>();

/** Returns the layout that a dtype object describes, or `undefined` for any that no regressor uses. */
export function layoutOf(dtype: Value | undefined): Layout | undefined {
  if (!isMade(dtype, 'numpy', 'dtype') || !(dtype.state instanceof Tuple)) return undefined;
  const seen = known.get(dtype);
  if (seen !== undefined) return seen;
  const { items } = dtype.state;
  const layout = plainLayout(dtype.args[0], items) ?? recordLayout(dtype.args[0], items);
  if (layout !== undefined) known.set(dtype, layout);
  return layout;
}

const PLAIN_NAME = /^(?:[bhiufcOSUmM][0-9]{1,5}|V[0-9]{1,5})$/;

/** Returns what an honest dtype is that is not understood here; `undefined` for what numpy would not write. */
export function describeDtype(dtype: Value | undefined): string | undefined {
  if (!isMade(dtype, 'numpy', 'dtype') || !(dtype.state instanceof Tuple)) return undefined;
  const [name] = dtype.args;
  const [version, order, subarray, names, fields, ...rest] = dtype.state.items;
  if (typeof name !== 'string' || !PLAIN_NAME.test(name) || version !== 3 || rest.length !== 3)
    return undefined;
  if (subarray !== null || names !== null || fields !== null) return undefined;
  const understood = isNumber(name) || name === 'O8';
  if (order === '>' && sameItems(rest, [-1, -1, 0])) return `${name} in big-endian order`;
  return understood || (order !== '<' && order !== '|') ? undefined : `${name} items`;
}
