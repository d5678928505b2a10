// Decoding a model and checking every node, beside JSON.parse of the same forest and beside CPython's warm
// pickle.loads; and dense pickles, which hold no arrays, beside pickleparser.
import { Parser } from 'pickleparser';
import { decodeModel } from '../src/capacity/forest/model.ts';
import { Machine } from '../src/capacity/pickle/machine.ts';
import { measured, race, startPeers } from './sklearn-peer.ts';

/** Prints the ratios. The peers are left out, and said to be, where there is no scikit-learn. */
export async function decodeBench(): Promise<void> {
  console.log('decode: ms, min / median, and each as a ratio to ours');
  const peers = await startPeers();
  for (const peer of peers) {
    const { sklearn, nodes, pickle, forest } = peer.hello;
    const bytes = Buffer.from(pickle, 'base64');
    console.log(` ${nodes} nodes of scikit-learn ${sklearn}, ${bytes.length} bytes`);
    await race(
      [
        ['decoded and checked (ours)', () => measured(() => decodeModel(bytes))],
        [`JSON.parse, ${forest.length} bytes`, () => measured(() => JSON.parse(forest) as unknown)],
        ['CPython pickle.loads', () => peer.time('loads')],
      ],
      40,
    );
  }
  for (const [what, base64] of Object.entries(peers[0]?.hello.dense ?? {})) {
    const bytes = Buffer.from(base64, 'base64');
    console.log(` ${what}, ${bytes.length} bytes`);
    await race(
      [
        ['pickle machine (ours)', () => measured(() => new Machine(bytes).run())],
        ['pickleparser 0.2.1', () => measured(() => new Parser().parse(bytes))],
      ],
      20,
    );
  }
  for (const peer of peers) peer.stop();
}
