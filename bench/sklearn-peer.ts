// Talks to sklearn-peer.py, and times jobs of ours and of its in interleaved rounds.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Peer } from './peer.ts';

export interface Hello {
  readonly sklearn: string;
  readonly nodes: number;
  /** Base64. */
  readonly pickle: string;
  /** The same forest as JSON text. */
  readonly forest: string;
  /** Base64 of little-endian float64, six to a row. */
  readonly rows: string;
  /** Plain data without arrays, by description, in base64. */
  readonly dense: Readonly<Record<string, string>>;
}

export type SklearnPeer = Peer<Hello>;

/** Starts it with a model, or lets it train one. */
function startPeer(python: readonly string[], model?: Buffer): Promise<SklearnPeer> {
  // The source goes in as an argument and not as a path: the Python may live in another root directory.
  const source = readFileSync(fileURLToPath(new URL('sklearn-peer.py', import.meta.url)), 'utf8');
  return Peer.start<Hello>([...python, '-c', source], model?.toString('base64') ?? '');
}

/** Starts every scikit-learn at hand: Debian's on a model it trains, and another on AGILAB's own model. */
export async function startPeers(): Promise<SklearnPeer[]> {
  const debian = ['/usr/bin/python3'];
  const peers: SklearnPeer[] = [];
  if (spawnSync('/usr/bin/python3', ['-c', 'import sklearn'], { stdio: 'ignore' }).status === 0)
    peers.push(await startPeer(debian));
  else console.log('  left out: python3-sklearn is not installed');
  const shipped = new URL('../../shared/agilab/balancer_model.pkl', import.meta.url);
  const newer = process.env['GUARDRAILS_SKLEARN_14']?.split(' ');
  if (newer && existsSync(shipped)) peers.push(await startPeer(newer, readFileSync(shipped)));
  return peers;
}

/** Runs and measures itself, in milliseconds. */
export type Contender = readonly [name: string, run: () => number | Promise<number>];

/** Milliseconds that `work` takes here. */
export function measured(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Prints min and median of interleaved rounds, each also as a ratio to the first contender. */
export async function race(contenders: readonly Contender[], rounds: number): Promise<void> {
  const samples = contenders.map((): number[] => []);
  for (let round = 0; round < rounds + 3; round++) {
    for (const [i, [, run]] of contenders.entries()) {
      const elapsed = await run();
      if (round >= 3) samples[i]?.push(elapsed); // the first rounds warm the compilers up
    }
  }
  const figures = samples.map((all) => {
    const sorted = all.sort((a, b) => a - b);
    return { min: sorted[0] ?? Number.NaN, median: sorted[sorted.length >> 1] ?? Number.NaN };
  });
  for (const [i, { min, median }] of figures.entries()) {
    const ours = figures[0] ?? { min, median };
    const ratios = `x${(min / ours.min).toFixed(2)} / x${(median / ours.median).toFixed(2)}`;
    const times = `${min.toFixed(4).padStart(10)} / ${median.toFixed(4).padStart(10)}`;
    console.log(`  ${(contenders[i]?.[0] ?? '').padEnd(42)} ${times}   ${ratios}`);
  }
}
