// Prediction on several processors, for a process that predicts many rows again and again: a thread takes tens of
// milliseconds to start, so for one call it does not pay. Rows and answers lie in shared memory; nothing is sent.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { TrustedModel } from '../capacity-model.ts';
import { decodeRegressor } from '../forest/model.ts';
import { copyRows, PredictionList, type Predictions, predict } from '../forest/predict.ts';
import { ModelRefusal } from '../model-refusal.ts';
import type { Regressor } from '../regressors/regressor.ts';
import { MOST_ROWS } from '../regressors/tree-sum.ts';
import { Blocks, shareMemory } from './blocks.ts';
import type { ThreadData } from './predict-thread.ts';

/** Rows from which on it pays to wake others. */
const WORTHWHILE = 4 * MOST_ROWS;
const MOST_THREADS = 64;
/** A block takes a thread about a millisecond. One that gets nowhere in this time is given up, and the rest done without. */
const PATIENCE_MS = 10_000;

export interface ThreadOptions {
  /** How many processors are used, that of the caller included: 1 to 64. Default: as many as there are. */
  readonly threads?: number | undefined;
}

/** A model on several threads. Close it, or `await using` it; a process that ends is not held up by it. */
export class ModelThreads implements AsyncDisposable {
  readonly #regressor: Regressor;
  readonly #blocks: Blocks;
  readonly #patienceMs: number;
  #workers: readonly Worker[];
  #busy = false;
  #closed = false;

  constructor(
    regressor: Regressor,
    memory: SharedArrayBuffer,
    workers: readonly Worker[],
    patienceMs: number = PATIENCE_MS,
  ) {
    this.#regressor = regressor;
    this.#patienceMs = patienceMs;
    this.#blocks = new Blocks(memory, regressor);
    this.#workers = workers;
    for (const worker of workers) {
      worker.unref();
      // Whatever ended one, the caller's own thread answers alone from now on.
      worker.on('exit', () => void this.#giveUp());
    }
  }

  /** How many threads predict, that of the caller included; 1 once one of them has failed. */
  get threads(): number {
    return this.#workers.length + 1;
  }

  /**
   * As {@link TrustedModel.predict}, in every bit and every refusal, and it blocks as that does. Throws
   * `model.threads-closed` after {@link close}.
   */
  predict(rows: readonly (readonly number[])[]): Predictions {
    if (this.#closed) throw new ModelRefusal('model.threads-closed', 'the threads of the model are closed');
    // A row may be read by code of the caller that asks for another prediction meanwhile: the memory is one call's.
    if (this.#busy || this.#workers.length === 0 || rows.length < WORTHWHILE)
      return predict(this.#regressor, rows);
    this.#busy = true;
    try {
      return this.#predictTogether(rows) ?? predict(this.#regressor, rows);
    } finally {
      this.#busy = false;
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#giveUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Returns nothing where a row is refused: the caller's thread then finds the first one, as without threads. */
  #predictTogether(rows: readonly (readonly number[])[]): Predictions | undefined {
    const { features, outputs } = this.#regressor;
    const blocks = this.#blocks;
    const answers = new PredictionList(outputs);
    for (let first = 0; first < rows.length; first += blocks.most) {
      const count = Math.min(blocks.most, rows.length - first);
      try {
        copyRows(rows, first, count, features, blocks.rows);
      } catch {
        return undefined;
      }
      blocks.open(count, first);
      blocks.work();
      if (!blocks.finished(this.#patienceMs)) {
        // A thread that is still at it would write into the next round.
        if (!blocks.idle) void this.#giveUp();
        return undefined;
      }
      answers.add(blocks.answers.subarray(0, count * outputs));
    }
    return answers.done();
  }

  async #giveUp(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function started(workerData: ThreadData): Promise<Worker> {
  // Not what this process was started with: a loader or preload of it has no business with a model.
  const options = { workerData, execArgv: [], env: {} };
  const worker = new Worker(new URL('./predict-thread.js', import.meta.url), options);
  return await new Promise((resolve, reject) => {
    worker.once('message', () => resolve(worker));
    worker.on('error', reject); // stays: an error without a listener ends the process
    worker.once('exit', () => reject(new Error('it ended before it began')));
  });
}

/** As {@link openThreads}, for bytes that nobody else can change. */
export async function startThreads(
  file: Uint8Array,
  at: string,
  { threads = Math.min(MOST_THREADS, availableParallelism()) }: ThreadOptions = {},
): Promise<ModelThreads> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new RangeError(`threads: a whole number from 1 to ${MOST_THREADS}`);
  const regressor = decodeRegressor(file, at);
  const memory = shareMemory(regressor);
  const starts = Array.from({ length: threads - 1 }, () => started({ file, at, memory }));
  const settled = await Promise.allSettled(starts);
  const workers = settled.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  if (workers.length < starts.length || workers.some(({ threadId }) => threadId < 0)) {
    await Promise.all(workers.map((worker) => worker.terminate()));
    throw new ModelRefusal('model.threads-unavailable', 'a thread could not be started');
  }
  return new ModelThreads(regressor, memory, workers);
}

/**
 * Starts threads that predict with a model together, each with its own copy, which is decoded from the file once more. Throws as
 * {@link TrustedModel.readBytes}, `model.threads-unavailable`, and RangeError for a number of threads that is none.
 */
export async function openThreads(model: TrustedModel, options: ThreadOptions = {}): Promise<ModelThreads> {
  return startThreads(await model.readBytes(), model.description.at, options);
}
