// Every reason why decoded data is not a model, or a row is not something to predict from, with what to do about it.
import { CodedError } from '../evidence/coded-error.ts';

const SAVE =
  'Save the fitted regressor alone, as scikit-learn 1.0 to 1.9 writes it; docs/models.md says which load, and how to go on with the others.';
const RETRAIN = 'Train the model again with one of scikit-learn 1.0 to 1.9, and save it as it is.';
const PLAIN = 'Give the estimator plain numbers and words, fit it again, and save it as it is.';
const HOSTILE = 'Do not load this file in Python. Find out who wrote it, and train the model again.';
const ROWS = 'Give each row as an array of finite numbers, one per feature, in the order of training.';

/** Code to remedy. The keys are the closed set of model refusals. */
const REMEDIES = {
  'model.not-an-estimator': SAVE,
  'model.unsupported': SAVE,
  'model.unfitted': 'Fit the model first, then save it.',
  'model.ambiguous': 'Say which one: --at PATH.',
  'model.no-such-path': 'Name a place that the file has: guardrails model inspect lists its models.',
  'model.version': RETRAIN,
  'model.dtype': RETRAIN,
  'model.state-missing': RETRAIN,
  'model.state-unlisted': SAVE,
  'model.state-duplicate': HOSTILE,
  'model.state-value': PLAIN,
  'model.parts-disagree': RETRAIN,
  'model.array': HOSTILE,
  'model.shared': HOSTILE,
  'model.tree-size': HOSTILE,
  'model.tree-child': HOSTILE,
  'model.tree-leaf': HOSTILE,
  'model.tree-feature': HOSTILE,
  'model.tree-threshold': HOSTILE,
  'model.tree-value': HOSTILE,
  'model.tree-missing-flag': HOSTILE,
  'model.tree-samples': HOSTILE,
  'model.no-rows': ROWS,
  'model.row-width': ROWS,
  'model.row-value': ROWS,
  'model.row-missing': ROWS,
  'model.row-infinite': ROWS,
  'model.prediction-not-finite': RETRAIN,
  'model.capacity-undefined': RETRAIN,
  'model.bytes-changed': 'Its file was written to since: ask the guard for the model again.',
  'model.threads-closed': 'Open its threads again, or predict with the model itself.',
  'model.threads-unavailable': 'Ask for fewer threads, or predict with the model itself.',
} as const;

export type ModelCode = keyof typeof REMEDIES;

/** Data that is not a model, or a row that no prediction can be made from. */
export class ModelRefusal extends CodedError {
  declare readonly code: ModelCode;
  /** First byte of the opcode that made the refused object; `undefined` when a row is refused. */
  readonly offset: number | undefined;

  constructor(code: ModelCode, why: string, offset?: number) {
    super(code, offset === undefined ? why : `${why} (byte ${offset})`, REMEDIES[code]);
    this.offset = offset;
  }
}
