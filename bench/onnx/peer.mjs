// The peer of the prediction bench: onnxruntime-node, asked for one round at a time. In first: models, rows and their
// width. Out first: every way of running them, with its answers. Then one job per line in, `WAY ROWS TIMES`, and its
// nanoseconds out; each time predicts other rows, which are made into a tensor before the clock starts.
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import onnxruntime from 'onnxruntime-node';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { models, rows: base64, width } = JSON.parse((await lines.next()).value);
const rows = new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

const numbers = { float32: Float32Array, float64: Float64Array };
const threads = {
  '1 thread': { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' },
  [`${availableParallelism()} threads (default)`]: {},
};
const ways = [];
for (const [number, Numbers] of Object.entries(numbers)) {
  for (const [how, options] of Object.entries(threads)) {
    const session = await onnxruntime.InferenceSession.create(Buffer.from(models[number], 'base64'), options);
    const tensor = (from, count) => {
      // scikit-learn rounds rows to float32 before it looks at them; onnxruntime with float64 does not.
      const some = Float32Array.from(rows.subarray(from * width, (from + count) * width));
      return new onnxruntime.Tensor(number, Numbers.from(some), [count, width]);
    };
    ways.push({ name: `onnxruntime, ${number}, ${how}`, session, tensor });
  }
}

const hello = [];
for (const { name, session, tensor } of ways) {
  const { answers } = await session.run({ rows: tensor(0, rows.length / width) });
  hello.push({ name, answers: Array.from(answers.data) });
}
console.log(JSON.stringify(hello));

for await (const line of lines) {
  const [way, count, times] = line.split(' ').map(Number);
  const { session, tensor } = ways[way];
  const asked = Array.from({ length: times }, (_, i) => ({ rows: tensor(i, count) }));
  const start = process.hrtime.bigint();
  for (const feeds of asked) await session.run(feeds);
  const elapsed = process.hrtime.bigint() - start;
  await setTimeout(50); // its threads spin for tens of milliseconds after a run, at the cost of whoever is next
  console.log(String(elapsed));
}
