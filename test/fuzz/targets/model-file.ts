// The reader of model files: what it accepts, scikit-learn loads from the same bytes and the same place in them, and
// predicts the same in every bit.
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import {
  boosting,
  doubles,
  F8,
  forest,
  GOOD_MODELS,
  GOOD_NODES,
  tree,
  treeEstimator,
} from '../model-writer.ts';
import { type Py, pickle, tokensOf } from '../pickle-writer.ts';
import { PythonOracle } from '../python-oracle.ts';
import type { FuzzTarget } from '../target.ts';

const newer = process.env['GUARDRAILS_SKLEARN_14'];
const oracle = new PythonOracle(newer?.split(' ') ?? [], new URL('../model-oracle.py', import.meta.url));
const bits = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
};

/** A tree whose values lie in joblib's layout, as before joblib 1.2. */
const joblibTree = (): Py => {
  const state: Py = {
    dict: [
      ['subclass', { global: ['numpy', 'ndarray'] }],
      ['shape', { tuple: [5, 1, 1] }],
      ['order', 'C'],
      ['dtype', F8],
      ['allow_mmap', true],
    ],
  };
  const wrapper = tokensOf({ newobj: { global: ['joblib.numpy_pickle', 'NumpyArrayWrapper'] }, state });
  const valueArray: Py = { raw: [...wrapper, doubles(GOOD_NODES.map(({ value }) => value))] };
  return treeEstimator({ tree_: tree({ valueArray }) });
};

export const target = {
  name: 'model-file',
  oracle: 'scikit-learn 1.4 and joblib',
  unavailable: newer === undefined && 'GUARDRAILS_SKLEARN_14 names no Python',
  seeds: [
    ...GOOD_MODELS.map(([, bytes]) => bytes),
    pickle({
      dict: [
        ['model', forest()],
        ['columns', { list: ['a', 'b'] }],
      ],
    }),
    pickle({ tuple: [treeEstimator(), { dict: [] }] }),
    pickle({ list: [boosting(), 0.5] }),
    pickle(joblibTree()),
  ],
  words: [
    'N',
    'h\0',
    'q\0',
    '\x94',
    '(',
    't',
    ']',
    '}',
    'u',
    'e',
    's',
    'a',
    'b',
    '\x81',
    'R',
    '.',
    '\x80\x04',
    'K\x02',
    '_sklearn_version',
  ],
  async fuzz(bytes) {
    let model: ReturnType<typeof decodeModel>;
    let ours: string[][];
    try {
      model = decodeModel(bytes);
      const { features } = model.description;
      const rows = [0, 0.5, 31, 1e9].map((value) =>
        Array.from({ length: features }, (_, i) => (value === 31 ? 31 + i : value)),
      );
      const alone = rows.map((row) => model.predict([row])[0] ?? Number.NaN);
      ours = [model.predict(rows).flat().map(bits), alone.flat().map(bits)];
    } catch (error) {
      if (error instanceof CodedError) return;
      throw error;
    }
    const { at, features } = model.description;
    const theirs = JSON.parse(
      await oracle.ask([Buffer.from(bytes).toString('base64'), at, features].join('\t')),
    ) as unknown;
    if (JSON.stringify(theirs) !== JSON.stringify(ours))
      throw new Error(`scikit-learn says ${JSON.stringify(theirs).slice(0, 80)}`);
  },
} satisfies FuzzTarget;
