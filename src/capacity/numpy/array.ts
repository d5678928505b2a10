// numpy arrays as pickles describe them: bytes, a layout and a shape. The bytes stay where they are in the stream.

import { ModelRefusal } from '../model-refusal.ts';
import { JOBLIB_ARRAY } from '../pickle/names/joblib.ts';
import { isArray } from '../pickle/names/numpy.ts';
import { ByteArray, List, type Made, Tuple, type Value } from '../pickle/values.ts';
import { describeDtype, ITEM_BYTES, type Layout, layoutOf } from './dtype.ts';
import { numberAt, readNumber } from './scalar.ts';

export interface NumpyArray {
  readonly layout: Layout;
  readonly shape: readonly number[];
  /** Exactly the items. Empty for objects. */
  readonly bytes: Uint8Array;
  /** The items of an object array. */
  readonly objects: readonly Value[];
  /** Whether the first index changes fastest. */
  readonly columns: boolean;
}

interface Parts {
  readonly content: Value;
  readonly dtype: Value;
  readonly shape: Value;
  readonly columns: boolean;
}

/** Returns what an array's call and state say. */
function partsOf(array: Made): Parts | undefined {
  if (array.allowed === JOBLIB_ARRAY || array.allowed.name === '_frombuffer') {
    const [content = null, dtype = null, shape = null, order] = array.args;
    const bytes = content instanceof ByteArray ? content.bytes : content;
    return { content: bytes, dtype, shape, columns: order === 'F' };
  }
  // ndarray.__setstate__: version 1, shape, dtype, Fortran order, content.
  const state = array.state instanceof Tuple ? array.state.items : [];
  const [version, shape = null, dtype = null, columns, content = null] = state;
  if (state.length !== 5 || version !== 1 || typeof columns !== 'boolean') return undefined;
  return { content, dtype, shape, columns };
}

function refuse(offset: number, why: string): never {
  throw new ModelRefusal('model.array', why, offset);
}

/**
 * Returns an array that predict reads: its byte length is exactly its shape times its item, and its last index changes
 * fastest. Throws `model.array`, `model.dtype`.
 */
export function readArray(value: Value | undefined, offset: number): NumpyArray {
  const array = lookAtArray(value, offset);
  if (array.columns) refuse(offset, 'an array in columns where scikit-learn writes rows');
  return array;
}

/** Returns an array that is only looked at, in whatever order it is. */
export function lookAtArray(value: Value | undefined, offset: number): NumpyArray {
  if (!isArray(value)) refuse(offset, 'something that should be a numpy array is not one');
  const parts = partsOf(value);
  if (parts === undefined) refuse(value.offset, 'an array without the parts that numpy gives it');
  const layout = layoutOf(parts.dtype);
  if (layout === undefined) {
    const honest = describeDtype(parts.dtype);
    if (honest === undefined) refuse(value.offset, 'an array in a layout that numpy does not write');
    throw new ModelRefusal(
      'model.dtype',
      `an array of ${honest}, which no regressor here holds`,
      value.offset,
    );
  }
  return readItems(parts, layout, value.offset);
}

const isSide = (side: Value): side is number =>
  typeof side === 'number' && Number.isSafeInteger(side) && side >= 0;

/** Checks content against shape. */
export function readItems({ content, shape, columns }: Parts, layout: Layout, offset: number): NumpyArray {
  // numpy's own limit. One long shape, named by every tree, would be read once for each.
  if (!(shape instanceof Tuple) || shape.items.length > 32) refuse(offset, 'an array without a shape');
  const sides = shape.items;
  if (!sides.every(isSide)) refuse(offset, 'an array with an impossible shape');
  const items = sides.reduce((all, side) => all * side, 1);
  if (layout === 'O8') {
    if (!(content instanceof List) || content.items.length !== items)
      refuse(offset, 'an array whose shape and content differ');
    return { layout, shape: sides, bytes: new Uint8Array(), objects: content.items, columns };
  }
  if (!(content instanceof Uint8Array) || content.length !== items * ITEM_BYTES[layout])
    refuse(offset, 'an array whose shape and content differ');
  return { layout, shape: sides, bytes: content, objects: [], columns };
}

/** Returns the float64 items of an array of one dimension. Throws as {@link readArray}, and `model.array`. */
export function readFloats(value: Value | undefined, offset: number): Float64Array {
  const { layout, shape, bytes, objects } = readArray(value, offset);
  if (shape.length !== 1) refuse(offset, 'an array of other than one dimension');
  if (layout === 'O8')
    return Float64Array.from(
      objects,
      (item) => readNumber(item) ?? refuse(offset, 'an array of other things than numbers'),
    );
  if (layout !== 'f8')
    throw new ModelRefusal('model.dtype', `an array of ${layout} where float64 is due`, offset);
  return Float64Array.from({ length: shape[0] ?? 0 }, (_, i) => numberAt(bytes, 'f8', i));
}

/** Returns the indices in an int64 array of one dimension, each below `limit`. Throws `model.array`. */
export function readIndices(value: Value | undefined, limit: number, offset: number): Int32Array {
  const { layout, shape, bytes } = readArray(value, offset);
  if (layout !== 'i8' || shape.length !== 1) refuse(offset, 'indices that are no int64');
  return Int32Array.from({ length: shape[0] ?? 0 }, (_, i) => {
    const index = numberAt(bytes, 'i8', i);
    if (!(index >= 0 && index < limit)) refuse(offset, 'an index out of range');
    return index;
  });
}
