// Prediction of one row and of batches beside scikit-learn with n_jobs=None, on the same forest and the same rows.
import { decodeModel } from '../src/capacity/forest/model.ts';
import { measured, race, startPeers } from './sklearn-peer.ts';

const WIDTH = 6;
/** A manager asks for one row per worker: a few at once, many times. */
const SIZES = [
  { count: 1, times: 20, rounds: 40 },
  { count: 400, times: 1, rounds: 40 },
  { count: 19_000, times: 1, rounds: 10 },
] as const;

/** Prints the ratios. Left out, and said to be, where there is no scikit-learn. */
export async function predictBench(): Promise<void> {
  console.log('predict: ms per call, min / median, and each as a ratio to ours');
  for (const peer of await startPeers()) {
    const { sklearn, nodes, pickle, rows: base64 } = peer.hello;
    const model = decodeModel(Buffer.from(pickle, 'base64'));
    const flat = new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
    const all = Array.from({ length: flat.length / WIDTH }, (_, i) => [
      ...flat.subarray(i * WIDTH, (i + 1) * WIDTH),
    ]);
    for (const { count, times, rounds } of SIZES) {
      const asked = Array.from({ length: times }, (_, i) => all.slice(i, i + count));
      console.log(` ${count} rows, ${nodes} nodes of scikit-learn ${sklearn}`);
      await race(
        [
          ['ours', () => measured(() => asked.map((rows) => model.predict(rows))) / times],
          ['scikit-learn, n_jobs=None', async () => (await peer.time(`predict ${count} ${times}`)) / times],
        ],
        rounds,
      );
    }
    peer.stop();
  }
}
