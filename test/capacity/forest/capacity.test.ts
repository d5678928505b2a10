// A row becomes a label and a label a relative capacity exactly as AGILAB's manager has it, rounding included.
import { describe, expect, it } from 'vitest';
import {
  readCapacityTable,
  relativeCapacities,
  roundToTenths,
} from '../../../src/capacity/forest/capacity.ts';
import type { CapacityModel } from '../../../src/capacity/forest/model.ts';
import { leftOut, requiresReal } from '../../left-out.ts';
import { DEBIAN_PYTHON, differingBits, doubles, hasSklearn, runPython } from './oracle.ts';

/** A model that answers with what it is told: here the ratio is under test, not the forest. */
const modelOf = (labels: readonly number[]): Pick<CapacityModel, 'predict'> => ({
  predict: () => [...labels],
});
const named = (...names: string[]): Map<string, number[]> => new Map(names.map((name) => [name, [0]]));
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe(
  'relative capacity, beside numpy (left out without python3-sklearn)',
  leftOut(!requiresReal && !hasSklearn(DEBIAN_PYTHON) && 'no scikit-learn here'),
  () => {
    const oracle = JSON.parse(
      requiresReal || hasSklearn(DEBIAN_PYTHON)
        ? runPython(DEBIAN_PYTHON, new URL('rounding-oracle.py', import.meta.url))
        : '{}',
    ) as Record<'values' | 'rounded' | 'labels' | 'capacities', string> &
      Record<'workers' | 'ordered', string[]>;

    it('rounds as round(float64, 1) rounds, ties and neighbours of ties included', () => {
      const values = [...doubles(oracle.values)];
      expect(differingBits(values.map(roundToTenths), doubles(oracle.rounded))).toEqual([]);
    });

    it('is the manager’s ratio in the manager’s order', () => {
      const model = modelOf([...doubles(oracle.labels)]);
      const balanced = relativeCapacities(model, named(...oracle.workers));
      expect(balanced.map(({ worker }) => worker)).toEqual(oracle.ordered);
      expect(
        differingBits(
          balanced.map(({ capacity }) => capacity),
          doubles(oracle.capacities),
        ),
      ).toEqual([]);
    });
  },
);

describe('relative capacity', () => {
  it('asks the model for one row of each worker, in their order, and is not changed afterwards', () => {
    const asked: unknown[] = [];
    const model: Pick<CapacityModel, 'predict'> = {
      ...modelOf([2, 1]),
      predict(rows) {
        asked.push(...rows);
        return [2, 1];
      },
    };
    const answer = relativeCapacities(
      model,
      new Map([
        ['a', [1, 2]],
        ['b', [3, 4]],
      ]),
    );
    expect(asked).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(answer).toEqual([
      { worker: 'a', label: 2, capacity: 2 },
      { worker: 'b', label: 1, capacity: 1 },
    ]);
    for (const part of [answer, ...answer]) expect(Object.isFrozen(part)).toBe(true);
  });

  it.each([
    ['a label of zero', [1, 0]],
    ['a negative label', [1, -1]],
    ['labels whose ratio overflows', [1e300, 1e-300]],
  ])('refuses %s, for which the manager would divide work by nonsense', (_why, labels) => {
    expect(() => relativeCapacities(modelOf(labels), named('a', 'b'))).toThrow(
      code('model.capacity-undefined'),
    );
  });
});

const HEADER = 'nb_workers,ram_total,ram_available,cpu_count,cpu_frequency,network_speed,label';

describe('the table of measurements', () => {
  it('is read with the bare CR that the manager appends lines with', () => {
    expect(readCapacityTable(`${HEADER}\n1,2.5,3,4,5,6e1,7\r2,2,2,2,2,2,-1\r`)).toEqual({
      rows: [
        [1, 2.5, 3, 4, 5, 60],
        [2, 2, 2, 2, 2, 2],
      ],
      labels: [7, -1],
    });
  });

  it('is not even split into lines above 64 MiB', () => {
    const most = 'x'.repeat(2 ** 26);
    expect(() => readCapacityTable(most)).toThrow('header');
    expect(() => readCapacityTable(`${most}x`)).toThrow('too long');
  });

  it.each([
    ['a short line', '1,2'],
    ['a cell that is not a number', '1,2,3,4,5,x,7'],
  ])('says on which line there is %s', (_why, line) => {
    const text = `${HEADER}\n1,2,3,4,5,6,7\n${line}\n`;
    expect(() => readCapacityTable(text)).toThrow('line 3 ');
  });

  it.each([
    ['another header', 'a,b\n1,2', 'model.row-width'],
    ['a short line', `${HEADER}\n1,2`, 'model.row-width'],
    ['a blank line', `${HEADER}\n\n1,2,3,4,5,6,7`, 'model.row-width'],
    ['a cell that is not a number', `${HEADER}\n1,2,3,4,5,0x6,7`, 'model.row-value'],
    ['an empty cell', `${HEADER}\n1,2,3,4,5,,7`, 'model.row-value'],
    ['a cell with something before its number', `${HEADER}\n1,2,3,4,5,x6,7`, 'model.row-value'],
    ['a cell with something behind its number', `${HEADER}\n1,2,3,4,5,6x,7`, 'model.row-value'],
    ['a cell with a space', `${HEADER}\n1,2,3,4,5, 6,7`, 'model.row-value'],
    ['a cell with two points', `${HEADER}\n1,2,3,4,5,6x5,7`, 'model.row-value'],
    ['a cell with an exponent of four digits', `${HEADER}\n1,2,3,4,5,6e0001,7`, 'model.row-value'],
    ['a long line', `${HEADER}\n1,2,3,4,5,6,7,8`, 'model.row-width'],
    ['two blank lines at the end', `${HEADER}\n1,2,3,4,5,6,7\n\n`, 'model.row-width'],
    ['nothing', '', 'model.row-width'],
    ['a number beyond float64', `${HEADER}\n1,2,3,4,5,6,1e999`, 'model.row-value'],
  ])('refuses %s', (_why, text, expected) => {
    expect(() => readCapacityTable(text)).toThrow(code(expected));
  });
});
