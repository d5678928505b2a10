// What all readers of estimators share: the writer is judged first, parts agree with the whole, and nothing is read twice.
import { ModelRefusal } from '../model-refusal.ts';
import type { NumpyArray } from '../numpy/array.ts';
import type { Made, Value } from '../pickle/values.ts';
import type { State, StateList } from '../state/state.ts';
import { readState } from '../state/state.ts';
import { parseWriter, requireWriter, VERSION_KEY, type Writer } from '../state/writer.ts';
import type { Regressor, Transformer } from './regressor.ts';

/** No capacity table comes near, and predict sets aside room for a block of rows of this width. */
const MOST_FEATURES = 10_000;
const MOST_OUTPUTS = 10_000;
/** A pipeline in a vote in a bag is three levels deep. */
const MOST_LEVELS = 16;

/** One pass over the parts of one model. */
export interface Reading {
  /** Of the whole model; parts by another are refused. `undefined` while the whole is not known yet. */
  readonly writer: Writer | undefined;
  readonly level: number;
  /** Objects and arrays that a part of the model owns alone. */
  readonly owned: Set<object>;
  regressor(value: Value, reading: Reading, owner: Made): Regressor;
  transformer(value: Value, reading: Reading, owner: Made): Transformer;
}

export interface Opened {
  readonly state: State;
  readonly writer: Writer;
  /** For the parts. */
  readonly inside: Reading;
}

/** Returns the state of an estimator. Throws `model.version`, `model.parts-disagree`, `model.shared`, `model.state-*`. */
export function openEstimator(estimator: Made, list: StateList, reading: Reading): Opened {
  requireWriter(estimator);
  const state = readState(estimator, list);
  const writer = parseWriter(state.get(VERSION_KEY), estimator.offset);
  if (reading.writer !== undefined && reading.writer.version !== writer.version)
    throw new ModelRefusal(
      'model.parts-disagree',
      `a part by scikit-learn ${writer.version} in a model by ${reading.writer.version}`,
      estimator.offset,
    );
  if (reading.level === MOST_LEVELS)
    throw new ModelRefusal('model.unsupported', 'estimators nested deeper than any model', estimator.offset);
  // Two bytes of memo reference could name one tree again and again; no fitted model holds a part twice.
  own(reading, estimator, estimator.offset);
  return { state, writer, inside: { ...reading, writer, level: reading.level + 1 } };
}

function own({ owned }: Reading, part: object, offset: number): void {
  if (owned.has(part))
    throw new ModelRefusal('model.shared', 'a model holds one tree, array or part twice', offset);
  owned.add(part);
}

/** Two bytes could also name a megabyte of nodes again and again; no fitted model shares an array. */
export function ownArray(reading: Reading, { bytes }: NumpyArray, offset: number): void {
  own(reading, bytes, offset);
}

/** Returns the width of a row. */
export function featuresOf(state: State): number {
  const features = state.count('n_features_in_');
  if (features > MOST_FEATURES) state.unsupported('too many features');
  return features;
}

/** Returns the number of targets. */
export function outputsOf(state: State): number {
  const outputs = state.count('n_outputs_');
  if (outputs > MOST_OUTPUTS) state.unsupported('too many targets');
  return outputs;
}

/** Requires a member to take rows of the same width as its owner. */
export function requireWidth(state: State, member: { readonly features: number }, features: number): void {
  if (member.features !== features) state.disagree('a part takes rows of another width');
}

/** Requires a member to predict one target. */
export function requireOneOutput(state: State, member: Regressor): Regressor {
  if (member.outputs !== 1) state.unsupported('a member with more than one target');
  return member;
}
