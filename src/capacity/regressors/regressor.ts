// What every regressor here is: numbers in, numbers out, in exactly the arithmetic of scikit-learn. Regressors that
// hold others pass them rows as scikit-learn does, and whoever needs more of a row than it was given refuses it.
import { ModelRefusal } from '../model-refusal.ts';

/** A block of rows in float64, one behind the other. */
export interface Rows {
  readonly values: Float64Array;
  readonly count: number;
  /** Numbers per row. */
  readonly width: number;
  /** Number of the first row in the whole call, for messages. */
  readonly first: number;
  /** Whether the whole call is this one row: numpy then adds the members of a vote in another order. */
  readonly alone: boolean;
}

export interface Regressor {
  /** Class name in scikit-learn, such as `RandomForestRegressor`. */
  readonly name: string;
  /** What is applied around it, by class name: the steps of a pipeline before it, a scaled target. */
  readonly steps?: readonly string[];
  /** The scikit-learn that wrote it. */
  readonly version: string;
  /** Numbers per row. */
  readonly features: number;
  /** Numbers per answer. */
  readonly outputs: number;
  /** Trees of it and of all its members, and their nodes. */
  readonly trees: number;
  readonly nodes: number;
  /** Whether a row may hold NaN for a missing value. */
  readonly acceptsMissing: boolean;
  /**
   * Returns `outputs` numbers per row, row by row. Throws `model.row-missing`, `model.row-infinite`, and
   * `model.prediction-not-finite`.
   */
  answer(rows: Rows): Float64Array;
}

/** Refuses what scikit-learn's check_array refuses: infinity, and NaN where the estimator takes none. */
export function requireFinite({ values, width, first }: Rows, acceptsMissing: boolean): void {
  values.forEach((value, i) => {
    if (Number.isFinite(value)) return;
    if (!Number.isNaN(value)) refuseInfinite(first + Math.floor(i / width));
    if (!acceptsMissing) refuseMissing(first + Math.floor(i / width));
  });
}

export function refuseInfinite(row: number): never {
  throw new ModelRefusal('model.row-infinite', `row ${row} holds a number that is too large`);
}

export function refuseMissing(row: number): never {
  throw new ModelRefusal('model.row-missing', `row ${row} lacks a value, which this model cannot take`);
}

/** Refuses answers that are not finite: scikit-learn would hand them on without a word. */
export function requireAnswers(answers: Float64Array, outputs: number, first: number): Float64Array {
  const at = answers.findIndex((answer) => !Number.isFinite(answer));
  if (at >= 0) {
    const row = first + Math.floor(at / outputs);
    throw new ModelRefusal('model.prediction-not-finite', `the prediction for row ${row} is not finite`);
  }
  return answers;
}

export interface Transformer {
  readonly name: string;
  /** Numbers per row before and after. */
  readonly features: number;
  readonly outputs: number;
  /** Whether a missing value passes, and whether none is left behind it. */
  readonly passesMissing: boolean;
  readonly fillsMissing: boolean;
  transform(rows: Rows): Rows;
  /** What a number was before, for a transformer of one column that has a way back. */
  readonly inverse?: (value: number) => number;
}
