// The capacity room, each of its goals beside its peer: what a fresh process costs beside a bare node, a guarded load beside
// a hash, a compressed file beside its inflation, the walk in WebAssembly beside the same walk in JavaScript, a process that
// has transferred a buffer beside one that has not. CPU beside wall time: a machine that does other things takes longer.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync, inflateSync } from 'node:zlib';
import { capacityModel } from '../dist/capacity/capacity-model.js';
import { decodeModel } from '../dist/capacity/forest/model.js';
import { judge } from '../dist/kernel/enforce.js';
import { BAD_INPUTS } from '../test/fuzz/bad-inputs.ts';
import { GROWN_SIZE, grownForest } from '../test/fuzz/grown-forest.ts';
import { type Cost, cost, inTurns, show, spread } from './journal/cost.ts';
import { hash, lay, NAME } from './load.ts';

const SHIPPED = '../shared/agilab/balancer_model.pkl';
const built = (path: string): string => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
const imported = (path: string): string => `await import(${JSON.stringify(built(path))})`;
/** Fewer rows in a call than the engine is made for. */
const FEW = 114;
const ROWS = 166 * FEW;
const LOADS = 100;
const cell = (i: number): number => ((i * 7_919) % 1_000) / 10;
const rowsFor = (count: number, width: number): number[][] =>
  Array.from({ length: count }, (_, r) => Array.from({ length: width }, (_cell, f) => cell(r * width + f)));

/** Says what it costs when it ends, to whoever listens on descriptor 3. */
const METER = `process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(process.cpuUsage())));`;

