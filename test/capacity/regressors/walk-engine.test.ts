// The walk in WebAssembly: the bytes are those of its source, as are those of the pass that packs trees, and it answers as the walk in JavaScript does.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { makeEngine } from '../../../src/capacity/regressors/walk-engine.ts';
import { scratch } from '../../evidence/support.ts';
import { array, doubles, F8, forest, I8, leaf, split, tree, treeEstimator } from '../../fuzz/model-writer.ts';
import { type Py, pickle } from '../../fuzz/pickle-writer.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../../ssh/support.ts';

/** A tree of two targets whose leaves nobody could confuse. */
function grown(t: number): Py {
  const nodes = [
    split(1, 4, 0, 0.5 + t / 100),
    split(2, 3, 1, 1.5),
    leaf(0.1 * t),
    leaf(1e9 + t),
    leaf(-3.3 / (t + 1)),
  ];
  const values = nodes.flatMap(({ value }) => [value, value * 1.1 + t]);
  return treeEstimator({
    n_outputs_: 2,
    tree_: tree({
      nodes,
      args: [2, array(I8, [2], new Uint8Array(BigInt64Array.of(1n, 1n).buffer)), 2],
      valueArray: array(F8, [5, 2, 1], doubles(values)),
    }),
  });
}

describe('the walk in WebAssembly', () => {
  it('is what its source says', leftOut(missing('wat2wasm')), () => {
    const script = fileURLToPath(new URL('../../../scripts/write-wasm.mjs', import.meta.url));
    expect(() => execFileSync(process.execPath, [script, '--check'])).not.toThrow();
  });

  it('answers a long batch as single rows are answered, for every target', () => {
    const trees = Array.from({ length: 13 }, (_, t) => grown(t));
    const model = decodeModel(pickle(forest({ n_outputs_: 2 }, trees)));
    for (const count of [119, 120, 121, 251, 252, 253, 700]) {
      const rows = Array.from({ length: count }, (_, i) => [(i % 23) / 20, (i % 7) / 2 - (i % 2) * 1e30]);
      expect(model.predict(rows)).toEqual(rows.map((row) => model.predict([row])[0]));
    }
  });

  it('leaves rows with missing values to JavaScript, and goes on with the others', () => {
    const trees = Array.from({ length: 7 }, (_, t) => grown(t));
    const model = decodeModel(pickle(forest({ n_outputs_: 2 }, trees)));
    const rows = Array.from({ length: 900 }, (_, i) => [i % 300 === 7 ? Number.NaN : (i % 23) / 20, 1]);
    expect(model.predict(rows)).toEqual(rows.map((row) => model.predict([row])[0]));
  });

  it('stays at a leaf in rows, too, that nobody has filled', () => {
    const leaf = (at: number, answer: number) => [32 + 1, at, answer] as const;
    const nodes = [[0, 1, 0.5], leaf(1, -1), [0, 3, 10], leaf(3, 2), leaf(4, 3)] as const;
    const packed = new DataView(new ArrayBuffer(16 * nodes.length));
    nodes.forEach(([asks, child, number], i) => {
      packed.setInt32(16 * i, asks, true);
      packed.setInt32(16 * i + 4, 16 * child, true);
      packed.setFloat64(16 * i + 8, number, true);
    });
    const engine = makeEngine(packed, 2, 7);
    engine?.rows.setFloat64(0, 1, true); // goes on while the others have arrived
    engine?.add(0, 1, 1);
    expect([...(engine?.sums ?? [])]).toEqual([2, -1, -1, -1, -1, -1, -1]);
  });

  it('is done without where a memory would be larger than offsets reach', () => {
    const nodes = new DataView(new ArrayBuffer(16));
    expect(makeEngine(nodes, 10_000_000, 252)).toBeUndefined();
    expect(makeEngine(nodes, 1, 252)).toBeDefined();
  });

  it('is done without in a process that makes no machine code', async () => {
    const trees = Array.from({ length: 7 }, (_, t) => grown(t));
    const bytes = pickle(forest({ n_outputs_: 2 }, trees));
    const rows = Array.from({ length: 252 }, (_, i) => [(i % 23) / 20, (i % 7) / 2]);
    const path = join(await scratch(), 'model.pickle');
    writeFileSync(path, bytes);
    const model = new URL('../../../dist/capacity/forest/model.js', import.meta.url).href;
    const program = `
      import { readFileSync } from 'node:fs';
      import { decodeModel } from ${JSON.stringify(model)};
      const model = decodeModel(readFileSync(${JSON.stringify(path)}));
      console.log(JSON.stringify(model.predict(${JSON.stringify(rows)})));`;
    const argv = ['--jitless', '--input-type=module', '--eval', program];
    const answers = execFileSync(process.execPath, argv, { encoding: 'utf8' });
    expect(JSON.parse(answers)).toEqual(decodeModel(bytes).predict(rows));
  });
});
