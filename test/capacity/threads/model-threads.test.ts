// Prediction on several threads, as built: Node starts no thread from a TypeScript source. What scikit-learn answered is
// what every thread must answer; and whatever becomes of a thread, the caller gets that, or the refusal that is due.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TrustedModel } from '../../../dist/capacity/capacity-model.js';
import { decodeModel, decodeRegressor } from '../../../dist/capacity/forest/model.js';
import { Blocks, shareMemory } from '../../../dist/capacity/threads/blocks.js';
import { ModelThreads, openThreads, startThreads } from '../../../dist/capacity/threads/model-threads.js';
import { drillModel } from '../../../dist/proof/drills/capacity-model/drill-model.js';
import { GROWN_SIZE, grownForest } from '../../fuzz/grown-forest.ts';
import { beside, withBeside } from '../../left-out.ts';

const file = grownForest();
const model = decodeModel(file);
const ROWS = 3_000;
const cell = (i: number): number => ((i * 7919) % 1_000) / 10;
const rows = Array.from({ length: ROWS }, (_, r) =>
  Array.from({ length: GROWN_SIZE.features }, (_, f) => cell(r * GROWN_SIZE.features + f)),
);
const code = (expected: string): unknown => expect.objectContaining({ code: expected });
/** As the guard grants it, and the file that it was read from. */
async function trusted(): Promise<{ readonly granted: TrustedModel; readonly path: string }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'threads-')));
  onTestFinished(() => rm(root, { recursive: true }));
  const path = join(root, 'm.pkl');
  await writeFile(path, file, { mode: 0o600 });
  const digest = createHash('sha256').update(file).digest('hex');
  return { granted: new TrustedModel({ root, model: 'm.pkl', owners: 'self-or-root' }, digest, model), path };
}
const running: Worker[] = [];
/** A thread that is none of ours, in place of one. */
const other = (script: string, workerData?: unknown): Worker => {
  const worker = new Worker(script, { eval: true, workerData });
  worker.on('error', () => {});
  running.push(worker);
  return worker;
};

const KINDS = ['ada', 'bag', 'et_m3', 'gb', 'grid_rf', 'hg', 'pipe_std_rf', 'vote9', 'dict_model'];

interface Entry {
  readonly file: string;
  readonly kind: string;
  readonly writer: { readonly sklearn: string };
  readonly x: readonly (readonly string[])[];
  readonly y: readonly (readonly string[])[];
}

