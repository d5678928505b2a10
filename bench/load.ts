// The guarded load of a 2 MB model beside a bare hash of the same bytes, with everything that is read, judged and
// decoded on the way. All ratios come from one run with interleaved rounds. BENCH_LARGE=1 adds a file of 512 MB.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capacityModel } from '../dist/capacity/capacity-model.js';
import { decodeModel } from '../dist/capacity/forest/model.js';
import { encodeSidecar, sidecarName } from '../dist/capacity/sidecar.js';
import { openTrusted } from '../dist/files/open.js';
import { judge } from '../dist/kernel/enforce.js';
import { GROWN_SIZE, GROWN_TREES, grownForest } from '../test/fuzz/grown-forest.ts';

export const NAME = 'model.pkl';
const forestJson = (): string =>
  JSON.stringify(GROWN_TREES.map((nodes) => nodes.map((node) => Object.values(node))));

interface Contestant {
  readonly name: string;
  run(): unknown;
}

interface Timing {
  readonly name: string;
  /** Milliseconds. */
  readonly min: number;
  readonly median: number;
}

async function time(contestants: readonly Contestant[], rounds: number): Promise<readonly Timing[]> {
  const samples = contestants.map((): number[] => []);
  for (let round = 0; round < rounds + 5; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const start = performance.now();
      await contestant.run();
      // The first rounds warm the compiler up.
      if (round >= 5) samples[index]?.push(performance.now() - start);
    }
  }
  return contestants.map(({ name }, index) => {
    const sorted = (samples[index] ?? []).sort((a, b) => a - b);
    return { name, min: sorted[0] ?? Number.NaN, median: sorted[sorted.length >> 1] ?? Number.NaN };
  });
}

function print(title: string, timings: readonly Timing[]): void {
  const base = timings[0];
  console.log(`load: ${title}; ms, min / median, and each as a ratio to the first`);
  for (const { name, min, median } of timings) {
    const figures = `${min.toFixed(2).padStart(9)} / ${median.toFixed(2).padStart(9)}`;
    const ratio = `x${(min / (base?.min ?? 0)).toFixed(2)} / x${(median / (base?.median ?? 0)).toFixed(2)}`;
    console.log(`  ${name.padEnd(46)} ${figures}   ${ratio}`);
  }
}

export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function lay(root: string, bytes: Buffer): Promise<void> {
  const text = encodeSidecar({
    schema: 'agilab.capacity_model_manifest.v1',
    algorithm: 'sha256',
    digest_sha256: hash(bytes),
    model_file: NAME,
    size_bytes: bytes.length,
  });
  await writeFile(join(root, NAME), bytes, { mode: 0o600 });
  await writeFile(join(root, sidecarName(NAME)), text, { mode: 0o600 });
}

const PYTHON = `
import pickle, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from sklearn.ensemble import RandomForestRegressor
rng = np.random.RandomState(0)
X = rng.rand(235, 6)
model = RandomForestRegressor(100, random_state=0).fit(X, X @ np.arange(6.0) + rng.rand(235))
data = pickle.dumps(model, protocol=5)
open(sys.argv[1], "wb").write(data)
times = []
for _ in range(60):
    start = time.perf_counter(); pickle.loads(data); times.append(1e3 * (time.perf_counter() - start))
times.sort()
print(times[0], times[len(times) // 2])
`;

interface Subject {
  readonly what: string;
  readonly bytes: Buffer;
  readonly peers: readonly Timing[];
}

/** The models to load: AGILAB's own where it is at hand, and one that scikit-learn on this machine trains. */
function subjects(root: string): readonly Subject[] {
  const found: Subject[] = [];
  const shipped = '../shared/agilab/balancer_model.pkl';
  if (existsSync(shipped))
    found.push({ what: "AGILAB's own model", bytes: readFileSync(shipped), peers: [] });
  const file = join(root, 'trained.pkl');
  const { status, stdout } = spawnSync('/usr/bin/python3', ['-c', PYTHON, file], { encoding: 'utf8' });
  if (status === 0) {
    const [min = Number.NaN, median = Number.NaN] = stdout.split(' ').map(Number);
    const peers = [{ name: 'CPython pickle.loads, warm, in its own process', min, median }];
    found.push({ what: 'a forest trained here', bytes: readFileSync(file), peers });
  } else console.log('load: no scikit-learn here to train a model and to compare with (python3-sklearn)');
  return found.length > 0 ? found : [{ what: 'a forest written here', bytes: grownForest(), peers: [] }];
}

/** The same hash of a file far larger than any model, and what it takes in memory, in a process of its own. */
async function largeBench(root: string): Promise<void> {
  const size = 512 * 1024 * 1024;
  const file = join(root, 'large');
  await writeFile(file, Buffer.alloc(size, 'large file '), { mode: 0o600 });
  const streaming = async (): Promise<void> => {
    const digest = createHash('sha256');
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }))
      digest.update(chunk as Buffer);
    digest.digest('hex');
  };
  const contestants = [
    { name: 'createReadStream into createHash', run: streaming },
    {
      name: 'openTrusted: walk, one buffer, hash',
      run: () => openTrusted(root, 'large', { maxBytes: size }),
    },
  ];
  print('512 MB', await time(contestants, 3));
  const door = JSON.stringify(new URL('../dist/files/open.js', import.meta.url).href);
  const script = `const { openTrusted } = await import(${door});
    const before = process.memoryUsage().rss;
    await openTrusted(${JSON.stringify(root)}, 'large', { maxBytes: ${size} });
    console.log(process.resourceUsage().maxRSS * 1024 - before - ${size});`;
  const argv = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  console.log(`  peak memory: the file and ${(Number(stdout) / 1024 / 1024).toFixed(1)} MB`);
}

/** Prints what a guarded load costs, stage by stage. */
export async function loadBench(): Promise<void> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'guardrails-bench-')));
  const json = forestJson();
  try {
    for (const { what, bytes, peers } of subjects(root)) {
      await lay(root, bytes);
      const guarded = async (): Promise<void> => {
        const { decision, reason } = await judge(capacityModel, { root, model: NAME });
        if (decision !== 'allow') throw new Error(reason);
      };
      const contestants: Contestant[] = [
        { name: 'createHash over the bytes', run: () => hash(bytes) },
        { name: 'readFileSync + createHash', run: () => hash(readFileSync(join(root, NAME))) },
        { name: 'openTrusted: walk, one buffer, hash', run: () => openTrusted(root, NAME) },
        { name: 'capacity-model guard: all that and decoded', run: guarded },
        { name: 'decodeModel alone', run: () => decodeModel(bytes) },
        {
          name: `JSON.parse of ${GROWN_SIZE.estimators} trees, ${json.length} bytes`,
          run: () => JSON.parse(json) as unknown,
        },
      ];
      const timings = await time(contestants, 60);
      print(`${what}, ${bytes.length} bytes`, [...timings, ...peers]);
    }
    if (process.env['BENCH_LARGE'] === '1') await largeBench(root);
  } finally {
    await rm(root, { recursive: true });
  }
}
