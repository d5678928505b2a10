// numpy arrays as pickles describe them: bytes, a layout and a shape. Only the layouts that scikit-learn's regressors
// use are understood, byte for byte; the bytes stay where they are in the stream.
import { NUMPY_CORE } from '../pickle/allowed.ts';
import { ByteArray, Dict, Float, isMade, List, type Made, Tuple, type Value } from '../pickle/values.ts';
import { ModelRefusal } from './refusal.ts';

/** How one item lies in memory: a number, an object reference, or one of scikit-learn's two node records. */
export type Layout = 'f8' | 'i8' | 'u4' | 'u1' | 'O8' | 'V56' | 'V64';

export interface NumpyArray {
  readonly layout: Layout;
  readonly shape: readonly number[];
  /** Exactly the items, in C order. Empty for objects. */
  readonly bytes: Uint8Array;
  /** The items of an object array. */
  readonly objects: readonly Value[];
}

const ITEM_BYTES: Readonly<Record<Layout, number>> = { f8: 8, i8: 8, u4: 4, u1: 1, O8: 8, V56: 56, V64: 64 };

/** sklearn/tree/_tree.pxd, struct Node: name, layout and byte offset of each field. 1.2 lacks the last one. */
const NODE_FIELDS = [
  ['left_child', 'i8', 0],
  ['right_child', 'i8', 8],
  ['feature', 'i8', 16],
  ['threshold', 'f8', 24],
  ['impurity', 'f8', 32],
  ['n_node_samples', 'i8', 40],
  ['weighted_n_node_samples', 'f8', 48],
  ['missing_go_to_left', 'u1', 56],
] as const;

function refuse(offset: number, why: string): never {
  throw new ModelRefusal('model.array', why, offset);
}

const sameItems = (tuple: readonly Value[], expected: readonly Value[]): boolean =>
  tuple.length === expected.length && expected.every((item, i) => tuple[i] === item);

// Arrays share a handful of dtype objects through the memo, so each is looked at once.
const known = new WeakMap<Made, Layout>();

/** Returns the layout that a dtype object describes, or `undefined` for any that no regressor uses. */
function layoutOf(dtype: Value | undefined): Layout | undefined {
  if (!isMade(dtype, 'numpy', 'dtype') || !(dtype.state instanceof Tuple)) return undefined;
  const seen = known.get(dtype);
  if (seen !== undefined) return seen;
  const { items } = dtype.state;
  const layout = plainLayout(dtype.args[0], items) ?? recordLayout(dtype.args[0], items);
  if (layout !== undefined) known.set(dtype, layout);
  return layout;
}

function plainLayout(name: Value | undefined, state: readonly Value[]): Layout | undefined {
  const is = (order: string, flags: number): boolean =>
    sameItems(state, [3, order, null, null, null, -1, -1, flags]);
  switch (name) {
    case 'f8':
    case 'i8':
    case 'u4':
      return is('<', 0) ? name : undefined;
    case 'u1':
      return is('|', 0) ? name : undefined;
    case 'O8':
      return is('|', 63) ? name : undefined;
    default:
      return undefined;
  }
}

function recordLayout(name: Value | undefined, state: readonly Value[]): Layout | undefined {
  if (name !== 'V56' && name !== 'V64') return undefined;
  const [version, order, subarray, names, fields, ...sizes] = state;
  const [width, expected] = name === 'V56' ? [56, NODE_FIELDS.slice(0, 7)] : [64, NODE_FIELDS];
  if (version !== 3 || order !== '|' || subarray !== null || !sameItems(sizes, [width, 1, 16]))
    return undefined;
  if (!(names instanceof Tuple) || names.items.length !== expected.length) return undefined;
  if (!(fields instanceof Dict) || fields.entries.length !== 2 * expected.length) return undefined;
  const { items } = names;
  const { entries } = fields;
  const fits = expected.every(([field, layout, at], i) => {
    return items[i] === field && entries[2 * i] === field && isField(entries[2 * i + 1], layout, at);
  });
  return fits ? name : undefined;
}

