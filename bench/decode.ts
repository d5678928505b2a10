// Decoding a model and checking every node, beside JSON.parse of the same forest and beside CPython's warm
// pickle.loads; and dense pickles, which hold no arrays, beside pickleparser. Our machine checks every opcode and indexes
// the values, which is all that becomes of a stream that is no model; reading every one of them out is shown, too.
import { Parser } from 'pickleparser';
import { inspectPickle } from '../dist/capacity/forest/inspect.js';
import { decodeModel } from '../dist/capacity/forest/model.js';
import { Machine } from '../dist/capacity/pickle/machine.js';
import { Dict, List, Tuple, type Value } from '../dist/capacity/pickle/values.js';
import { HOSTILE } from '../test/fuzz/hostile-pickles.ts';
import { measured, race, startPeers } from './sklearn-peer.ts';

/** Reads every value of a stream. Returns how many there are. */
function readOut(value: Value): number {
  if (value instanceof List || value instanceof Tuple) return sumOf(value.items);
  return value instanceof Dict ? sumOf(value.entries) : 1;
}

function sumOf(values: readonly Value[]): number {
  let sum = 1;
  for (const value of values) sum += readOut(value);
  return sum;
}

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
        ['checked and indexed (ours)', () => measured(() => new Machine(bytes).run())],
        ['and every value read out (ours)', () => measured(() => readOut(new Machine(bytes).run()))],
        ['pickleparser 0.2.1', () => measured(() => new Parser().parse(bytes))],
      ],
      60,
    );
  }
  for (const peer of peers) peer.stop();
  const slowest = HOSTILE.map(
    ({ what, bytes }) => [measured(() => inspectPickle(bytes)), what] as const,
  ).sort(([a], [b]) => b - a)[0];
  console.log(
    ` ${HOSTILE.length} hostile pickles, each inspected once: at most ${slowest?.[0].toFixed(1)} ms (${slowest?.[1]})`,
  );
}
