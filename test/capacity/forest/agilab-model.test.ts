// AGILAB's own model, beside what scikit-learn 1.4.2 with numpy 2 predicted from it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAPACITY_FEATURES, readCapacityTable } from '../../../src/capacity/forest/capacity.ts';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { beside, withBeside } from '../../left-out.ts';
import { differingBits } from './oracle.ts';

const folder = beside('agilab');
const present = existsSync(folder);

describe('AGILAB’s model', withBeside('agilab'), () => {
  const read = (name: string): Buffer => (present ? readFileSync(new URL(name, folder)) : Buffer.of());
  const bytes = read('balancer_model.pkl');
  const truth = JSON.parse(present ? read('predictions.json').toString('utf8') : '{}') as {
    model_sha256: string;
    feature_names: string[];
    cases: { x: (number | 'nan')[]; ybits: string }[];
  };

  it('is decoded as it is, with nothing to refuse', () => {
    expect(decodeModel(bytes).description).toEqual({
      estimator: 'RandomForestRegressor',
      sklearnVersion: '1.4.1.post1',
      features: 6,
      estimators: 100,
      nodes: 26_642,
      acceptsMissing: true,
      outputs: 1,
      format: 'pickle protocol 5',
      holder: 'RandomForestRegressor',
      at: '',
      steps: [],
      beside: [],
    });
    const { refusals, globals, opcodes } = inspectPickle(bytes);
    expect(refusals).toEqual([]);
    expect(globals.map(({ times, allowed }) => [times, allowed])).toEqual(Array(5).fill([1, true]));
    expect(opcodes.reduce((sum, [, count]) => sum + count, 0)).toBe(10_671);
  });

  it('predicts every row of the ground truth to the last bit, in a batch and row by row', () => {
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(truth.model_sha256);
    expect(truth.feature_names).toEqual(CAPACITY_FEATURES);
    const rows = truth.cases.map(({ x }) => x.map((value) => (value === 'nan' ? Number.NaN : value)));
    const expected = new Float64Array(
      BigUint64Array.from(truth.cases, ({ ybits }) => BigInt(`0x${ybits}`)).buffer,
    );
    const model = decodeModel(bytes);
    expect(rows.length).toBeGreaterThan(200);
    expect(differingBits(model.predict(rows), expected)).toEqual([]);
    expect(
      differingBits(
        rows.map((row) => model.predict([row])[0] ?? Number.NaN),
        expected,
      ),
    ).toEqual([]);
  });

  it('is decoded from any alignment of its bytes', () => {
    const expected = Float64Array.from(
      decodeModel(bytes)
        .predict([[1, 34, 26, 16, 2.4, 54]])
        .flat(),
    );
    for (let shift = 1; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      const model = decodeModel(moved.subarray(shift));
      expect(differingBits(model.predict([[1, 34, 26, 16, 2.4, 54]]), expected)).toEqual([]);
    }
  });

  it('has a table that is read whole', () => {
    expect(readCapacityTable(read('balancer_df.csv').toString('utf8')).rows).toHaveLength(285);
  });
});
