// A forest of the size of AGILAB's model, written here: decoded as it is, and predicted as its nodes say.
import { describe, expect, it } from 'vitest';
import { readCapacityTable } from '../../../src/capacity/forest/capacity.ts';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import {
  GROWN_ROWS,
  GROWN_SIZE,
  GROWN_TABLE,
  grownForest,
  grownPrediction,
} from '../../fuzz/grown-forest.ts';

describe('a forest of the size of AGILAB’s', () => {
  const bytes = grownForest();

  it('is decoded as it is, with nothing to refuse', () => {
    expect(decodeModel(bytes).description).toMatchObject({
      estimator: 'RandomForestRegressor',
      ...GROWN_SIZE,
    });
    expect(inspectPickle(bytes).refusals).toEqual([]);
  });

  it('predicts what its nodes say to the last bit, in a batch and row by row', () => {
    const expected = GROWN_ROWS.map(grownPrediction);
    expect(new Set(expected).size).toBeGreaterThan(200);
    const model = decodeModel(bytes);
    expect([...model.predict(GROWN_ROWS)]).toEqual(expected);
    expect(GROWN_ROWS.map((row) => model.predict([row])[0])).toEqual(expected);
  });

  it('is decoded from any alignment of its bytes', () => {
    const rows = GROWN_ROWS.slice(0, 9);
    for (let shift = 1; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect([...decodeModel(moved.subarray(shift)).predict(rows)]).toEqual(rows.map(grownPrediction));
    }
  });

  it('has a table that is read whole', () => {
    expect(readCapacityTable(GROWN_TABLE).rows).toEqual(GROWN_ROWS);
  });
});