/** The type of a field is a plain one: a record in a record in a record could go on until the stack ends. */
function isField(field: Value | undefined, layout: Layout, at: number): boolean {
  if (!(field instanceof Tuple) || field.items.length !== 2 || field.items[1] !== at) return false;
  const [dtype] = field.items;
  if (!isMade(dtype, 'numpy', 'dtype') || !(dtype.state instanceof Tuple)) return false;
  return plainLayout(dtype.args[0], dtype.state.items) === layout;
}

/** Returns what an array's call and state say: content, dtype, shape. */
function partsOf(array: Made): { content: Value; dtype: Value; shape: Value } | undefined {
  if (array.allowed.name === '_frombuffer') {
    const [content = null, dtype = null, shape = null] = array.args;
    return { content: content instanceof ByteArray ? content.bytes : content, dtype, shape };
  }
  // ndarray.__setstate__: version 1, shape, dtype, Fortran order, content.
  const state = array.state instanceof Tuple ? array.state.items : [];
  const [version, shape = null, dtype = null, fortran, content = null] = state;
  return state.length === 5 && version === 1 && fortran === false ? { content, dtype, shape } : undefined;
}

const NAMES: readonly (readonly [string, string])[] = NUMPY_CORE.flatMap((core) => [
  [`${core}.numeric`, '_frombuffer'] as const,
  [`${core}.multiarray`, '_reconstruct'] as const,
]);

export function isArray(value: Value | undefined): value is Made {
  return NAMES.some(([module, name]) => isMade(value, module, name));
}

/** Returns an array whose byte length is exactly its shape times its item. Throws `model.array`. */
export function readArray(value: Value | undefined, offset: number): NumpyArray {
  if (!isArray(value)) refuse(offset, 'something that should be a numpy array is not one');
  const parts = partsOf(value);
  const layout = layoutOf(parts?.dtype);
  if (parts === undefined || layout === undefined)
    refuse(value.offset, 'an array in a layout that no supported regressor uses');
  // numpy's own limit. One long shape, named by every tree, would be read once for each.
  if (!(parts.shape instanceof Tuple) || parts.shape.items.length > 32)
    refuse(value.offset, 'an array without a shape');
  let items = 1;
  const shape = parts.shape.items.map((side) => {
    if (typeof side !== 'number' || !Number.isSafeInteger(side) || side < 0)
      refuse(value.offset, 'an array with an impossible shape');
    items *= side;
    return side;
  });
  const { content } = parts;
  if (layout === 'O8') {
    if (!(content instanceof List) || content.items.length !== items)
      refuse(value.offset, 'an array whose shape and content differ');
    return { layout, shape, bytes: new Uint8Array(), objects: content.items };
  }
  if (!(content instanceof Uint8Array) || content.length !== items * ITEM_BYTES[layout])
    refuse(value.offset, 'an array whose shape and content differ');
  return { layout, shape, bytes: content, objects: [] };
}

/** Returns the number that bytes of an 8-byte item hold. An int64 beyond 2^53 rounds to nearest, as in numpy. */
export function numberFrom(bytes: Uint8Array, layout: Layout): number | undefined {
  if (bytes.length !== 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  if (layout === 'f8') return view.getFloat64(0, true);
  return layout === 'i8' ? Number(view.getBigInt64(0, true)) : undefined;
}

/** Returns a Python number or a numpy scalar as a number, or `undefined` for anything else. */
export function readNumber(value: Value | undefined): number | undefined {
  if (value instanceof Float) return value.value;
  return typeof value === 'number' ? value : readScalar(value, ['f8', 'i8']);
}

/** Returns a Python or numpy integer that is safe as a number, or `undefined`: also for 5.0, which is no integer. */
export function readWhole(value: Value | undefined): number | undefined {
  const whole = typeof value === 'number' ? value : readScalar(value, ['i8']);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

function readScalar(value: Value | undefined, layouts: readonly Layout[]): number | undefined {
  if (!NUMPY_CORE.some((core) => isMade(value, `${core}.multiarray`, 'scalar'))) return undefined;
  const [dtype, bytes] = (value as Made).args;
  const layout = layoutOf(dtype);
  if (layout === undefined || !layouts.includes(layout) || !(bytes instanceof Uint8Array)) return undefined;
  return numberFrom(bytes, layout);
}
