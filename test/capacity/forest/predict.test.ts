// What prediction does where scikit-learn has no say, or says infinity without a word.
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import {
  array,
  boosting,
  forest,
  GOOD_NODES,
  I8,
  leaf,
  split,
  tree,
  treeEstimator,
} from '../../fuzz/model-writer.ts';
import { type Py, pickle } from '../../fuzz/pickle-writer.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });
const single = (value: number): Py => treeEstimator({ tree_: tree({ nodes: [leaf(value)] }) });
const model = decodeModel(pickle(forest()));

describe('prediction', () => {
  it('refuses a sum beyond float64 instead of answering infinity', () => {
    const overflowing = decodeModel(pickle(forest({}, [single(1.7e308), single(1.7e308)])));
    expect(() => overflowing.predict([[0, 0]])).toThrow(code('model.prediction-not-finite'));
  });

  it('keeps the sign of a leaf of -0 in a lone tree, and loses it in a forest, whose sum starts at 0', () => {
    expect(decodeModel(pickle(single(-0))).predict([[0, 0]])[0]).toBe(-0);
    expect(decodeModel(pickle(forest({}, [single(-0), single(-0)]))).predict([[0, 0]])[0]).toBe(0);
  });

  it('multiplies each stage by the learning rate and adds it, with two roundings', () => {
    const staged = decodeModel(pickle(boosting()));
    expect(staged.predict([[1, 1]])).toEqual([1.5 + 0.1 * 3.25 + 0.1 * 3.25]);
  });

  it('goes as far as a model may: ten thousand features, and samples that only an int64 counts', () => {
    const widest = treeEstimator({
      n_features_in_: 10_000,
      tree_: tree({ args: [10_000, array(I8, [1], Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)), 1] }),
    });
    expect(decodeModel(pickle(widest)).predict([Array.from({ length: 10_000 }, () => 0)])).toEqual([1]);
    const nodes = GOOD_NODES.map((node) => ({ ...node, samples: 2 ** 32 }));
    expect(decodeModel(pickle(treeEstimator({ tree_: tree({ nodes }) }))).description.nodes).toBe(5);
  });

  it('compares in float32: what differs only beyond it goes left with the threshold', () => {
    expect(model.predict([[0.5 + 1e-9, 0]])).toEqual(model.predict([[0.5, 0]]));
    expect(model.predict([[0.5 + 1e-6, 0]])).not.toEqual(model.predict([[0.5, 0]]));
  });

  const V1_3 = { _sklearn_version: '1.3.2' };
  const V1_4 = { _sklearn_version: '1.4.2' };
  it.each<[string, Py, boolean]>([
    // sklearn/tree/_classes.py: from 1.3 on with splitter "best" and three criteria; from 1.4 on without constraints.
    ['a tree of 1.3', treeEstimator(V1_3), true],
    ['a tree of 1.3 with constraints', treeEstimator({ ...V1_3, monotonic_cst: { list: [1, 0] } }), true],
    ['a tree of 1.3 of random splits', treeEstimator({ ...V1_3, splitter: 'random' }), false],
    ['a tree of 1.3 by absolute error', treeEstimator({ ...V1_3, criterion: 'absolute_error' }), false],
    ['a tree of 1.4', treeEstimator(V1_4), true],
    ['a tree of 1.4 with constraints', treeEstimator({ ...V1_4, monotonic_cst: { list: [1, 0] } }), false],
    ['a forest of 1.3', forest(V1_3, [treeEstimator(V1_3), treeEstimator(V1_3)]), false],
    ['a forest of 1.4', forest(V1_4, [treeEstimator(V1_4), treeEstimator(V1_4)]), true],
    [
      'a forest of 1.4 whose first tree takes none',
      forest(V1_4, [treeEstimator({ ...V1_4, splitter: 'random' }), treeEstimator(V1_4)]),
      false,
    ],
  ])('says whether %s takes a missing value', (_what, value, expected) => {
    expect(decodeModel(pickle(value)).description.acceptsMissing).toBe(expected);
  });

  it('sends a missing value where its node says', () => {
    const flagged = treeEstimator({
      tree_: tree({ nodes: GOOD_NODES.map((node, i) => (i === 0 ? { ...node, missing: 1 } : node)) }),
    });
    expect(decodeModel(pickle(flagged)).predict([[Number.NaN, Number.NaN]])).toEqual([2]);
    expect(decodeModel(pickle(treeEstimator())).predict([[Number.NaN, Number.NaN]])).toEqual([3.25]);
  });

  it('answers a long batch as it answers each row, whichever rows of it are missing a value', () => {
    const rows = Array.from({ length: 1003 }, (_, i) => [i === 300 ? Number.NaN : (i % 7) / 6, (i % 11) / 5]);
    expect(model.predict(rows)).toEqual(rows.map((row) => model.predict([row])[0]));
  });

  it('answers any number of rows with any number of trees, each row in the order of the trees', () => {
    const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
    const rows = count(520).map((i) => [(i % 7) / 6, (i % 11) / 5]);
    for (const trees of count(14).slice(1)) {
      // Leaves of such sizes that another order of adding them would show in the last bits.
      const value = (t: number, side: number): number => (1 + side) * 10 ** ((t * 5) % 9) + 0.1 * t;
      const grown = count(trees).map((t) => {
        const nodes = [
          split(1, 4, 0, 0.5),
          split(2, 3, 1, 1.5),
          ...[0, 1, 2].map((at) => leaf(value(t, at))),
        ];
        return treeEstimator({ tree_: tree({ nodes }) });
      });
      const several = decodeModel(pickle(forest({}, grown)));
      const expected = rows.map(([x = 0, y = 0]) => {
        const side = Math.fround(x) <= 0.5 ? (Math.fround(y) <= 1.5 ? 0 : 1) : 2;
        return count(trees).reduce((sum, t) => sum + value(t, side), 0) / trees;
      });
      for (const length of [...count(14).slice(1), 251, 252, 253, 258, 503, 504, 505, 520])
        expect(several.predict(rows.slice(0, length))).toEqual(expected.slice(0, length));
    }
  });

  it('compares alike at the edges of float32, in a batch and alone', () => {
    const tiny = 2 ** -149; // the least number that float32 has
    const most = 2 ** 128 - 2 ** 104; // and the greatest
    const edges = [0, -0, tiny, -tiny, tiny / 2, tiny * 0.75, tiny * 1.5, 2 ** -126, 1, -1, most, -most];
    const between = [1 + 2 ** -24, 1 + 2 ** -25, -1 - 2 ** -24, 5e-324, -5e-324, 1e300, -1e300];
    for (const threshold of [...edges, ...between, Number.POSITIVE_INFINITY]) {
      const nodes = [split(1, 2, 1, threshold), leaf(1), leaf(2)];
      const one = decodeModel(pickle(treeEstimator({ tree_: tree({ nodes }) })));
      const rows = [...edges, ...between.slice(0, 5)].map((value) => [0, value]);
      const expected = rows.map(([, value = 0]) => (Math.fround(value) <= threshold ? 1 : 2));
      expect(one.predict(rows)).toEqual(expected);
      expect(rows.map((row) => one.predict([row])[0])).toEqual(expected);
    }
  });

  it.each<[string, unknown, string]>([
    ['text', [['0.5', 0]], 'model.row-value'],
    ['null', [[null, 0]], 'model.row-value'],
    ['a hole', [Object.assign([], { length: 2 })], 'model.row-value'],
    ['a bigint', [[1n, 0]], 'model.row-value'],
    ['no array', [{ 0: 1, 1: 2, length: 2 }], 'model.row-width'],
    ['a short row among good ones', [[0, 0], [0]], 'model.row-width'],
  ])('refuses %s for a row of numbers', (_what, rows, expected) => {
    expect(() => model.predict(rows as number[][])).toThrow(code(expected));
  });
});
