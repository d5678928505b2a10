// Hostile pickles, one per family: each runs code, hangs, crashes or misleads in Python. Sealed with a right sidecar,
// because a digest says nothing about intent.
import { deflateSync, gzipSync } from 'node:zlib';

interface HostilePickle {
  readonly id: string;
  readonly fault: string;
  /** Made from a good model where the attack hides in one. */
  bytes(good: Buffer): Buffer;
}

const text = (pickle: string): Buffer => Buffer.from(pickle, 'latin1');
const STOP = 1;

export const HOSTILE_PICKLES: readonly HostilePickle[] = [
  {
    id: 'pickle-command',
    fault: 'a global that runs a command',
    bytes: () => text('cposix\nsystem\n(S"true"\ntR.'),
  },
  {
    id: 'pickle-command-first',
    fault: 'a command first, then the good model',
    // PROTO is moved to the front; what the call leaves on the stack is popped.
    bytes: (good) =>
      Buffer.concat([good.subarray(0, 2), text('cposix\nsystem\n(S"true"\ntR0'), good.subarray(2)]),
  },
  {
    id: 'pickle-joined-name',
    fault: 'module and name that only join to an allowed one',
    bytes: () => text('csklearn.tree\n_classes.DecisionTreeRegressor\n)\x81.'),
  },
  {
    id: 'pickle-near-module',
    fault: 'a good model whose class is of a module with a name like the right one',
    bytes: (good) => text(good.toString('latin1').replace('sklearn.tree._classes', 'sklearm.tree._classes')),
  },
  {
    id: 'pickle-instance',
    fault: 'INST, which imports and calls in one opcode',
    bytes: () => text('(S"true"\niposix\nsystem\n.'),
  },
  {
    id: 'pickle-extension',
    fault: 'a code of the extension registry, which another program filled',
    bytes: () => text('\x80\x02\x82\x01.'),
  },
  {
    id: 'pickle-persistent',
    fault: 'a persistent id, which the reader resolves',
    bytes: () => text('Pmodel\n.'),
  },
  {
    id: 'pickle-trailing',
    fault: 'a second pickle behind the good one',
    bytes: (good) => Buffer.concat([good, text('cposix\nsystem\n(S"true"\ntR.')]),
  },
  { id: 'pickle-truncated', fault: 'the end is missing', bytes: (good) => good.subarray(0, -STOP) },
  {
    id: 'pickle-allocation',
    fault: 'eight bytes that ask for 16 EiB of memory',
    bytes: () => text('\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff.'),
  },
  {
    id: 'pickle-tree-cycle',
    fault: 'a tree whose root is its own child: predict never ends',
    bytes: (good) => {
      // The first node holds children 1 and 2 (i8 each); no other place in the pickle has these sixteen bytes.
      const children = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
      const cycle = Buffer.from(good);
      cycle.writeUInt8(0, cycle.indexOf(children));
      return cycle;
    },
  },
  {
    id: 'zlib-command',
    fault: 'a global that runs a command, compressed as joblib compresses models',
    bytes: () => deflateSync(text('cposix\nsystem\n(S"true"\ntR.')),
  },
  {
    id: 'zlib-bomb',
    fault: 'some kilobytes that inflate to 33 MiB, one more than so small a file may',
    bytes: () => deflateSync(Buffer.alloc(33 * 1024 * 1024), { level: 9 }),
  },
  {
    id: 'zlib-nested',
    fault: 'a compressed file inside a compressed file',
    bytes: (good) => deflateSync(gzipSync(good)),
  },
  {
    id: 'gzip-second-member',
    fault: 'a second gzip member: some readers join the two, others see the first only',
    bytes: (good) => Buffer.concat([gzipSync(good), gzipSync(text('cposix\nsystem\n(S"true"\ntR.'))]),
  },
  {
    id: 'pickle-not-a-model',
    fault: 'a harmless value that is no model',
    bytes: () => text('\x80\x04]\x94.'),
  },
];
