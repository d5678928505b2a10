// Voting, sklearn/ensemble/_voting.py: numpy's average of the members' answers. numpy adds them member after member,
// but for one row alone it adds in pairs, and so it adds the weights: from eight numbers on that is another sum.
import { readNumber } from '../numpy/scalar.ts';
import { List, type Made, Tuple } from '../pickle/values.ts';
import type { State } from '../state/state.ts';
import { VOTING } from '../state/wrappers.ts';
import { openEstimator, type Reading, requireOneOutput, requireWidth } from './reading.ts';
import { type Regressor, requireAnswers } from './regressor.ts';

export function readVoting(voting: Made, reading: Reading): Regressor {
  const { state, writer, inside } = openEstimator(voting, VOTING, reading);
  const values = state.fitted('estimators_');
  const items = values instanceof List ? values.items : [];
  const members = items.map((value) => requireOneOutput(state, reading.regressor(value, inside, voting)));
  const features = members[0]?.features ?? 0;
  for (const member of members) requireWidth(state, member, features);
  const weights = readWeights(state, members.length);
  const divisor = weights === undefined ? members.length : pairwiseSum(weights);
  if (members.length === 0 || !Number.isFinite(divisor) || divisor === 0)
    state.refuse('its weights add up to nothing');
  return {
    name: voting.allowed.name,
    version: writer.version,
    features,
    outputs: 1,
    trees: members.reduce((sum, { trees }) => sum + trees, 0),
    nodes: members.reduce((sum, { nodes }) => sum + nodes, 0),
    acceptsMissing: members.every(({ acceptsMissing }) => acceptsMissing),
    answer(rows) {
      const answers = members.map((member) => member.answer(rows));
      const weighted = (member: number, row: number): number =>
        (answers[member]?.[row] as number) * (weights?.[member] ?? 1);
      const sums = Float64Array.from({ length: rows.count }, (_, row) => {
        const terms = Float64Array.from(answers, (_answers, member) => weighted(member, row));
        return (rows.alone ? pairwiseSum(terms) : terms.reduce((sum, term) => sum + term)) / divisor;
      });
      return requireAnswers(sums, 1, rows.first);
    },
  };
}

/** Returns one weight per member, or `undefined`. A member that was dropped has no weight. */
function readWeights(state: State, members: number): Float64Array | undefined {
  const pairs = state.get('estimators');
  const kept = (pairs instanceof List ? pairs.items : []).map(
    (pair) => pair instanceof Tuple && pair.items[1] !== 'drop' && pair.items[1] !== null,
  );
  if (kept.filter(Boolean).length !== members) state.disagree('other members than those it was made of');
  const weights = state.get('weights');
  if (weights === null) return undefined;
  if (!(weights instanceof List || weights instanceof Tuple) || weights.items.length !== kept.length)
    state.unsupported('weights that are no list of one number per member');
  const numbers = weights.items.flatMap((weight, i) => (kept[i] === true ? [readNumber(weight)] : []));
  if (!numbers.every((weight) => weight !== undefined && Number.isFinite(weight)))
    state.refuse('a weight that is not a finite number');
  return Float64Array.from(numbers as number[]);
}

const UNROLLED = 8;
const BLOCK = 128;

/** numpy/core/src/umath/loops_utils.h.src, pairwise_sum: eight sums side by side, halves above 128. */
function pairwiseSum(terms: Float64Array): number {
  const { length } = terms;
  if (length < UNROLLED) return terms.reduce((sum, term) => sum + term, 0);
  if (length > BLOCK) {
    const half = Math.floor(length / 2) - (Math.floor(length / 2) % UNROLLED);
    return pairwiseSum(terms.subarray(0, half)) + pairwiseSum(terms.subarray(half));
  }
  const sums = terms.slice(0, UNROLLED);
  const whole = length - (length % UNROLLED);
  for (let i = UNROLLED; i < whole; i++)
    sums[i % UNROLLED] = (sums[i % UNROLLED] as number) + (terms[i] as number);
  const [a, b, c, d, e, f, g, h] = sums as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (let i = whole; i < length; i++) sum += terms[i] as number;
  return sum;
}
