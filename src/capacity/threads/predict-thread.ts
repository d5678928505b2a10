// What runs in a thread: it decodes the model from its own copy of the bytes, says so once, and from then on waits for rows
// in shared memory until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { decodeRegressor } from '../forest/model.ts';
import { Blocks } from './blocks.ts';

/** What a thread is given. */
export interface ThreadData {
  readonly file: Uint8Array;
  readonly at: string;
  readonly memory: SharedArrayBuffer;
}

const { file, at, memory } = workerData as ThreadData;
const blocks = new Blocks(memory, decodeRegressor(file, at));
parentPort?.postMessage('ready');
for (;;) {
  blocks.waitForWork();
  blocks.work();
}
