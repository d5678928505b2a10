// Arrays as joblib.dump writes them (joblib/numpy_pickle.py): a small object that describes the array, and behind it,
// outside any frame, the items themselves. joblib reads them where it finds them; a reader that does not know the
// layout reads something else there. So the layout is held to what joblib writes, byte for byte.
import { JOBLIB_ARRAY } from './names/joblib.ts';
import { MADE_BYTES } from './tape.ts';
import { Dict, Global, isMade, Made, Tuple, type Value } from './values.ts';
import type { Workspace } from './workspace.ts';

const KEYS: readonly string[] = ['subclass', 'shape', 'order', 'dtype', 'allow_mmap'];
/** Since joblib 1.2.0; None where the writer could not tell its position. */
const ALIGNMENT_KEY = 'numpy_array_alignment_bytes';
const ALIGNMENT = 16;
const FILLER = 0xff;
/** Bytes per item by dtype name, such as `f8` or `V64`. */
const ITEM = /^[biufcVO]([1-9][0-9]{0,4})$/;
/** numpy's own limit. */
const MOST_SIDES = 32;
const ARRAY_BYTES = 128 + MADE_BYTES;

interface Description {
  readonly shape: Tuple;
  readonly order: Value;
  readonly dtype: Made;
  readonly aligned: boolean;
}

function describe(m: Workspace, wrapper: Made): Description {
  const entries = wrapper.state instanceof Dict ? wrapper.state.entries : [];
  const aligned = entries.length === 2 * (KEYS.length + 1) && entries[2 * KEYS.length] === ALIGNMENT_KEY;
  const inOrder = KEYS.every((key, i) => entries[2 * i] === key);
  if (!inOrder || (entries.length !== 2 * KEYS.length && !aligned))
    m.refuse('pickle.wrapper', 'a wrapper with other keys than joblib gives it');
  const [, subclass, , shape, , order, , dtype, , mapped, , alignment = null] = entries;
  if (
    !(subclass instanceof Global) ||
    subclass.allowed.module !== 'numpy' ||
    subclass.allowed.name !== 'ndarray'
  )
    m.refuse('pickle.wrapper', 'a wrapper of another class than ndarray');
  if (!(shape instanceof Tuple) || shape.items.length > MOST_SIDES)
    m.refuse('pickle.wrapper', 'a wrapper without a shape');
  if (!isMade(dtype, 'numpy', 'dtype') || (order !== 'C' && order !== 'F') || typeof mapped !== 'boolean')
    m.refuse('pickle.wrapper', 'a wrapper without a dtype, an order or a flag');
  if (alignment !== null && alignment !== ALIGNMENT)
    m.refuse('pickle.wrapper', 'a wrapper with another alignment than 16');
  return { shape, order, dtype, aligned: alignment === ALIGNMENT };
}

/** The bytes that the items take. Bounded before every step, so that a shape cannot wrap around to a small number. */
function contentLength(m: Workspace, { shape, dtype }: Description): number {
  const [name] = dtype.args;
  const width = typeof name === 'string' ? ITEM.exec(name)?.[1] : undefined;
  if (width === undefined) m.refuse('pickle.wrapper', 'an array of items without a fixed size');
  let length = Number(width);
  for (const side of shape.items) {
    if (typeof side !== 'number' || !Number.isSafeInteger(side) || side < 0)
      m.refuse('pickle.wrapper', 'an array with an impossible shape');
    length *= side;
    if (length > m.bytes.length) m.refuse('pickle.truncated', 'an array of more bytes than there are');
  }
  return length;
}

/** One byte that counts the filler, and the filler, so that the items begin at a multiple of 16. */
function takePadding(m: Workspace): void {
  const count = m.takeUint8();
  const start = m.take(count);
  if (count < 1 || count > ALIGNMENT || m.position % ALIGNMENT !== 0)
    m.refuse('pickle.wrapper', 'the items of an array are not aligned as joblib aligns them');
  for (let i = start; i < m.position; i++)
    if (m.bytes[i] !== FILLER) m.refuse('pickle.wrapper', 'something lies in the filler before an array');
}

/**
 * Called after the BUILD of a wrapper, which is on top of the stack. Puts the array there in its place and moves past
 * its bytes; or takes the wrapper away and returns true where a pickle of the array follows, which is to be run next.
 * Throws `pickle.wrapper` for whatever joblib would not have written.
 */
export function endWrapper(m: Workspace): boolean {
  const node = m.pop();
  m.tape.spend(node);
  const wrapper = m.tape.value(node) as Made;
  const description = describe(m, wrapper);
  m.endFrame('a wrapper inside a frame that goes on');
  if (description.dtype.args[0] === 'O8') return true;
  if (description.aligned) takePadding(m);
  const length = contentLength(m, description);
  const start = m.take(length);
  const { dtype, shape, order } = description;
  const content = m.bytes.subarray(start, start + length);
  m.push(m.tape.object(new Made(JOBLIB_ARRAY, [content, dtype, shape, order], wrapper.offset), ARRAY_BYTES));
  return false;
}
