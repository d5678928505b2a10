// Pipelines, sklearn/pipeline.py: each step's rows are the next one's; the last step predicts. And targets that were
// scaled for training, sklearn/compose/_target.py: its answers are scaled back.
import { readWhole } from '../numpy/scalar.ts';
import { List, type Made, Tuple, type Value } from '../pickle/values.ts';
import type { State } from '../state/state.ts';
import { PIPELINE, TARGET } from '../state/wrappers.ts';
import { openEstimator, type Reading, requireOneOutput } from './reading.ts';
import type { Transformer } from './regressor.ts';
import { type Regressor, type Rows, requireAnswers } from './regressor.ts';

/** The steps that do anything. */
function stepsOf(state: State): readonly Value[] {
  const steps = state.get('steps');
  return (steps instanceof List ? steps.items : []).flatMap((pair) => {
    const what = pair instanceof Tuple ? pair.items[1] : undefined;
    return what === undefined || what === null || what === 'passthrough' ? [] : [what];
  });
}

function chain(
  values: readonly Value[],
  pipeline: Made,
  state: State,
  reading: Reading,
): readonly Transformer[] {
  const steps = values.map((value) => reading.transformer(value, reading, pipeline));
  steps.forEach(({ outputs }, i) => {
    if ((steps[i + 1]?.features ?? outputs) !== outputs) state.disagree('two steps of other widths');
  });
  return steps;
}

/** Whether a row with a missing value gets to the end, where the last step takes one or none is left. */
function acceptsMissing(steps: readonly Transformer[], last: boolean): boolean {
  const filled = steps.findIndex(({ fillsMissing }) => fillsMissing);
  const until = filled < 0 ? steps : steps.slice(0, filled + 1);
  return until.every(({ passesMissing }) => passesMissing) && (filled >= 0 || last);
}

const through = (steps: readonly Transformer[], rows: Rows): Rows =>
  steps.reduce((before, step) => step.transform(before), rows);

export function readPipeline(pipeline: Made, reading: Reading): Regressor {
  const { state, inside } = openEstimator(pipeline, PIPELINE, reading);
  const values = stepsOf(state);
  const last = values.at(-1);
  if (last === undefined) return state.unsupported('a pipeline without a regressor');
  const regressor = reading.regressor(last, inside, pipeline);
  const steps = chain(values.slice(0, -1), pipeline, state, inside);
  if ((steps.at(-1)?.outputs ?? regressor.features) !== regressor.features)
    state.disagree('a step and the regressor are of other widths');
  return {
    ...regressor,
    steps: [...steps.map(({ name }) => name), ...(regressor.steps ?? [])],
    features: steps[0]?.features ?? regressor.features,
    acceptsMissing: acceptsMissing(steps, regressor.acceptsMissing),
    answer: (rows) => regressor.answer(through(steps, rows)),
  };
}

/** A pipeline that is a step of another and transforms only. */
export function readTransformers(pipeline: Made, reading: Reading): Transformer {
  const { state, inside } = openEstimator(pipeline, PIPELINE, reading);
  const steps = chain(stepsOf(state), pipeline, state, inside);
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return state.unsupported('a pipeline that does nothing');
  return {
    name: pipeline.allowed.name,
    features: first.features,
    outputs: last.outputs,
    passesMissing: acceptsMissing(steps, true),
    fillsMissing: acceptsMissing(steps, false),
    transform: (rows) => through(steps, rows),
  };
}

export function readTarget(target: Made, reading: Reading): Regressor {
  const { state, inside } = openEstimator(target, TARGET, reading);
  const regressor = requireOneOutput(state, reading.regressor(state.fitted('regressor_'), inside, target));
  if (readWhole(state.get('_training_dim')) !== 1) state.unsupported('more than one target');
  const { inverse, features } = reading.transformer(state.get('transformer_'), inside, target);
  if (inverse === undefined || features !== 1)
    return state.unsupported('a target that is not scaled by StandardScaler');
  return {
    ...regressor,
    steps: [target.allowed.name, ...(regressor.steps ?? [])],
    answer: (rows) => requireAnswers(regressor.answer(rows).map(inverse), 1, rows.first),
  };
}
