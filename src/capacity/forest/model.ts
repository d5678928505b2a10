// The two doors of the decoder: bytes to a model that predicts, and bytes to a list of what they are and why they
// would be refused. Neither opens a file, and neither executes anything.
import type { Buffer } from 'node:buffer';
import { openContainer } from '../container/open.ts';
import { ModelRefusal } from '../model-refusal.ts';
import { Machine } from '../pickle/machine.ts';
import { PickleRefusal } from '../pickle/refusal.ts';
import { Made, type Value } from '../pickle/values.ts';
import { readRegressor } from '../regressors/read.ts';
import type { Regressor } from '../regressors/regressor.ts';
import { explain } from './explain.ts';
import { type Predictions, predict } from './predict.ts';
import { unwrap } from './unwrap.ts';

/** What a model says about itself. */
export interface ModelDescription {
  /** Class name of the regressor in scikit-learn, such as `RandomForestRegressor`. */
  readonly estimator: string;
  readonly sklearnVersion: string;
  /** Numbers per row. */
  readonly features: number;
  /** Numbers per answer. */
  readonly outputs: number;
  /** Trees, or boosting stages, of the regressor and all its members. */
  readonly estimators: number;
  /** Nodes of all trees. */
  readonly nodes: number;
  /** Whether a row may hold NaN for a missing value. */
  readonly acceptsMissing: boolean;
  /** How the file is written, such as `pickle protocol 5` or `joblib, zlib`. */
  readonly format: string;
  /** What the file holds: a class name, or `dict`, `list`, `tuple`. */
  readonly holder: string;
  /** What was unwrapped to get to the model, as Python would write it; empty where the file holds just that. */
  readonly at: string;
  /** What is applied around the regressor, by class name. */
  readonly steps: readonly string[];
  /** What lies beside the model in the file and is not applied. */
  readonly beside: readonly string[];
}

/** A checked regressor. It holds numbers only; nothing of the file can run. */
export interface CapacityModel {
  readonly description: ModelDescription;
  /**
   * Returns one number per row, or with several targets one array per row; each bit as scikit-learn (n_jobs=None)
   * returns it for the same rows in one call. Throws `model.no-rows`, `model.row-width`, `model.row-value`,
   * `model.row-missing`, `model.row-infinite`, `model.prediction-not-finite`.
   */
  predict(rows: readonly (readonly number[])[]): Predictions;
}

export interface DecodeOptions {
  /** Where in the file the model is, as Python would write it: `best_estimator_`, `['model']`, `[0]`. */
  readonly at?: string | undefined;
}

const MIB = 2 ** 20;

/** What a stream may cost to decode where it was inflated: with it no more than 64 MiB or 20 times the file. */
export const budgetOf = (file: Uint8Array, stream: Buffer): number | undefined =>
  stream.length === file.length ? undefined : Math.max(64 * MIB, 20 * file.length) - stream.length;

/** Runs a strict pass over a file, and `use` on the value in it. A refusal says what the file is and where. */
function decode<T>(file: Uint8Array, use: (value: Value, format: string) => T): T {
  const { stream, compression } = openContainer(file);
  const machine = new Machine(stream, undefined, budgetOf(file, stream));
  try {
    const value = machine.run();
    return use(value, formatOf(machine.joblib, machine.protocolAt(0), compression));
  } catch (error) {
    throw placed(error instanceof PickleRefusal ? explain(stream, error) : error, compression);
  }
}

/**
 * Returns the model in a file of scikit-learn 1.0 to 1.9: a pickle of protocols 0 to 5, or joblib's, raw or compressed
 * with zlib or gzip. Throws `container.*`, `pickle.*` and `model.*`.
 */
export function decodeModel(file: Uint8Array, { at }: DecodeOptions = {}): CapacityModel {
  return decode(file, (value, format) => modelFrom(value, format, at));
}

/** As {@link decodeModel}, what predicts in it alone. */
export function decodeRegressor(file: Uint8Array, at: string): Regressor {
  return decode(file, (value) => readRegressor(unwrap(value, at).model));
}

/** How a stream is written, for people. */
export function formatOf(joblib: boolean, protocol: number, compression: string | undefined): string {
  const pickled = joblib ? 'joblib' : `pickle protocol ${protocol}`;
  return compression === undefined ? pickled : `${pickled}, ${compression}`;
}

/** Says of a place in a compressed file that it is counted in the inflated stream. */
export function placed(error: unknown, compression: string | undefined): unknown {
  if (compression !== undefined && isRefusal(error))
    error.message = error.message.replace(/\(byte ([0-9]+)\)$/, '(byte $1 of the inflated stream)');
  return error;
}

/** Returns the model in a decoded value. Throws `model.*`. */
export function modelFrom(value: Value, format: string, at?: string): CapacityModel {
  const found = unwrap(value, at);
  const regressor = readRegressor(found.model);
  const description: ModelDescription = {
    estimator: regressor.name,
    sklearnVersion: regressor.version,
    features: regressor.features,
    outputs: regressor.outputs,
    estimators: regressor.trees,
    nodes: regressor.nodes,
    acceptsMissing: regressor.acceptsMissing,
    format,
    holder: holderOf(value),
    at: found.at,
    steps: Object.freeze([...(regressor.steps ?? [])]),
    beside: Object.freeze([...found.beside]),
  };
  return Object.freeze({
    description: Object.freeze(description),
    predict: (rows: readonly (readonly number[])[]) => predict(regressor, rows),
  });
}

/** What a decoded value is in Python. */
function holderOf(value: Value): string {
  if (value instanceof Made) return value.allowed.name;
  return typeof value === 'object' && value !== null ? value.constructor.name.toLowerCase() : typeof value;
}

/** Whether an error is a finding about a value, and not a mistake of ours. */
export const isRefusal = (error: unknown): error is ModelRefusal | PickleRefusal =>
  error instanceof ModelRefusal || error instanceof PickleRefusal;
