// Prediction of one row and of batches beside scikit-learn with n_jobs=None and beside onnxruntime-node, on the same
// forest and the same rows. Ours takes arrays as they come, and checks and rounds every number; the others are given
// what they like best, made beforehand: a numpy array, a tensor.
import { availableParallelism } from 'node:os';
import { decodeModel } from '../dist/capacity/forest/model.js';
import { startThreads } from '../dist/capacity/threads/model-threads.js';
import { type OnnxPeer, startOnnx } from './onnx-peer.ts';
import { type Contender, measured, race, type SklearnPeer, startPeers } from './sklearn-peer.ts';

const WIDTH = 6;
/** A manager asks for one row per worker: a few at once, many times. */
const SIZES = [
  { count: 1, times: 20, rounds: 40 },
  { count: 10, times: 20, rounds: 40 },
  { count: 400, times: 1, rounds: 40 },
  { count: 19_000, times: 1, rounds: 10 },
] as const;

/** Prints the ratios. Left out, and said to be, where there is no scikit-learn. */
export async function predictBench(): Promise<void> {
  console.log('predict: ms per call, min / median, and each as a ratio to ours');
  for (const peer of await startPeers()) {
    await predictWith(peer);
    peer.stop();
  }
}

async function predictWith(peer: SklearnPeer): Promise<void> {
  const { sklearn, nodes, pickle, forest, rows: base64 } = peer.hello;
  const file = Buffer.from(pickle, 'base64');
  const model = decodeModel(file);
  await using threads = await startThreads(file, '');
  const flat = new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
  const all = Array.from({ length: flat.length / WIDTH }, (_, i) => [
    ...flat.subarray(i * WIDTH, (i + 1) * WIDTH),
  ]);
  console.log(` ${nodes} nodes of scikit-learn ${sklearn}`);
  const onnx = await startOnnx(forest, base64, WIDTH);
  const expected = model.predict(all).flat();
  for (const { name, answers } of onnx?.hello ?? [])
    console.log(`  ${name}: ${agreement(answers, expected)}`);
  for (const { count, times, rounds } of SIZES) {
    const starts = Array.from({ length: times }, (_, i) => i);
    const asked = starts.map((i) => all.slice(i, i + count));
    const contenders: Contender[] = [
      ['ours', () => measured(() => asked.map((rows) => model.predict(rows))) / times],
    ];
    const together = `ours, ${availableParallelism()} threads`;
    if (count > 1_000)
      contenders.push([together, () => measured(() => asked.map((rows) => threads.predict(rows))) / times]);
    const beside = (name: string, other: SklearnPeer | OnnxPeer, job: string): Contender => [
      name,
      async () => (await other.time(`${job} ${count} ${times}`)) / times,
    ];
    contenders.push(beside('scikit-learn, n_jobs=None', peer, 'predict'));
    if (onnx) contenders.push(...onnx.hello.map(({ name }, way) => beside(name, onnx, String(way))));
    console.log(` ${count} rows`);
    await race(contenders, rounds);
  }
  onnx?.stop();
}

/** Says how near answers are to ours, so that it is seen to be the same forest. */
function agreement(answers: readonly number[], expected: readonly number[]): string {
  const equal = expected.filter((answer, i) => Math.fround(answer) === answers[i]).length;
  const off = expected.map((answer, i) => Math.abs((answers[i] ?? Number.NaN) / answer - 1));
  return `${equal} of ${answers.length} answers equal ours in float32, the worst is ${Math.max(...off).toExponential(1)} off`;
}