describe('a model on threads', () => {
  it('predicts what scikit-learn predicted, whatever kind of model it is', {
    timeout: 60_000,
    ...withBeside('corpora'),
  }, async () => {
    const folder = new URL('sklearn/', beside('corpora'));
    const { files } = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { files: Entry[] };
    const double = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE(0);
    for (const kind of KINDS) {
      const entry = files.find((one) => one.kind === kind && one.writer.sklearn.startsWith('1.6'));
      if (entry === undefined) throw new Error(`no ${kind}`);
      await using threads = await startThreads(readFileSync(new URL(entry.file, folder)), '', { threads: 2 });
      const times = Math.ceil(1_500 / entry.x.length);
      const many = Array.from({ length: times }, () => entry.x.map((row) => row.map(double))).flat();
      const answers = threads.predict(many).map((answer) => (typeof answer === 'number' ? [answer] : answer));
      const theirs = entry.y.map((row) => row.map(double));
      const wrong = answers.filter((answer, r) =>
        answer.some((value, i) => !Object.is(value, theirs[r % theirs.length]?.[i])),
      );
      expect([entry.file, wrong.length]).toEqual([entry.file, 0]);
    }
  });

  it('answers and refuses as without them', async () => {
    await using threads = await startThreads(file, '', { threads: 2 });
    expect(threads.threads).toBe(2);
    for (const count of [1, 2, 1_007, 1_008, 1_009, ROWS])
      expect(threads.predict(rows.slice(0, count))).toEqual(model.predict(rows.slice(0, count)));
    // More than one round of shared memory.
    const many = Array.from({ length: 12 }, () => rows).flat();
    expect(threads.predict(many)).toEqual(model.predict(many));
    const bad: readonly (readonly [at: number, row: number[], refusal: string])[] = [
      [2_900, rows[0]?.with(0, Number.POSITIVE_INFINITY) ?? [], 'model.row-infinite'],
      [2_500, rows[0]?.with(1, 1e39) ?? [], 'model.row-infinite'],
      [2_300, rows[0]?.with(1, 'x' as unknown as number) ?? [], 'model.row-value'],
      [2_000, [1], 'model.row-width'],
    ];
    const spoiled = [...rows];
    for (const [at, row, refusal] of bad) {
      spoiled[at] = row;
      for (const one of [model, threads])
        expect(() => one.predict(spoiled)).toThrow(
          expect.objectContaining({ code: refusal, message: expect.stringContaining(`row ${at} `) }),
        );
    }
    expect(() => threads.predict([])).toThrow(code('model.no-rows'));
    expect(threads.predict(rows)).toEqual(model.predict(rows));
    expect(threads.threads).toBe(2);
  });

  it('mixes up no two calls, though one is made while the other reads its rows', async () => {
    await using threads = await startThreads(file, '', { threads: 2 });
    const others = rows.map((row) => row.map((value) => 100 - value));
    let within: unknown;
    const row = new Proxy(rows[1_500] ?? [], {
      get(target, key, receiver) {
        if (key === '0') within = threads.predict(others);
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    expect(threads.predict(rows.with(1_500, row))).toEqual(model.predict(rows));
    expect(within).toEqual(model.predict(others));
  });

  it('is closed once and for all', async () => {
    const { granted } = await trusted();
    const threads = await openThreads(granted, { threads: 2 });
    await threads.close();
    await threads.close();
    expect(threads.threads).toBe(1);
    expect(() => threads.predict(rows)).toThrow(code('model.threads-closed'));
  });

  it('goes on alone when a thread fails, hangs or ends', async () => {
    const regressor = decodeRegressor(file, '');
    const hangs = `
      const { workerData } = require('node:worker_threads');
      const words = new Int32Array(workerData);
      for (;;) {
        const ticket = Atomics.load(words, 0);
        // Takes a block, and never says what became of it.
        if ((ticket & 127) > 0 && Atomics.compareExchange(words, 0, ticket, ticket - 1) === ticket) break;
        Atomics.wait(words, 0, ticket, 1);
      }
      Atomics.wait(words, 7, 0);`;
    for (const script of [hangs, 'throw new Error()', '', 'process.exit(3)']) {
      const memory = shareMemory(regressor);
      const threads = new ModelThreads(regressor, memory, [other(script, memory)], 100);
      const until = performance.now() + 20_000;
      while (threads.threads === 2 && performance.now() < until) {
        expect(threads.predict(rows)).toEqual(model.predict(rows));
        await new Promise((done) => setTimeout(done, 5));
      }
      expect([script, threads.threads]).toEqual([script, 1]);
      expect(threads.predict(rows)).toEqual(model.predict(rows));
      await threads.close();
    }
    await Promise.all(running.map((worker) => worker.terminate()));
  });

  it('is not started from a file that holds other bytes than were verified', async () => {
    const { granted, path } = await trusted();
    await writeFile(path, file.with(file.length - 2, 0));
    await expect(openThreads(granted, { threads: 2 })).rejects.toThrow(code('model.bytes-changed'));
  });

  it('is not started on no thread, half a one, or a thousand', async () => {
    for (const threads of [0, 1.5, 65, Number.NaN])
      await expect(startThreads(file, '', { threads })).rejects.toThrow(RangeError);
  });

  it('holds up no process that ends', () => {
    const href = pathToFileURL(resolve('dist/capacity/threads/model-threads.js')).href;
    const script = `
      const { startThreads } = await import(${JSON.stringify(href)});
      const threads = await startThreads(Buffer.from(process.env.MODEL, 'base64'), '', { threads: 3 });
      console.log(threads.threads);`;
    const argv = ['--input-type=module', '--eval', script];
    const env = { ...process.env, MODEL: drillModel().toString('base64') };
    const { status, stdout, signal } = spawnSync(process.execPath, argv, {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([signal, status, stdout.trim()]).toEqual([null, 0, '3']);
  });
});

describe('blocks', () => {
  it('are taken once each, by whoever comes', () => {
    const regressor = decodeRegressor(file, '');
    const memory = shareMemory(regressor);
    const [ours, theirs] = [new Blocks(memory, regressor), new Blocks(memory, regressor)];
    for (const count of [600, 252, 1]) {
      ours.rows.set(rows.slice(0, count).flat());
      ours.open(count, 0);
      expect(ours.finished(0)).toBe(false);
      theirs.work();
      ours.work();
      expect(ours.finished(0)).toBe(true);
      expect([...ours.answers.subarray(0, count)]).toEqual(model.predict(rows.slice(0, count)));
    }
  });

  it('hold fewer rows where rows are wide', () => {
    const bytes = (features: number, outputs: number): number =>
      shareMemory({ features, outputs }).byteLength;
    expect(bytes(6, 1)).toBeLessThan(2 ** 21);
    expect(bytes(10_000, 1)).toBeLessThan(2 ** 26);
    expect(bytes(10_000, 10_000)).toBeLessThan(2 ** 27);
  });
});
