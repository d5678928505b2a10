// The two doors of the decoder: bytes to a model that predicts, and bytes to a list of what they are and why they
// would be refused. Neither opens a file, and neither executes anything.
import { inspectStream, type ListedRefusal, type PickleInspection } from '../pickle/inspect.ts';
import { Machine } from '../pickle/machine.ts';
import { PickleRefusal } from '../pickle/refusal.ts';
import type { Value } from '../pickle/values.ts';
import { type RawModel, readModel } from './estimators.ts';
import { type Predictor, predict } from './predict.ts';
import { ModelRefusal } from './refusal.ts';
import { allocateNodes, packTree } from './tree.ts';

/** What a model says about itself. */
export interface ModelDescription {
  /** Class name in scikit-learn, such as `RandomForestRegressor`. */
  readonly estimator: string;
  readonly sklearnVersion: string;
  /** Numbers per row. */
  readonly features: number;
  /** Trees, or boosting stages. */
  readonly estimators: number;
  /** Nodes of all trees. */
  readonly nodes: number;
  /** Whether a row may hold NaN for a missing value. */
  readonly acceptsMissing: boolean;
}

/** A checked regressor. It holds numbers only; nothing of the file can run. */
export interface CapacityModel {
  readonly description: ModelDescription;
  /**
   * Returns one number per row, each bit as scikit-learn (n_jobs=None) returns it. Throws `model.no-rows`,
   * `model.row-width`, `model.row-value`, `model.row-missing`, `model.row-infinite`, `model.prediction-not-finite`.
   */
  predict(rows: readonly (readonly number[])[]): number[];
}

/** What a file is written with and why it would be refused, in the order of the file. */
export interface ModelInspection extends Omit<PickleInspection, 'value'> {
  /** Present exactly when nothing is refused. */
  readonly description: ModelDescription | undefined;
}

/** Returns the model in a pickle of scikit-learn 1.2 to 1.4, protocols 0 to 5. Throws `pickle.*` and `model.*`. */
export function decodeModel(bytes: Uint8Array): CapacityModel {
  return modelFrom(new Machine(bytes).run());
}

/** Returns what the bytes are. Throws for no bytes at all. */
export function inspectPickle(bytes: Uint8Array): ModelInspection {
  const { value, refusals, ...stream } = inspectStream(bytes);
  if (value === undefined) return Object.freeze({ ...stream, refusals, description: undefined });
  try {
    return Object.freeze({ ...stream, refusals, description: modelFrom(value).description });
  } catch (error) {
    // What a container holds is read here and not in the pass, and may cost too much as well.
    if (!(error instanceof ModelRefusal || error instanceof PickleRefusal)) throw error;
    const { code, offset = 0, message: reason } = error;
    const refused: readonly ListedRefusal[] = [Object.freeze({ code, offset, reason })];
    return Object.freeze({ ...stream, refusals: Object.freeze(refused), description: undefined });
  }
}

function modelFrom(value: Value): CapacityModel {
  const raw = readModel(value);
  requireOwnArrays(raw);
  const total = raw.trees.reduce((sum, { count }) => sum + count, 0);
  const nodes = allocateNodes(total);
  const roots = new Int32Array(raw.trees.length);
  let start = 0;
  raw.trees.forEach((tree, i) => {
    packTree(tree, raw.features, nodes, start);
    roots[i] = start;
    start += tree.count;
  });
  const { estimator, sklearnVersion, features, acceptsMissing, scale, divisor } = raw;
  const predictor: Predictor = { nodes, roots, features, start: raw.start, scale, divisor, acceptsMissing };
  const description = {
    estimator,
    sklearnVersion,
    features,
    estimators: roots.length,
    nodes: total,
    acceptsMissing,
  };
  return Object.freeze({
    description: Object.freeze(description),
    predict: (rows: readonly (readonly number[])[]) => predict(predictor, rows),
  });
}

/** Two bytes of memo reference could name a megabyte of nodes again and again; no fitted model shares an array. */
function requireOwnArrays({ trees }: RawModel): void {
  const seen = new Set<Uint8Array>();
  for (const { nodes, values, offset } of trees) {
    for (const { bytes } of [nodes, values]) {
      if (seen.has(bytes)) throw new ModelRefusal('model.shared', 'two trees share an array', offset);
      seen.add(bytes);
    }
  }
}
