// AGILAB's matrix as our drills answer it.
import { expect, it } from 'vitest';
import { proofs } from '../../src/proof/catalogue.ts';
import type { DrillResult } from '../../src/proof/drill.ts';
import { robustnessMatrix } from '../../src/proof/robustness-matrix.ts';

interface Matrix {
  readonly status: string;
  readonly summary: { readonly scenario_count: number; readonly passed: number; readonly failed: number };
  readonly scenarios: readonly {
    readonly id: string;
    readonly status: string;
    readonly observed: string;
    readonly details: { readonly abrupt_child_termination_observed?: boolean };
  }[];
}

const resultsOf = (passed: boolean): readonly DrillResult[] =>
  proofs.flatMap(({ guard, drills }) =>
    drills.map(({ id, fault, expects }) => ({
      guard: guard.id,
      drill: id,
      fault,
      expected: expects,
      observed: passed ? expects : 'allow',
      passed,
      evidenceId: 'x',
    })),
  );
const matrix = (results: readonly DrillResult[]): Matrix => robustnessMatrix(results, new Date(0)) as Matrix;
const drilled = new Set(proofs.map(({ guard }) => guard.id));

it('passes each scenario whose drills passed, and none other', () => {
  const { scenarios, summary } = matrix(resultsOf(true));
  expect(summary.scenario_count).toBe(16);
  const open = scenarios.filter(({ status }) => status !== 'pass').map(({ id }) => id);
  expect(open).toEqual(drilled.has('notebook-import') ? [] : ['invalid_notebook_import_fails_preflight']);
  expect(matrix(resultsOf(false)).summary.passed).toBe(0);
  expect(matrix([])).toMatchObject({ status: 'fail', summary: { passed: 0, failed: 16 } });
});

it('says of the four recoveries, and of nothing else, that a writer was killed: when their drills passed', () => {
  const killed = (passed: boolean): readonly unknown[] =>
    matrix(resultsOf(passed)).scenarios.flatMap(
      ({ details }) => details.abrupt_child_termination_observed ?? [],
    );
  expect(killed(true)).toEqual([true, true, true, true]);
  expect(killed(false)).toEqual([false, false, false, false]);
});

it('does not count a mutant for a drill', () => {
  const mutants = resultsOf(true).map((result) => ({ ...result, mutant: 'x' }));
  expect(matrix(mutants).summary.passed).toBe(0);
});
