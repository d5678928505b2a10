// AdaBoost, sklearn/ensemble/_weight_boosting.py: of all members' answers, sorted, the first whose weights so far reach
// half of all weights.
import { readFloats } from '../numpy/array.ts';
import { List, type Made } from '../pickle/values.ts';
import { BOOSTED } from '../state/wrappers.ts';
import { featuresOf, openEstimator, type Reading, requireOneOutput, requireWidth } from './reading.ts';
import { type Regressor, type Rows, requireFinite } from './regressor.ts';

export function readAdaBoost(boosted: Made, reading: Reading): Regressor {
  const { state, writer, inside } = openEstimator(boosted, BOOSTED, reading);
  const values = state.fitted('estimators_');
  const features = featuresOf(state);
  const items = values instanceof List ? values.items : [];
  const members = items.map((value) => requireOneOutput(state, reading.regressor(value, inside, boosted)));
  for (const member of members) requireWidth(state, member, features);
  // One weight was set aside for each member that might have been trained.
  const weights = readFloats(state.get('estimator_weights_'), boosted.offset);
  if (members.length === 0 || weights.length < members.length) state.disagree('fewer weights than members');
  if (!weights.every(Number.isFinite)) state.refuse('a weight is not finite');
  return {
    name: boosted.allowed.name,
    version: writer.version,
    features,
    outputs: 1,
    trees: members.reduce((sum, { trees }) => sum + trees, 0),
    nodes: members.reduce((sum, { nodes }) => sum + nodes, 0),
    acceptsMissing: false,
    answer(rows) {
      requireFinite(rows, false);
      return medians(
        members.map((member) => member.answer(rows)),
        weights,
        rows,
      );
    },
  };
}

function medians(answers: readonly Float64Array[], weights: Float64Array, { count }: Rows): Float64Array {
  const order = answers.map((_, i) => i);
  return Float64Array.from({ length: count }, (_, row) => {
    const of = (member: number): number => answers[member]?.[row] as number;
    order.sort((a, b) => of(a) - of(b) || a - b);
    let sum = weights[order[0] as number] as number;
    const sums = order.map((member, i) => {
      if (i > 0) sum += weights[member] as number;
      return sum;
    });
    const half = 0.5 * sum;
    const first = sums.findIndex((reached) => reached >= half);
    return of(order[Math.max(0, first)] as number); // numpy's argmax answers 0 where nothing is true
  });
}
