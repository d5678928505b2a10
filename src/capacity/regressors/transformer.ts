// What stands before a regressor in a pipeline, or changes its answers back: scalers and the imputer, in scikit-learn's
// own arithmetic, all in float64 and step by step.
import { readFloats, readIndices } from '../numpy/array.ts';
import { readFlag, readNumber } from '../numpy/scalar.ts';
import { isMade, type Made, Tuple } from '../pickle/values.ts';
import type { State } from '../state/state.ts';
import { IMPUTER, INDICATOR, MIN_MAX_SCALER, STANDARD_SCALER } from '../state/wrappers.ts';
import { featuresOf, type Opened, openEstimator, type Reading } from './reading.ts';
import { requireFinite, type Transformer } from './regressor.ts';

type Step = (value: number, column: number) => number;

/** Column by column; what is not finite is refused, but NaN passes. */
function byColumn({ state }: Opened, step: Step): Omit<Transformer, 'inverse'> {
  const features = featuresOf(state);
  return {
    name: state.owner.allowed.name,
    features,
    outputs: features,
    passesMissing: true,
    fillsMissing: false,
    transform(rows) {
      requireFinite(rows, true);
      return { ...rows, values: rows.values.map((value, i) => step(value, i % rows.width)) };
    },
  };
}

function perColumn(state: State, key: string): Float64Array {
  const values = readFloats(state.fitted(key), state.owner.offset);
  if (values.length !== featuresOf(state)) state.disagree(`${key} is of another width than the rows`);
  return values;
}

/** sklearn/preprocessing/_data.py: x - mean, then over the scale; back: times the scale, then plus the mean. */
export function readStandardScaler(scaler: Made, reading: Reading): Transformer {
  const opened = openEstimator(scaler, STANDARD_SCALER, reading);
  const { state } = opened;
  const mean = readFlag(state.get('with_mean')) === true ? perColumn(state, 'mean_') : undefined;
  const scale = readFlag(state.get('with_std')) === true ? perColumn(state, 'scale_') : undefined;
  return {
    ...byColumn(opened, (value, column) => {
      const centred = mean === undefined ? value : value - (mean[column] as number);
      return scale === undefined ? centred : centred / (scale[column] as number);
    }),
    inverse(value) {
      const stretched = scale === undefined ? value : value * (scale[0] as number);
      return mean === undefined ? stretched : stretched + (mean[0] as number);
    },
  };
}

/** sklearn/preprocessing/_data.py: x times the scale, then plus the minimum, then clipped. */
export function readMinMaxScaler(scaler: Made, reading: Reading): Transformer {
  const opened = openEstimator(scaler, MIN_MAX_SCALER, reading);
  const { state } = opened;
  const scale = perColumn(state, 'scale_');
  const least = perColumn(state, 'min_');
  const clips = readFlag(state.get('clip')) === true;
  const [low, high] = readRange(state);
  return byColumn(opened, (value, column) => {
    const scaled = value * (scale[column] as number) + (least[column] as number);
    if (!clips || Number.isNaN(scaled)) return scaled;
    const atLeast = scaled < low ? low : scaled;
    return atLeast > high ? high : atLeast;
  });
}

function readRange(state: State): readonly [number, number] {
  const range = state.get('feature_range');
  const [low, high] = range instanceof Tuple && range.items.length === 2 ? range.items.map(readNumber) : [];
  if (low === undefined || high === undefined || !(low <= high)) state.refuse('feature_range is no range');
  return [low, high];
}

/**
 * sklearn/impute/_base.py: NaN to the column's statistic. A column that had no value in training is dropped, unless
 * told otherwise or filled with a constant; then columns follow that say what was missing.
 */
export function readImputer(imputer: Made, reading: Reading): Transformer {
  const { state, inside } = openEstimator(imputer, IMPUTER, reading);
  const features = featuresOf(state);
  if (!Number.isNaN(readNumber(state.get('missing_values')) ?? 0))
    state.unsupported('missing values other than NaN');
  const statistics = perColumn(state, 'statistics_');
  const keepsAll =
    state.get('strategy') === 'constant' || readFlag(state.find('keep_empty_features') ?? false) === true;
  const kept = Int32Array.from(
    [...statistics.keys()].filter((i) => keepsAll || !Number.isNaN(statistics[i])),
  );
  const flagged = readFlagged(state, inside);
  const outputs = kept.length + flagged.length;
  return {
    name: imputer.allowed.name,
    features,
    outputs,
    passesMissing: true,
    fillsMissing: kept.every((column) => !Number.isNaN(statistics[column])),
    transform(rows) {
      requireFinite(rows, true);
      const { values, count, width } = rows;
      const filled = new Float64Array(count * outputs);
      for (let r = 0; r < count; r++) {
        const at = (column: number): number => values[r * width + column] as number;
        kept.forEach((column, i) => {
          filled[r * outputs + i] = Number.isNaN(at(column)) ? (statistics[column] as number) : at(column);
        });
        flagged.forEach((column, i) => {
          filled[r * outputs + kept.length + i] = Number.isNaN(at(column)) ? 1 : 0;
        });
      }
      return { ...rows, values: filled, width: outputs };
    },
  };
}

/** The columns that say whether a value was missing. */
function readFlagged(state: State, inside: Reading): Int32Array {
  const indicator = state.find('indicator_') ?? null;
  if (readFlag(state.get('add_indicator')) !== true) return new Int32Array();
  if (!isMade(indicator, 'sklearn.impute._base', 'MissingIndicator'))
    state.refuse('no indicator of what is missing');
  const flags = openEstimator(indicator, INDICATOR, inside).state;
  if (flags.get('features') !== 'missing-only' || readFlag(flags.get('error_on_new')) !== false)
    state.unsupported('an indicator of its own kind');
  return readIndices(flags.fitted('features_'), featuresOf(state), indicator.offset);
}
