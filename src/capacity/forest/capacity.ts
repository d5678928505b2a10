// What AGILAB's manager does with the model: one row per worker, one label per row, and the labels relative to the
// slowest worker, with which work is divided. Its table of past measurements is read here, too.

import { ModelRefusal } from '../model-refusal.ts';
import type { CapacityModel } from './model.ts';

/** The numbers of a row, in the order that AGILAB trains on. */
export const CAPACITY_FEATURES: readonly string[] = [
  'nb_workers',
  'ram_total',
  'ram_available',
  'cpu_count',
  'cpu_frequency',
  'network_speed',
];

export interface WorkerCapacity {
  readonly worker: string;
  /** What the model predicts. */
  readonly label: number;
  /** The label over the smallest label, rounded to tenths: the slowest worker has 1. */
  readonly capacity: number;
}

/**
 * Returns each worker's capacity, largest first, as AGILAB's manager computes it: `round(label / min(labels), 1)`.
 * Throws what `predict` throws, and `model.capacity-undefined` where the labels allow no such ratio.
 */
export function relativeCapacities(
  model: Pick<CapacityModel, 'predict'>,
  workers: ReadonlyMap<string, readonly number[]>,
): readonly WorkerCapacity[] {
  const names = [...workers.keys()];
  const labels = model.predict([...workers.values()]).map((label) => {
    if (typeof label === 'number') return label;
    throw new ModelRefusal('model.capacity-undefined', 'the model predicts several numbers for each worker');
  });
  const slowest = labels.reduce((least, label) => Math.min(least, label), Number.POSITIVE_INFINITY);
  if (!(slowest > 0))
    throw new ModelRefusal('model.capacity-undefined', 'a worker is predicted to have no capacity');
  const capacities = labels.map((label, i) => {
    const capacity = roundToTenths(label / slowest);
    if (!Number.isFinite(capacity))
      throw new ModelRefusal('model.capacity-undefined', 'two workers are too far apart for a ratio');
    return Object.freeze({ worker: names[i] ?? '', label, capacity });
  });
  return Object.freeze(capacities.sort((a, b) => b.capacity - a.capacity));
}

/**
 * Returns `round(x, 1)` for numpy's float64, which is what a prediction is in Python: ten times x, to the nearest
 * integer with ties to even, over ten. For a plain Python float, round() would answer 0.3 for 0.35; this answers 0.4.
 */
export function roundToTenths(x: number): number {
  const scaled = x * 10;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return (up ? below + 1 : below) / 10;
}

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;
/** Characters. AGILAB's own table has some twenty thousand. */
const LONGEST_TABLE = 64 * 1024 * 1024;

export interface CapacityTable {
  readonly rows: readonly (readonly number[])[];
  /** The measured label of each row. */
  readonly labels: readonly number[];
}

/**
 * Returns AGILAB's table of measurements: a header, then seven numbers per line. Its manager ends the lines that it
 * appends with a bare CR, so CR, LF and CRLF all end a line. Throws `model.row-width` and `model.row-value`.
 */
export function readCapacityTable(text: string): CapacityTable {
  if (text.length > LONGEST_TABLE) throw new ModelRefusal('model.row-width', 'the table is too long');
  const [header, ...lines] = text.replace(/(?:\r\n|\r|\n)$/, '').split(/\r\n|\r|\n/);
  if (header !== [...CAPACITY_FEATURES, 'label'].join(','))
    throw new ModelRefusal('model.row-width', 'the header of the table is not that of a capacity table');
  const records = lines.map((line, i) => {
    const cells = line.split(',');
    if (cells.length !== CAPACITY_FEATURES.length + 1)
      throw new ModelRefusal('model.row-width', `line ${i + 2} of the table does not hold seven numbers`);
    return cells.map((cell) => {
      const value = DECIMAL.test(cell) ? Number(cell) : Number.NaN;
      if (!Number.isFinite(value))
        throw new ModelRefusal(
          'model.row-value',
          `line ${i + 2} of the table holds something else than a number`,
        );
      return value;
    });
  });
  return {
    rows: records.map((record) => record.slice(0, -1)),
    labels: records.map((record) => record[CAPACITY_FEATURES.length] ?? Number.NaN),
  };
}
