// joblib's arrays: what joblib writes is read, and every byte of it that could be another is refused.
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { boosting, doubles, F8, GOOD_NODES, tree, treeEstimator } from '../../fuzz/model-writer.ts';
import { op, type Py, pickle, type Token, tokensOf } from '../../fuzz/pickle-writer.ts';

const WRAPPER: Py = { global: ['joblib.numpy_pickle', 'NumpyArrayWrapper'] };
const values = doubles(GOOD_NODES.map(({ value }) => value));
type Entries = readonly (readonly [Py, Py])[];
const described = (changes: Readonly<Record<string, Py>> = {}, shape: readonly Py[] = [5, 1, 1]): Entries =>
  Object.entries({
    subclass: { global: ['numpy', 'ndarray'] },
    shape: { tuple: shape },
    order: 'C',
    dtype: F8,
    allow_mmap: true,
    ...changes,
  } satisfies Record<string, Py>);
const ALIGNED = { numpy_array_alignment_bytes: 16 };

/** A model whose values are an array of joblib's: its description, then `content`. */
function dumped(entries: Entries, content: readonly Token[], ...more: readonly Token[]): Uint8Array {
  const raw = [...tokensOf({ newobj: WRAPPER, state: { dict: entries } }), ...content, ...more];
  return pickle(treeEstimator({ tree_: tree({ valueArray: { raw } }) }));
}

/** The same, its items where joblib would align them: as many bytes of filler as that takes. */
function aligned(filler: (count: number) => Uint8Array, entries = described(ALIGNED)): Uint8Array {
  const [file] = Array.from({ length: 16 }, (_, i) => dumped(entries, [filler(i + 1), values])).filter(
    (bytes) => Buffer.from(bytes).indexOf(Buffer.from(values)) % 16 === 0,
  );
  if (file === undefined) throw new Error('no filler aligns the items');
  return file;
}
const filler = (count: number): Uint8Array => op(count, new Uint8Array(count).fill(0xff));

