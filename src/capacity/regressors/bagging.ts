// Bagging, sklearn/ensemble/_bagging.py: 0 + first + second ..., in the order of the members, then over their number.
// Each member sees columns of its own.
import { readIndices } from '../numpy/array.ts';
import { List, type Made } from '../pickle/values.ts';
import { BAGGING } from '../state/wrappers.ts';
import { featuresOf, openEstimator, type Reading, requireWidth } from './reading.ts';
import { type Regressor, type Rows, requireAnswers } from './regressor.ts';
import { requirePrintable } from './trees.ts';

interface Member {
  readonly regressor: Regressor;
  readonly columns: Int32Array;
}

export function readBagging(bag: Made, reading: Reading): Regressor {
  const { state, writer, inside } = openEstimator(bag, BAGGING, reading);
  const values = state.fitted('estimators_');
  const features = featuresOf(state);
  requirePrintable(state, writer);
  const items = values instanceof List ? values.items : [];
  const columns = state.get('estimators_features_');
  const lists = columns instanceof List ? columns.items : [];
  if (items.length === 0 || lists.length !== items.length || state.count('n_estimators') !== items.length)
    state.disagree('n_estimators, members and their columns differ');
  const members = items.map((value, i): Member => {
    const regressor = reading.regressor(value, inside, bag);
    const own = readIndices(lists[i], features, bag.offset);
    requireWidth(state, regressor, own.length);
    return { regressor, columns: own };
  });
  const outputs = members[0]?.regressor.outputs ?? 1;
  if (members.some(({ regressor }) => regressor.outputs !== outputs))
    state.disagree('members with other numbers of targets');
  return {
    name: bag.allowed.name,
    version: writer.version,
    features,
    outputs,
    trees: members.reduce((sum, { regressor }) => sum + regressor.trees, 0),
    nodes: members.reduce((sum, { regressor }) => sum + regressor.nodes, 0),
    acceptsMissing: members.every(({ regressor }) => regressor.acceptsMissing),
    answer(rows) {
      const sums = new Float64Array(rows.count * outputs);
      for (const { regressor, columns: own } of members) {
        const answers = regressor.answer(selected(rows, own));
        for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (answers[i] as number);
      }
      return requireAnswers(
        sums.map((sum) => sum / members.length),
        outputs,
        rows.first,
      );
    },
  };
}

/** The rows with these columns only, in this order. */
function selected(rows: Rows, columns: Int32Array): Rows {
  const { values, count, width } = rows;
  const kept = new Float64Array(count * columns.length);
  for (let r = 0; r < count; r++)
    columns.forEach((column, i) => {
      kept[r * columns.length + i] = values[r * width + column] as number;
    });
  return { ...rows, values: kept, width: columns.length };
}
