// Numbers: Python's own, and numpy's scalars, each of which keeps the value that its type could hold.
import { isScalar } from '../pickle/names/numpy.ts';
import { Float, type Value } from '../pickle/values.ts';
import { ITEM_BYTES, type Layout, layoutOf, type NumberLayout } from './dtype.ts';

const WHOLE: readonly Layout[] = ['i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8'];
const NUMBER: readonly Layout[] = [...WHOLE, 'f4', 'f8'];

/** Returns the item at an index. An integer of 64 bits beyond 2^53 rounds to nearest, as in numpy. */
export function numberAt(bytes: Uint8Array, layout: NumberLayout, index: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = ITEM_BYTES[layout] * index;
  switch (layout) {
    case 'f8':
      return view.getFloat64(at, true);
    case 'f4':
      return view.getFloat32(at, true);
    case 'i8':
      return Number(view.getBigInt64(at, true));
    case 'u8':
      return Number(view.getBigUint64(at, true));
    case 'i4':
      return view.getInt32(at, true);
    case 'u4':
      return view.getUint32(at, true);
    case 'i2':
      return view.getInt16(at, true);
    case 'u2':
      return view.getUint16(at, true);
    case 'i1':
      return view.getInt8(at);
    case 'u1':
    case 'b1':
      return view.getUint8(at);
  }
}

export interface Scalar {
  readonly layout: Layout;
  readonly bytes: Uint8Array;
}

/** Returns a numpy scalar whose bytes are as many as its type says, or `undefined`. */
export function readScalar(value: Value | undefined): Scalar | undefined {
  if (!isScalar(value)) return undefined;
  const [dtype, bytes] = value.args;
  const layout = layoutOf(dtype);
  if (layout === undefined || !(bytes instanceof Uint8Array) || bytes.length !== ITEM_BYTES[layout])
    return undefined;
  return { layout, bytes };
}

function scalarOf(value: Value | undefined, layouts: readonly Layout[]): number | undefined {
  const scalar = readScalar(value);
  if (scalar === undefined || !layouts.includes(scalar.layout)) return undefined;
  return numberAt(scalar.bytes, scalar.layout as NumberLayout, 0);
}

/** Returns a Python number or a numpy scalar as a number, or `undefined` for anything else. */
export function readNumber(value: Value | undefined): number | undefined {
  if (value instanceof Float) return value.value;
  return typeof value === 'number' ? value : scalarOf(value, NUMBER);
}

/** Returns a Python or numpy integer that is safe as a number, or `undefined`: also for 5.0, which is no integer. */
export function readWhole(value: Value | undefined): number | undefined {
  const whole = typeof value === 'number' ? value : scalarOf(value, WHOLE);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

/** Returns a truth value of Python or numpy, or `undefined`. */
export function readFlag(value: Value | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const flag = scalarOf(value, ['b1']);
  return flag === 0 || flag === 1 ? flag === 1 : undefined;
}