function outcome(bytes: Uint8Array): string {
  try {
    return `predicts ${decodeModel(bytes)
      .predict([[0, 0]])
      .join()}`;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}
const GOOD = outcome(pickle(treeEstimator()));

describe('an array in joblib’s layout', () => {
  it('is read as joblib writes it, before 1.2 and from then on', () => {
    expect(outcome(dumped(described(), [values]))).toBe(GOOD);
    expect(outcome(dumped(described({ numpy_array_alignment_bytes: null }), [values]))).toBe(GOOD);
    expect(outcome(aligned(filler))).toBe(GOOD);
    expect(decodeModel(aligned(filler)).description.format).toBe('joblib');
  });

  it.each<[string, Uint8Array]>([
    ['other filler', aligned((count) => op(count, new Uint8Array(count).fill(count === 1 ? 0 : 0xfe)))],
    ['no filler', dumped(described(ALIGNED), [op(0), values])],
    ['filler for another place', dumped(described(ALIGNED), [filler(16), op(0x4e), values])],
    ['another alignment', dumped(described({ numpy_array_alignment_bytes: 8 }), [filler(8), values])],
    ['a key more', dumped([...described(), ['more', 1]], [values])],
    ['a key less', dumped(described().slice(0, -1), [values])],
    ['keys in another order', dumped(described().toReversed(), [values])],
    ['a key twice', dumped([...described(), ['shape', { tuple: [5] }]], [values])],
    ['another class', dumped(described({ subclass: { global: ['numpy', 'dtype'] } }), [values])],
    ['another order', dumped(described({ order: 'A' }), [values])],
    ['no dtype', dumped(described({ dtype: 'f8' }), [values])],
    ['a number for a flag', dumped(described({ allow_mmap: 1 }), [values])],
    ['a list for a shape', dumped(described({ shape: { list: [5, 1, 1] } }), [values])],
    ['a negative side', dumped(described({}, [-5, -1, 1]), [values])],
    ['a side in fractions', dumped(described({}, [{ float: 5 }, 1, 1]), [values])],
    ['more sides than numpy has', dumped(described({}, Array(33).fill(1)), [values])],
  ])('is refused with %s', (_what, bytes) => {
    expect(outcome(bytes)).toBe('pickle.wrapper');
  });

  it.each<[string, readonly Py[]]>([
    ['longer than the stream', [2 ** 28, 1, 1]],
    ['whose sides multiply beyond 2^53', [2 ** 30, 2 ** 30, 2 ** 30]],
    ['whose sides multiply to 0 in 64 bits', [2 ** 31 - 1, 2 ** 31 - 1, 8]],
  ])('is refused %s', (_what, shape) => {
    expect(outcome(dumped(described({}, shape), [values]))).toBe('pickle.truncated');
  });

  it('is refused in columns where scikit-learn reads rows', () => {
    expect(outcome(dumped(described({ order: 'F' }), [values]))).toBe('model.array');
  });

  it('is refused inside a frame that goes on: joblib and others would read on at different places', () => {
    const raw = [...tokensOf({ newobj: WRAPPER, state: { dict: described() } })];
    const length = raw.reduce((sum, token) => sum + token.length, 0);
    const framed = (extra: number): Uint8Array => {
      const size = op(0x95, new Uint8Array(BigUint64Array.of(BigInt(length + extra)).buffer));
      return pickle(treeEstimator({ tree_: tree({ valueArray: { raw: [size, ...raw, values] } }) }));
    };
    expect(outcome(framed(0))).toBe(GOOD);
    for (const extra of [1, 8, values.length]) expect(outcome(framed(extra))).toBe('pickle.wrapper');
  });

  it('is refused where its number in the memo is asked for, which means the wrapper to joblib', () => {
    const made = tokensOf({ newobj: WRAPPER });
    const wrapper = [...made, op(0x94), ...tokensOf({ dict: described() }), op('b')];
    const list = (last: Token): Uint8Array =>
      Uint8Array.from(Buffer.concat([op(0x80, 4, ']('), ...wrapper, values, last, op('e.')]));
    expect(outcome(list(op('N')))).toBe('model.not-an-estimator');
    expect(outcome(list(op('h', 0)))).toBe('pickle.wrapper');
  });
});

const O8_TYPE: Py = {
  reduce: [{ global: ['numpy', 'dtype'] }, 'O8', false, true],
  state: { tuple: [3, '|', null, null, null, -1, -1, 63] },
};
const reconstruct = (shape: readonly Py[], items: readonly Py[]): Py => ({
  reduce: [
    { global: ['numpy.core.multiarray', '_reconstruct'] },
    { global: ['numpy', 'ndarray'] },
    { tuple: [0] },
    Uint8Array.of(0x62),
  ],
  state: { tuple: [1, { tuple: shape }, O8_TYPE, false, { list: items }] },
});
const stages = reconstruct([2, 1], [treeEstimator(), treeEstimator()]);
/** Boosting whose stages are an array of objects: a description, then `content`. */
const boosted = (...content: readonly Token[]): Uint8Array => {
  const entries = described({ dtype: O8_TYPE, allow_mmap: false }, [2, 1]);
  const raw = [...tokensOf({ newobj: WRAPPER, state: { dict: entries } }), ...content];
  return pickle(boosting({ estimators_: { raw } }));
};

describe('an array of objects in joblib’s layout', () => {
  it('is the pickle that follows it', () => {
    expect(outcome(boosted(pickle(stages)))).toBe(outcome(pickle(boosting())));
  });

  it.each<[string, readonly Token[], string]>([
    ['that ends too soon', [pickle(stages).slice(0, -1)], 'pickle.no-mark'],
    ['with two values', [op(0x80, 4, 'NN.')], 'pickle.leftover'],
    ['with a mark left', [op(0x80, 4, '(N.')], 'pickle.leftover'],
    ['that takes from what is outside', [op(0x80, 4, '\x85.')], 'pickle.stack-underflow'],
    ['that asks for the memo outside', [op(0x80, 4, 'h', 0, '.')], 'pickle.memo-missing'],
    ['that is something else', [op(0x80, 4, 'N.')], 'model.state-value'],
    ['in a protocol that does not exist', [op(0x80, 9, 'N.')], 'pickle.proto-unknown'],
    ['that ends inside its frame', [op(0x80, 4, 0x95, [9, 0, 0, 0, 0, 0, 0, 0], 'N.')], 'pickle.wrapper'],
  ])('is refused as a pickle %s', (_what, content, expected) => {
    expect(outcome(boosted(...content))).toBe(expected);
  });

  it('is refused with an array of joblib’s in it: joblib pickles what is inside plainly', () => {
    const inner = [...tokensOf({ newobj: WRAPPER, state: { dict: described({ dtype: O8_TYPE }, [1]) } })];
    const nested = Buffer.concat([op(0x80, 4), ...inner, pickle(null), op('.')]);
    expect(outcome(boosted(nested))).toBe('pickle.wrapper');
    const numbers = [...tokensOf({ newobj: WRAPPER, state: { dict: described() } }), values];
    expect(outcome(boosted(Buffer.concat([op(0x80, 4), ...numbers, op('.')])))).toBe('pickle.wrapper');
  });
});
