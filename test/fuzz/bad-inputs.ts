// What costs a decoder most for its size: bombs, containers in containers, a hundred thousand estimators, wrappers
// without end. Each must be refused by its code at once, in little memory: the tests see the codes and the memory, and
// the bench of the capacity room the time.
import { deflateSync, gzipSync } from 'node:zlib';
import { forest, leaf, tree, treeEstimator } from './model-writer.ts';
import { joined, op, type Py, pickle, tokensOf } from './pickle-writer.ts';

export interface BadInput {
  readonly what: string;
  readonly code: string;
  readonly make: () => Uint8Array;
}

const MIB = 2 ** 20;
const MANY = 100_000;
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const bomb = (fill: number | string, size: number): Uint8Array =>
  deflateSync(Buffer.alloc(size * MIB, fill), { level: 9 });

/** A forest that says it has so many estimators, the first of which is written out, and the others by these opcodes. */
function crowd(first: string, other: string): Uint8Array {
  const others = latin1(other.repeat(MANY - 1));
  const estimators: Py = { raw: [op(']('), latin1(first), others, op('e')] };
  return pickle(forest({ n_estimators: MANY, estimators_: estimators }));
}
/** In batches, as picklers write lists. */
function batches(first: Uint8Array, other: string): Uint8Array {
  const batch = latin1(`(${other.repeat(1_000)}e`);
  const list: Py = { raw: [op(']'), first, op('a'), ...Array(MANY / 1_000).fill(batch)] };
  return pickle(forest({ n_estimators: MANY, estimators_: list }));
}

const CLASS = '\x8c\x15sklearn.tree._classes\x94\x8c\x15DecisionTreeRegressor\x94\x93\x94';
const PIPELINE = '\x8c\x10sklearn.pipeline\x8c\x08Pipeline\x93)\x81';
const STEPS = '}(\x8c\x05steps](\x8c\x01a';
const LEVELS = 20_000;
const oneLeaf = (): Uint8Array => joined(tokensOf(treeEstimator({ tree_: tree({ nodes: [leaf(1)] }) })));
const truncated = (): Uint8Array => pickle(forest()).subarray(0, -1);

export const BAD_INPUTS: readonly BadInput[] = [
  { what: 'a zlib bomb of 64 MiB', code: 'container.too-large', make: () => bomb(0, 64) },
  { what: 'a zlib bomb of 256 MiB', code: 'container.too-large', make: () => bomb(0, 256) },
  {
    what: 'a gzip bomb of 64 MiB',
    code: 'container.too-large',
    make: () => gzipSync(Buffer.alloc(64 * MIB), { level: 9 }),
  },
  { what: 'a bomb in a bomb', code: 'container.nested', make: () => deflateSync(bomb(0, 64), { level: 9 }) },
  { what: '30 MiB of zeros, compressed', code: 'pickle.unknown-opcode', make: () => bomb(0, 30) },
  { what: '30 MiB of None, compressed', code: 'pickle.stack-limit', make: () => bomb('N', 30) },
  {
    what: '30 MiB of text, compressed',
    code: 'pickle.too-large',
    make: () => {
      const stream = Buffer.alloc(30 * MIB, 'a');
      stream.write('X', 0, 'latin1');
      stream.writeUInt32LE(stream.length - 6, 1);
      stream.write('.', stream.length - 1, 'latin1');
      return deflateSync(stream, { level: 9 });
    },
  },
  { what: 'a truncated stream', code: 'pickle.truncated', make: truncated },
  { what: 'a truncated stream, compressed', code: 'pickle.truncated', make: () => deflateSync(truncated()) },
  {
    what: 'a truncated container',
    code: 'container.truncated',
    make: () => deflateSync(pickle(forest())).subarray(0, -1),
  },
  {
    what: 'a stream with another behind it',
    code: 'pickle.trailing-bytes',
    make: () => joined([pickle(forest()), pickle(forest())]),
  },
  {
    what: '100,000 estimators without state',
    code: 'pickle.object-limit',
    make: () => crowd(`${CLASS})\x81`, 'h\x02)\x81'),
  },
  {
    what: '100,000 estimators with an empty state',
    code: 'pickle.object-limit',
    make: () => crowd(`${CLASS})\x81}b`, 'h\x02)\x81}b'),
  },
  {
    what: '100,000 times one estimator at once',
    code: 'pickle.stack-limit',
    make: () => crowd(`${Buffer.from(oneLeaf()).toString('latin1')}\x94`, 'h\0'),
  },
  {
    what: '100,000 times one estimator in batches',
    code: 'model.shared',
    make: () => batches(joined([oneLeaf(), op('\x94')]), 'h\0'),
  },
  {
    what: 'a pipeline that is its own step',
    code: 'pickle.changed-after-use',
    make: () => latin1(`\x80\x04${PIPELINE}\x94${STEPS}h\0\x86eub.`),
  },
  {
    what: 'pipelines in one another, 20,000 deep',
    code: 'pickle.stack-limit',
    make: () => latin1(`\x80\x04${`${PIPELINE}${STEPS}`.repeat(LEVELS)}N${'\x86eub'.repeat(LEVELS)}.`),
  },
  {
    what: 'lists in one another, 4,000 deep',
    code: 'pickle.budget',
    make: () => latin1(`\x80\x04${']'.repeat(4_000)}${'a'.repeat(3_999)}.`),
  },
];
