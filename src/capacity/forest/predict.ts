// Prediction from rows as callers have them: checked, copied block by block, and answered in the order they came.
import { ModelRefusal } from '../model-refusal.ts';
import { type Regressor, requireAnswers } from '../regressors/regressor.ts';
import { MOST_ROWS } from '../regressors/tree-sum.ts';

/** One number per row for one target, one array per row for several. */
export type Predictions = number[] | number[][];

/**
 * Returns the regressor's answers. Each row is `features` numbers; NaN stands for a missing value where the estimator
 * takes one. Throws `model.no-rows`, `model.row-width`, `model.row-value`, `model.row-missing`, `model.row-infinite`
 * where scikit-learn raises ValueError, and `model.prediction-not-finite` where it would silently return infinity.
 */
export function predict(regressor: Regressor, rows: readonly (readonly number[])[]): Predictions {
  if (rows.length === 0) throw new ModelRefusal('model.no-rows', 'there is no row to predict from');
  const { features: width, outputs } = regressor;
  const block = new Float64Array(Math.min(MOST_ROWS, rows.length) * width);
  const predictions = new PredictionList(outputs);
  for (let first = 0; first < rows.length; first += MOST_ROWS) {
    const count = Math.min(MOST_ROWS, rows.length - first);
    copyRows(rows, first, count, width, block);
    const values = block.subarray(0, count * width);
    const answers = regressor.answer({ values, count, width, first, alone: rows.length === 1 });
    predictions.add(requireAnswers(answers, outputs, first));
  }
  return predictions.done();
}

/** Answers as they come, as callers get them. */
export class PredictionList {
  private readonly outputs: number;
  private readonly singles: number[] = [];
  private readonly several: number[][] = [];

  constructor(outputs: number) {
    this.outputs = outputs;
  }

  /** Adds the answers to the rows that follow. */
  add(answers: Float64Array): void {
    const { outputs } = this;
    if (outputs === 1) for (const answer of answers) this.singles.push(answer);
    else
      for (let at = 0; at < answers.length; at += outputs)
        this.several.push([...answers.subarray(at, at + outputs)]);
  }

  done(): Predictions {
    return this.outputs === 1 ? this.singles : this.several;
  }
}

/** Copies `count` rows from `first` on. Throws `model.row-width` and `model.row-value`. */
export function copyRows(
  rows: readonly (readonly number[])[],
  first: number,
  count: number,
  width: number,
  into: Float64Array,
): void {
  for (let r = 0; r < count; r++) copyRow(rows[first + r], first + r, width, into, r * width);
}

function copyRow(
  row: readonly number[] | undefined,
  index: number,
  width: number,
  into: Float64Array,
  at: number,
): void {
  if (!Array.isArray(row) || row.length !== width)
    throw new ModelRefusal('model.row-width', `row ${index} does not hold ${width} numbers`);
  for (let f = 0; f < width; f++) {
    const value: unknown = row[f];
    if (typeof value !== 'number')
      throw new ModelRefusal('model.row-value', `row ${index} holds something that is not a number`);
    into[at + f] = value;
  }
}
