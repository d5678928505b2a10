// Which class is read by whom.
import { ModelRefusal } from '../model-refusal.ts';
import { Made, type Value } from '../pickle/values.ts';
import { readAdaBoost } from './ada-boost.ts';
import { readBagging } from './bagging.ts';
import { readHistogram } from './histogram.ts';
import { readPipeline, readTarget, readTransformers } from './pipeline.ts';
import type { Reading } from './reading.ts';
import type { Regressor, Transformer } from './regressor.ts';
import { readSearch, SEARCHES } from './search.ts';
import { readImputer, readMinMaxScaler, readStandardScaler } from './transformer.ts';
import { readBoosting, readForest, readSingle } from './trees.ts';
import { readVoting } from './voting.ts';

type Read<T> = (estimator: Made, reading: Reading) => T;
/** By name alone: the allow-list has each of them in one module. */
const REGRESSORS: ReadonlyMap<string, Read<Regressor>> = new Map([
  ['DecisionTreeRegressor', readSingle],
  ['ExtraTreeRegressor', readSingle],
  ['RandomForestRegressor', readForest],
  ['ExtraTreesRegressor', readForest],
  ['GradientBoostingRegressor', readBoosting],
  ['HistGradientBoostingRegressor', readHistogram],
  ['AdaBoostRegressor', readAdaBoost],
  ['BaggingRegressor', readBagging],
  ['VotingRegressor', readVoting],
  ['Pipeline', readPipeline],
  ['TransformedTargetRegressor', readTarget],
  ...SEARCHES.map((name) => [name, readSearch] as const),
]);
const TRANSFORMERS: ReadonlyMap<string, Read<Transformer>> = new Map([
  ['StandardScaler', readStandardScaler],
  ['MinMaxScaler', readMinMaxScaler],
  ['SimpleImputer', readImputer],
  ['Pipeline', readTransformers],
]);

export const isRegressor = (value: Value | undefined): value is Made =>
  value instanceof Made && value.allowed.by === 'NEWOBJ' && REGRESSORS.has(value.allowed.name);

/** What may stand before a regressor; a pipeline counts as a regressor. */
export const isTransformer = (value: Value | undefined): value is Made =>
  value instanceof Made && value.allowed.by === 'NEWOBJ' && TRANSFORMERS.has(value.allowed.name);

function read<T>(readers: ReadonlyMap<string, Read<T>>) {
  return (value: Value, reading: Reading, owner: Made): T => {
    const reader = value instanceof Made && value.allowed.by === 'NEWOBJ' && readers.get(value.allowed.name);
    if (value instanceof Made && reader) return reader(value, reading);
    const found = value instanceof Made ? value.allowed.name : 'something else';
    const where = value instanceof Made ? value.offset : owner.offset;
    throw new ModelRefusal(
      'model.unsupported',
      `${owner.allowed.name} holds ${found} where one of these is due: ${[...readers.keys()].join(', ')}`,
      where,
    );
  };
}

/** Returns the regressor that an estimator describes. Throws {@link ModelRefusal}. */
export function readRegressor(estimator: Made): Regressor {
  const regressor = read(REGRESSORS);
  const transformer = read(TRANSFORMERS);
  const reading: Reading = { writer: undefined, level: 0, owned: new Set(), regressor, transformer };
  return regressor(estimator, reading, estimator);
}
