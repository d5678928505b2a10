// The pass over a tree in WebAssembly takes the trees that the pass in JavaScript takes, and packs them into the same bytes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NumpyArray } from '../../../src/capacity/numpy/array.ts';
import { packByEngine } from '../../../src/capacity/regressors/pack-engine.ts';
import { makeRoom, packTree, type RawTree } from '../../../src/capacity/regressors/tree.ts';

const FEATURES = 3;

/** Numbers of a record: left, right, feature, threshold, impurity, samples, their weight, and the flag. */
type Node = readonly [number, number, number, number, number, number, number, number];

/** A tree as scikit-learn grows it, by which of its nodes split: depth first, the left child next. */
function grown(splits: readonly boolean[]): readonly Node[] {
  const nodes: Node[] = [];
  let asked = 0;
  const grow = (depth: number): number => {
    const at = nodes.length;
    const isLeaf = depth > 6 || splits[asked++] !== true;
    nodes.push([-1, -1, -2, -2, 0, 1, 1, 7]);
    if (isLeaf) return at;
    const left = grow(depth + 1);
    const right = grow(depth + 1);
    nodes[at] = [left, right, at % FEATURES, at / 2, 0.5, 9, 9, at % 2];
    return at;
  };
  grow(0);
  return nodes;
}

function rawTree(nodes: readonly Node[], size: 7 | 8, outputs: number): RawTree {
  const records = Buffer.alloc(8 * size * nodes.length);
  for (const [n, [left, right, feature, threshold, impurity, samples, weight, flag]] of nodes.entries()) {
    const at = 8 * size * n;
    records.writeBigInt64LE(BigInt(left), at);
    records.writeBigInt64LE(BigInt(right), at + 8);
    records.writeBigInt64LE(BigInt(feature), at + 16);
    records.writeDoubleLE(threshold, at + 24);
    records.writeDoubleLE(impurity, at + 32);
    records.writeBigInt64LE(BigInt(samples), at + 40);
    records.writeDoubleLE(weight, at + 48);
    if (size === 8) records.writeUInt8(flag, at + 56);
  }
  const answers = Buffer.alloc(8 * outputs * nodes.length);
  for (let i = 0; i < outputs * nodes.length; i++) answers.writeDoubleLE(i * 1.1 - 3, 8 * i);
  const layout = size === 8 ? 'node64' : 'node56';
  return {
    offset: 0,
    count: nodes.length,
    nodes: { layout, shape: [nodes.length], bytes: records } as unknown as NumpyArray,
    values: { layout: 'f8', shape: [nodes.length, outputs, 1], bytes: answers } as unknown as NumpyArray,
  };
}

/** Words that a rule tells apart from their neighbours. */
const words = fc.oneof(
  fc.bigInt({ min: -3n, max: 70n }),
  fc.constantFrom(
    2n ** 31n,
    2n ** 32n,
    2n ** 32n - 1n,
    -(2n ** 31n),
    2n ** 63n - 1n,
    -(2n ** 63n),
    256n,
    257n,
  ),
  fc
    .constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -2, 1e308, 5e-324)
    .map((number) => new BigInt64Array(Float64Array.of(number).buffer)[0] as bigint),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

const START = 2; // behind another tree

it('takes what the pass in JavaScript takes, byte for byte', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.constantFrom<7 | 8>(7, 8),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.tuple(fc.nat(), words, fc.boolean()), { maxLength: 2 }),
      (splits, size, outputs, changes) => {
        const tree = rawTree(grown(splits), size, outputs);
        for (const [where, word, inAnswers] of changes) {
          const bytes = inAnswers ? tree.values.bytes : tree.nodes.bytes;
          Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).writeBigInt64LE(
            word,
            8 * (where % (bytes.length / 8)),
          );
        }
        const room = () => makeRoom([{ ...tree, count: START }, tree], outputs);
        const [ours, theirs] = [room(), room()];
        let isTaken = true;
        try {
          packTree(tree, FEATURES, outputs, theirs, START);
        } catch {
          isTaken = false;
        }
        expect(packByEngine(tree, FEATURES, outputs, ours, START)).toBe(isTaken);
        if (isTaken) {
          taken++;
          expect(Buffer.from(ours.nodes.ints.buffer)).toEqual(Buffer.from(theirs.nodes.ints.buffer));
        } else {
          refused++;
          expect(ours.nodes.ints.every((half) => half === 0)).toBe(true);
        }
      },
    ),
    { numRuns: 4_000 },
  );
  expect(Math.min(taken, refused)).toBeGreaterThan(500);
});

it('leaves a tree to JavaScript that its memory has no room for', () => {
  const nodes = Array.from({ length: 12_001 }, (_, n): Node => {
    if (n % 2 === 1) return [-1, -1, -2, -2, 0, 1, 1, 0];
    return n === 12_000 ? [-1, -1, -2, -2, 0, 1, 1, 0] : [n + 1, n + 2, 0, 0.5, 0, 2, 2, 0];
  });
  const tree = rawTree(nodes, 8, 1);
  const room = makeRoom([tree], 1);
  expect(packByEngine(tree, FEATURES, 1, room, 0)).toBe(false);
  expect(() => packTree(tree, FEATURES, 1, room, 0)).not.toThrow();
});
