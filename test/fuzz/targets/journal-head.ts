// The reader of head files beside JSON.parse: whatever is in the file, it names heads that stand there, or none.
import { decodeHeads, encodeHeads } from '../../../src/evidence/head.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const head = {
  tree: { size: 5, edge: [hash(1), hash(2)], lastPath: [] },
  segment: 0,
  offset: 4_096,
  idFloor: '01a21829-637a-7626-948f-a5146f473778',
};

export const target = {
  name: 'journal-head',
  oracle: 'JSON.parse',
  seeds: [
    encodeHeads([head]),
    encodeHeads([
      head,
      { ...head, tree: { ...head.tree, size: 4, edge: [hash(3)], lastPath: [hash(4), hash(5)] } },
    ]),
  ].map(bytesOf),
  words: [
    ...'{ } [ ] : , " 0 -1 1e99 0.5 null "heads" "edge" "size":'.split(' '),
    '00'.repeat(32),
    'ff'.repeat(32),
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const heads = decodeHeads(text);
    if (heads.length === 0) return;
    const stored = (JSON.parse(text) as { heads: { size: number; edge: string[]; offset: number }[] }).heads;
    const same = heads.every(({ tree, offset }, at) => {
      const { size, edge, offset: there } = stored[at] ?? { size: -1, edge: [], offset: -1 };
      return (
        tree.size === size &&
        offset === there &&
        tree.edge.every((each, level) => Buffer.from(each).toString('hex') === edge[level])
      );
    });
    if (!same || heads.length !== stored.length) throw new Error('names a head that does not stand there');
  },
} satisfies FuzzTarget;
