// Models as people save them, made here and now by real scikit-learns: predicted to the last bit from every container, or
// refused by the name of what is not exact.
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import {
  DEBIAN_PYTHON,
  differingBits,
  doubles,
  hasSklearn,
  OTHER_SKLEARNS,
  runPython,
} from './forest/oracle.ts';

interface Made {
  readonly kind: string;
  /** What the refusal must say; null for a model that is read. */
  readonly refused: string | null;
  readonly holder: string;
  readonly files: readonly { readonly container: string; readonly bytes: string }[];
  readonly width: number;
  readonly outputs: number;
  readonly rows: string;
  readonly together: string;
  readonly alone: string;
  readonly takes: { readonly missing: boolean; readonly infinite: boolean };
}

const rowsOf = ({ rows, width }: Made): number[][] => {
  const flat = doubles(rows);
  return Array.from({ length: flat.length / width }, (_, i) => [
    ...flat.subarray(i * width, (i + 1) * width),
  ]);
};
const code = (work: () => unknown): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
};

function describeModels(title: string, command: readonly string[]): void {
  describe(title, {
    timeout: 120_000,
    ...leftOut(!requiresReal && !hasSklearn(command) && 'no such scikit-learn here'),
  }, () => {
    let made: readonly Made[] | undefined;
    let version = '';
    const models = (): readonly Made[] => {
      if (made !== undefined) return made;
      const said = JSON.parse(runPython(command, new URL('models.py', import.meta.url))) as {
        sklearn: string;
        models: Made[];
      };
      version = said.sklearn;
      made = said.models;
      return made;
    };

    it('is predicted to the last bit, together and row by row, from every container', () => {
      const wrong: string[] = [];
      for (const model of models()) {
        if (model.refused !== null) continue;
        const rows = rowsOf(model);
        for (const { container, bytes } of model.files) {
          const file = Buffer.from(bytes, 'base64');
          const decoded = decodeModel(file);
          file.fill(0xff); // as whoever loads the next one does, in the same memory
          const differ = [
            ...differingBits(decoded.predict(rows), doubles(model.together)),
            ...differingBits(
              rows.map((row) => decoded.predict([row])[0] ?? Number.NaN),
              doubles(model.alone),
            ),
          ];
          if (differ.length > 0) wrong.push(`${model.kind}, ${container}: ${differ.length}`);
        }
      }
      expect(wrong).toEqual([]);
    });

    it('is described as it is, by its container too', () => {
      for (const { kind, refused, holder, width, outputs, takes, files } of models()) {
        if (refused !== null) continue;
        for (const { container, bytes } of files) {
          const { description, refusals, format } = inspectPickle(Buffer.from(bytes, 'base64'));
          expect([kind, container, refusals]).toEqual([kind, container, []]);
          expect(description).toMatchObject({ holder, features: width, outputs });
          // A model without one array is the same in joblib's dump as in a pickle.
          expect(`${format}`.replace(/^pickle protocol [0-9]/, 'joblib')).toBe(
            container.replace(/^pickle protocol [0-9]/, 'joblib'),
          );
          expect([kind, description?.acceptsMissing]).toEqual([kind, takes.missing]);
        }
      }
    });

    it('takes a missing value and infinity exactly where scikit-learn does', () => {
      for (const model of models()) {
        if (model.refused !== null) continue;
        const [row = []] = rowsOf(model);
        const decoded = decodeModel(Buffer.from(model.files[0]?.bytes ?? '', 'base64'));
        expect([
          model.kind,
          code(() => decoded.predict([row.with(1, Number.NaN)])),
          code(() => decoded.predict([row.with(2, Number.POSITIVE_INFINITY)])),
        ]).toEqual([
          model.kind,
          model.takes.missing ? 'taken' : 'model.row-missing',
          model.takes.infinite ? 'taken' : 'model.row-infinite',
        ]);
      }
    });

    it('is on the page of models with what becomes of it', () => {
      const page = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8').split('\n');
      const rows = new Map(
        page.map((line) => line.split(' | ')).map(([kind = '', ...cells]) => [kind, cells]),
      );
      models();
      const column = rows.get('| what is in the file')?.findIndex((cell) => cell.startsWith(version)) ?? -1;
      for (const { kind, refused, files } of models()) {
        const { reason } = inspectPickle(Buffer.from(files[0]?.bytes ?? '', 'base64'));
        const expected = refused === null ? 'equal' : `refused: \`${reason?.code}\``;
        expect([kind, rows.get(`| ${kind}`)?.[column]?.replace(/ \|$/, '')]).toEqual([kind, expected]);
      }
    });

    it('is refused by the name of what is not read, never as hostile', () => {
      for (const { kind, refused, files } of models()) {
        if (refused === null) continue;
        for (const { container, bytes } of files) {
          const { reason } = inspectPickle(Buffer.from(bytes, 'base64'));
          expect([kind, container, `${reason?.reason}`]).toEqual([
            kind,
            container,
            expect.stringMatching(refused),
          ]);
          expect(reason?.remedy).not.toMatch(/Do not load/);
          expect(code(() => decodeModel(Buffer.from(bytes, 'base64')))).toBe(reason?.code);
        }
      }
    });
  });
}

describeModels('a model of Debian 12 (left out without python3-sklearn)', DEBIAN_PYTHON);
for (const { version, variable, command } of OTHER_SKLEARNS)
  describeModels(`a model of scikit-learn ${version} (left out without ${variable})`, command);