/** What a process costs from its start to its end. */
function processCost(meter: string, argv: readonly string[]): Cost {
  const started = performance.now();
  const { status, output } = spawnSync(process.execPath, ['-r', meter, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  const wall = 1_000 * (performance.now() - started);
  if (status !== 0) throw new Error(`${argv.at(-1)} failed`);
  const { user, system } = JSON.parse(output[3] ?? '') as NodeJS.CpuUsage;
  return { cpu: user + system, wall };
}

/** What a part of a process costs: the script makes a function, which is run once, or as often as it says. */
function partCost(script: string, times = 1): Cost {
  const text = `${script}
    let best = { cpu: Infinity };
    for (let i = 0; i < ${times}; i++) {
      const before = process.cpuUsage(), started = performance.now();
      await work();
      const wall = 1_000 * (performance.now() - started), { user, system } = process.cpuUsage(before);
      if (user + system < best.cpu) best = { cpu: user + system, wall };
    }
    console.log(JSON.stringify(best));`;
  const argv = ['--input-type=module', '--eval', text];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Cost;
}

/** Each in a process of its own that has done nothing before. */
async function startBench(directory: string, file: string): Promise<void> {
  const meter = join(directory, 'meter.cjs');
  const empty = join(directory, 'empty.mjs');
  writeFileSync(meter, METER);
  writeFileSync(empty, '');
  const read = `const bytes = (await import('node:fs')).readFileSync(${JSON.stringify(file)});`;
  const decode = `${read} const { decodeModel } = ${imported('node/capacity.js')};`;
  const { node, inspect, room, first } = await inTurns(7, {
    node: async () => processCost(meter, [empty]),
    inspect: async () => processCost(meter, [built('node/main.js'), 'model', 'inspect', file]),
    room: async () => partCost(`const work = () => import(${JSON.stringify(built('node/capacity.js'))});`),
    first: async () => partCost(`${decode} const work = () => decodeModel(bytes);`),
  });
  show('model inspect', inspect, node, 'bare node', '<= 2.5');
  show('import of the room', room, node, 'bare node', '60 ms');
  show('first decode of a process', first, node, 'bare node', '40 ms');
}

/** A guarded load of what is refused, in a process that has loaded before. */
async function badInputBench(root: string): Promise<void> {
  const directory = join(root, 'bad');
  mkdirSync(directory, { mode: 0o700 });
  for (const { what, make } of BAD_INPUTS) {
    const bytes = Buffer.from(make());
    await lay(directory, bytes);
    const refused = async (): Promise<void> => {
      const { decision } = await judge(capacityModel, { root: directory, model: NAME });
      if (decision !== 'refuse') throw new Error(`${what} was not refused`);
    };
    const { ours } = await inTurns(7, { ours: () => cost(1, refused) });
    console.log(
      `${what}, ${bytes.length} bytes: ${spread(ours, 'cpu')} us CPU, ${spread(ours, 'wall')} wall (goal 50 ms)`,
    );
  }
}

/** The whole guard beside a hash of the same bytes: the median of five runs, and each run the median of its rounds. */
async function guardBench(directory: string, bytes: Buffer): Promise<void> {
  await lay(directory, bytes);
  const guarded = async (): Promise<void> => {
    const { decision, reason } = await judge(capacityModel, { root: directory, model: NAME });
    if (decision !== 'allow') throw new Error(reason);
  };
  const runs: { readonly ours: Cost; readonly peer: Cost }[] = [];
  for (let run = 0; run < 5; run++) {
    const { peer, ours } = await inTurns(25, {
      peer: () => cost(1, async () => hash(bytes)),
      ours: () => cost(1, guarded),
    });
    runs.push({ ours, peer });
  }
  const ratio = ({ ours, peer }: (typeof runs)[number]): number => ours.wall / peer.wall;
  const middle = runs.toSorted((a, b) => ratio(a) - ratio(b))[2];
  if (middle) show('guarded load, median of five runs', middle.ours, middle.peer, 'createHash', '<= 3.5');
  const before = process.resourceUsage().minorPageFault;
  for (let load = 0; load < LOADS; load++) await guarded();
  const faults = (process.resourceUsage().minorPageFault - before) / LOADS;
  console.log(`minor page faults of a guarded load, mean of ${LOADS}: ${faults.toFixed(0)}`);
}

async function compressedBench(bytes: Buffer): Promise<void> {
  const compressed = deflateSync(bytes, { level: 3 });
  const { ours, peer } = await inTurns(25, {
    peer: () => cost(1, async () => decodeModel(inflateSync(compressed, { chunkSize: 2 ** 21 }))),
    ours: () => cost(1, async () => decodeModel(compressed)),
  });
  show('zlib of 2 MB decoded', ours, peer, 'inflateSync, then the raw file', '<= 1.2');
}

async function walkBench(bytes: Buffer): Promise<void> {
  const [engine, script] = [decodeModel(bytes), decodeModel(bytes)];
  const rows = rowsFor(ROWS, engine.description.features);
  const few = Array.from({ length: ROWS / FEW }, (_, i) => rows.slice(i * FEW, (i + 1) * FEW));
  const { ours, peer } = await inTurns(15, {
    ours: () => cost(1, async () => engine.predict(rows)),
    peer: () => cost(1, async () => few.map((some) => script.predict(some))),
  });
  show(`JavaScript walks ${ROWS} rows`, peer, ours, 'WebAssembly', '>= 1.5');
}

/** Structured clone with a list takes a buffer away; V8 then checks every access to any buffer. */
async function transferBench(file: string, width: number): Promise<void> {
  const script = `const bytes = (await import('node:fs')).readFileSync(${JSON.stringify(file)});
    const { decodeModel } = ${imported('capacity/forest/model.js')};
    const rows = ${JSON.stringify(rowsFor(500, width))}, many = Array.from({ length: 38 }, () => rows).flat();
    const model = decodeModel(bytes), work = () => model.predict(many);`;
  const transfer = `{ const buffer = new ArrayBuffer(8); structuredClone(buffer, { transfer: [buffer] }); } ${script}`;
  const { ours, peer } = await inTurns(5, {
    ours: async () => partCost(transfer, 25),
    peer: async () => partCost(script, 25),
  });
  show('19,000 rows after a transfer', ours, peer, 'without one', '<= 1.05');
}

/** Prints every goal that needs no Python; `decode` and `predict` have those beside CPython, scikit-learn and onnxruntime. */
export async function capacityBench(): Promise<void> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'guardrails-bench-')));
  try {
    const bytes = existsSync(SHIPPED) ? readFileSync(SHIPPED) : grownForest();
    const file = join(directory, 'model.pkl');
    writeFileSync(file, bytes, { mode: 0o600 });
    console.log(
      `capacity: a forest of ${GROWN_SIZE.estimators} trees, ${bytes.length} bytes; least / median / most`,
    );
    await startBench(directory, file);
    await guardBench(directory, bytes);
    await badInputBench(directory);
    await compressedBench(bytes);
    await walkBench(bytes);
    await transferBench(file, decodeModel(bytes).description.features);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
