// Every supported regressor, as real scikit-learn pickles it in every protocol, is decoded and predicts what
// scikit-learn predicts, in every bit, and refuses the rows that scikit-learn refuses.
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { leftOut, requiresReal } from '../../left-out.ts';
import {
  askOracle,
  DEBIAN_PYTHON,
  differingBits,
  hasSklearn,
  type Oracle,
  type OracleModel,
  OTHER_SKLEARNS,
} from './oracle.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

function describeOracle(title: string, command: readonly string[]): void {
  describe(title, leftOut(!requiresReal && !hasSklearn(command) && 'no such scikit-learn here'), () => {
    let oracle: Oracle | undefined;
    const ask = (): Oracle => {
      oracle ??= askOracle(command);
      return oracle;
    };
    const each = (look: (model: OracleModel) => void): void => {
      const { models } = ask();
      expect(models.length).toBeGreaterThan(20);
      for (const model of models) look(model);
    };

    it('is predicted to the last bit, from every protocol', () => {
      const differences: string[] = [];
      each(({ name, rows, predictions, pickles }) => {
        pickles.forEach((pickle, protocol) => {
          const wrong = differingBits(decodeModel(pickle).predict(rows), predictions);
          if (wrong.length > 0) differences.push(`${name}, protocol ${protocol}: ${wrong.length} rows`);
        });
      });
      expect(differences).toEqual([]);
    });

    it('is predicted alike row by row and in a batch', () => {
      each(({ rows, predictions, pickles: [pickle = Buffer.of()] }) => {
        const model = decodeModel(pickle);
        const single = rows.map((row) => model.predict([row])[0] ?? Number.NaN);
        expect(differingBits(single, predictions)).toEqual([]);
      });
    });

    it('is described as it is', () => {
      const { sklearn } = ask();
      each(({ estimator, width, trees, nodes, refuses, pickles }) => {
        for (const [protocol, pickle] of pickles.entries()) {
          const { description } = decodeModel(pickle);
          expect(description).toEqual({
            outputs: 1,
            format: `pickle protocol ${Math.max(1, protocol)}`,
            holder: estimator,
            at: '',
            steps: [],
            beside: [],
            estimator,
            sklearnVersion: sklearn,
            features: width,
            estimators: trees,
            nodes,
            acceptsMissing: !refuses.missing,
          });
          expect(Object.isFrozen(description)).toBe(true);
          expect(inspectPickle(pickle)).toMatchObject({ refusals: [], description });
        }
      });
    });

    it.each([
      ['a missing value', 'missing', 'model.row-missing', (row: number[]) => [row.with(-1, Number.NaN)]],
      ['infinity', 'infinite', 'model.row-infinite', (row: number[]) => [row.with(0, -Infinity)]],
      [
        'what float32 rounds to infinity',
        'huge',
        'model.row-infinite',
        (row: number[]) => [row.with(-1, 3.4028235677973366e38)],
      ],
      [
        'the largest that it does not',
        'edge',
        'none',
        (row: number[]) => [row.with(0, 3.4028235677973362e38)],
      ],
      ['another width', 'narrow', 'model.row-width', (row: number[]) => [[...row, 1]]],
      ['no row', 'none', 'model.no-rows', () => []],
    ] as const)('refuses %s exactly when scikit-learn does', (_what, probe, expected, rowsFrom) => {
      each(({ width, refuses, pickles: [pickle = Buffer.of()] }) => {
        const model = decodeModel(pickle);
        const rows = rowsFrom(Array.from({ length: width }, () => 0.5));
        if (refuses[probe]) expect(() => model.predict(rows)).toThrow(code(expected));
        else expect(model.predict(rows)).toHaveLength(1);
      });
    });
  });
}

describeOracle('a model of Debian 12 (left out without python3-sklearn)', DEBIAN_PYTHON);
for (const { version, variable, command } of OTHER_SKLEARNS)
  describeOracle(`a model of scikit-learn ${version} (left out without ${variable})`, command);
