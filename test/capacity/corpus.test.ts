// Models of scikit-learn 1.2.1, 1.4.2, 1.6.1 and 1.9.1 in every container and wrapper, each beside what its own version
// predicts from it, bit by bit. A model is predicted exactly, or refused by the name of what is not exact here.
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../src/capacity/forest/inspect.ts';
import { type CapacityModel, decodeModel } from '../../src/capacity/forest/model.ts';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { beside, withBeside } from '../left-out.ts';

const folder = new URL('sklearn/', beside('corpora'));
const present = existsSync(new URL('index.json', folder));

interface Entry {
  readonly file: string;
  readonly kind: string;
  readonly container: string;
  readonly holder: string;
  readonly estimator: string;
  readonly writer: { readonly sklearn: string };
  readonly features: number;
  readonly n_outputs: number;
  readonly expect: 'exact' | 'exact or refused' | 'refused';
  readonly x: readonly (readonly string[])[];
  readonly y: readonly (readonly string[])[];
  readonly y_single?: readonly (readonly string[])[];
  readonly refused_rows: readonly { readonly x: readonly string[] }[];
}

const index = JSON.parse(
  present ? readFileSync(new URL('index.json', folder), 'utf8') : '{"files":[],"other":[]}',
) as { files: Entry[]; other: { file: string; names: string }[] };

const double = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE(0);
const bits = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
};
const rowsOf = (rows: readonly (readonly string[])[]): number[][] => rows.map((row) => row.map(double));
const answersOf = (answers: readonly (number | readonly number[])[]): string[][] =>
  answers.map((answer) => (typeof answer === 'number' ? [bits(answer)] : answer.map(bits)));
const read = (file: string): Buffer => readFileSync(new URL(file, folder));

/** The model, and its file is written over at once: whoever loads the next one writes to the same memory. */
function decodedFrom(file: Buffer): CapacityModel {
  const model = decodeModel(file);
  file.fill(0xff);
  return model;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'nothing refused';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return error.code;
  }
}

/** A file that says it is of 1.3.0, whose forests take no missing value, beside what 1.4.2 makes of it. */
const asOf13 = (entry: Entry): Entry => {
  if (entry.kind !== 'rf_leafflags') return entry;
  const kept = entry.x.flatMap((row, i) => (row.some((cell) => Number.isNaN(double(cell))) ? [] : [i]));
  const pick = <T>(rows: readonly T[]): T[] => kept.flatMap((i) => rows.slice(i, i + 1));
  return { ...entry, x: pick(entry.x), y: pick(entry.y) };
};
const exact = index.files.filter((entry) => entry.expect === 'exact').map(asOf13);
const either = index.files.filter((entry) => entry.expect === 'exact or refused');
/** What may be refused, and by which word. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  dtc: /classifier/,
  rfc: /classifier/,
  etc3: /classifier/,
  gb_tree_init: /DecisionTreeRegressor/,
  hg_cat: /categorical features/,
  hg_cat_nan: /categorical features/,
  hg_gamma: /log link/,
  hg_poisson: /log link/,
};

/** Protocol 3 has no frames, so a stream of it may change its length. Its opcodes are the same where none is newer. */
const withoutFrames = (bytes: Buffer): Buffer => {
  const at = bytes.indexOf(0x95);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 9)]);
};

describe('the corpus of models', withBeside('corpora'), () => {
  it('holds models of four versions', () => {
    expect(new Set(index.files.map(({ writer }) => writer.sklearn)).size).toBe(4);
    expect(exact.length).toBeGreaterThan(250);
  });

  it.each(exact)('predicts $file to the last bit, in one call and row by row', (entry) => {
    const model = decodedFrom(read(entry.file));
    const rows = rowsOf(entry.x);
    expect(model.description).toMatchObject({
      estimator: entry.estimator,
      holder: entry.holder,
      features: entry.features,
      outputs: entry.n_outputs,
    });
    expect(answersOf(model.predict(rows))).toEqual(entry.y);
    const single = rows.flatMap((row) => answersOf(model.predict([row])));
    expect(single).toEqual(entry.y_single ?? entry.y);
    for (const row of rowsOf(entry.refused_rows.map(({ x }) => x)))
      expect(codeOf(() => model.predict([row]))).toMatch(/^model\.row-/);
    expect(inspectPickle(read(entry.file))).toMatchObject({ refusals: [], description: model.description });
  });

  it.each(either)('predicts $file to the last bit, or says what it is refused for', (entry) => {
    const { reason, description } = inspectPickle(read(entry.file));
    if (description === undefined) {
      expect(`${reason?.reason}`).toMatch(REFUSED[entry.kind] ?? /never/);
      expect(reason?.remedy).not.toMatch(/Do not load/);
    } else {
      const model = decodedFrom(read(entry.file));
      expect(answersOf(model.predict(rowsOf(entry.x)))).toEqual(entry.y);
      const single = rowsOf(entry.x).flatMap((row) => answersOf(model.predict([row])));
      expect(single).toEqual(entry.y_single ?? entry.y);
      for (const row of rowsOf(entry.refused_rows.map(({ x }) => x)))
        expect(codeOf(() => model.predict([row]))).toMatch(/^model\.row-/);
    }
  });

  it.each(index.files.filter((entry) => entry.expect === 'refused'))(
    'names what $file is',
    ({ file, kind, estimator }) => {
      const { reason } = inspectPickle(read(file));
      expect(reason?.reason).toContain(kind === 'x_unfitted' ? 'before fit' : estimator);
      expect(reason?.remedy).not.toMatch(/Do not load/);
      expect(codeOf(() => decodeModel(read(file)))).toBe(reason?.code);
    },
  );

  it('refuses histogram boosting of 1.0 and 1.1 by name', () => {
    const bytes = read('sk121-hg.p4.pkl').toString('latin1');
    const as = (...changes: readonly (readonly [string, string])[]): Buffer =>
      Buffer.from(
        changes.reduce((text, [from, to]) => text.replaceAll(from, to), bytes),
        'latin1',
      );
    for (const version of ['1.0.2', '1.1.3'])
      expect(inspectPickle(as(['1.2.1', version])).reason).toMatchObject({
        code: 'model.unsupported',
        reason: expect.stringContaining('histogram boosting of 1.0 and 1.1'),
      });
    // 1.0 has losses of its own.
    const older = 'sklearn.ensemble._hist_gradient_boosting.loss';
    const named = as(
      ['1.2.1', '1.0.2'],
      ['\x8c\x12sklearn._loss.loss', `\x8c${String.fromCharCode(older.length)}${older}`],
    );
    expect(named.includes(older)).toBe(true);
    const { reason } = inspectPickle(withoutFrames(named));
    expect(reason).toMatchObject({
      code: 'pickle.global-refused',
      reason: expect.stringContaining('histogram boosting of 1.0'),
    });
  });

  it.each(index.other)('names the format of $file', ({ file, names }) => {
    const { reason } = inspectPickle(read(file));
    expect(`${reason?.reason} ${reason?.remedy}`).toMatch(new RegExp(names));
    expect(reason?.remedy).not.toMatch(/Do not load/);
  });
});
