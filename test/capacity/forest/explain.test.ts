// What the owner of a file is told beside the names in it: a hint that fits some other file sends people the wrong way.
import { expect, it } from 'vitest';
import { decodeModel } from '../../../src/capacity/forest/model.ts';

/** A stream of protocol 2: a tuple of names. */
const mentions = (...names: readonly string[]): Buffer =>
  Buffer.from(`\x80\x02(${names.map((name) => `c${name.replace(' ', '\n')}\n`).join('')}t.`, 'latin1');

const SEARCH = 'sklearn.model_selection._search GridSearchCV';
const SCORER = 'sklearn.metrics._scorer _Scorer';

it.each([
  ['a search with a scorer', [SEARCH, SCORER], /save its best_estimator_/],
  [
    'a search over distributions',
    [SEARCH, 'scipy.stats._continuous_distns uniform_gen'],
    /distributions.*best_estimator_/,
  ],
  [
    'boosting with a scorer',
    ['sklearn.ensemble._hist_gradient_boosting.gradient_boosting HistGradientBoostingRegressor', SCORER],
    /train it again without scoring/,
  ],
  [
    'neighbours',
    ['sklearn.neighbors._regression KNeighborsRegressor', 'sklearn.metrics._dist_metrics newObj'],
    /allow-list \(byte/,
  ],
  [
    'a target through a logarithm',
    ['numpy log1p', 'sklearn.preprocessing._function_transformer FunctionTransformer'],
    /through a function/,
  ],
  ['a classifier', ['sklearn.svm._classes LinearClassifier'], /it is a classifier/],
])('%s', (_what, names, said) => {
  expect(() => decodeModel(mentions(...names))).toThrow(
    expect.objectContaining({ code: 'pickle.global-refused', message: expect.stringMatching(said) }),
  );
});

it('calls a text by its name, whatever opcode it begins with', () => {
  for (const first of 'abdefhijklmnopqrstuvwyzBCDEFHIJKLMNOPQRSTUVWXYZ0123456789({[<#"-')
    expect(() => decodeModel(Buffer.from(`${first}ello, these are\ntwo lines of text\n`)), first).toThrow(
      expect.objectContaining({ code: 'container.format' }),
    );
});

it('does not call a pickle of protocol 0 a text', () => {
  for (const pickle of ["S'text'\np0\n.", 'Pname\n.', "cos\nsystem\n(S'true'\ntR."])
    expect(() => decodeModel(Buffer.from(pickle)), pickle).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^pickle\./) }),
    );
});
