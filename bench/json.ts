// parseStrictJson() beside JSON.parse, which accepts more, and momoa, which also keeps where each token stands. CPU time
// (collector and compiler threads included) in interleaved rounds; memory as what one call adds to the peak of a process
// that holds nothing but the text.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseTree } from '@humanwhocodes/momoa';
import { parseStrictJson } from '../dist/evidence/strict-json.js';

const limits = { maxBytes: 2 ** 28, maxDepth: 512, fractionAt: (): boolean => true };
const READERS = {
  'JSON.parse': (text: string): unknown => JSON.parse(text),
  'strict (ours)': (text: string): unknown => parseStrictJson(text, limits),
  momoa: (text: string): unknown => parseTree(text, { mode: 'json', ranges: true }),
} as const;
type Reader = keyof typeof READERS;
const NAMES = Object.keys(READERS) as readonly Reader[];
const ROUNDS = 20;
const WARM_UP = 4;
const SLOW_ROUNDS = 2; // momoa takes some 50 times as long

const list = (length: number, of: (index: number) => unknown): string =>
  JSON.stringify(Array.from({ length }, (_, i) => of(i)));
const artifact = (index: number): object => ({
  path: `runs/worker-${index % 7}/result-${index}.parquet`,
  sha256: index.toString(16).padStart(64, '0'),
  size_bytes: index * 1_021,
  ok: index % 2 === 0,
  tags: ['a', 'b'],
});
const TEXTS: Readonly<Record<string, () => string>> = {
  'objects of a manifest': () => list(25_000, artifact),
  'the same, indented': () =>
    JSON.stringify(
      Array.from({ length: 15_000 }, (_, i) => artifact(i)),
      null,
      2,
    ),
  '32 arrays of 65,536 ones': () => list(32, () => Array(65_536).fill(1)),
  'arrays of two ones': () => list(700_000, () => [1, 1]),
  'empty objects': () => list(1_300_000, () => ({})),
  fractions: () => list(220_000, Math.sqrt),
  'one object of 200,000 keys': () =>
    JSON.stringify(Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key-${i}`, i]))),
  'keys with escapes': () => list(270_000, () => ({ '\u0001b': 1 })),
  'strings of escapes': () => list(2_000, () => '\u0001\n'.repeat(250)),
  'one string of 10 MB': () => JSON.stringify('text '.repeat(2_000_000)),
  '2,000 arrays, 500 deep': () =>
    `[${Array(2_000)
      .fill('['.repeat(500) + ']'.repeat(500))
      .join()}]`,
};

/** Microseconds of CPU for each reader: the median of its rounds. */
function time(text: string): readonly number[] {
  const samples = NAMES.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, name] of NAMES.entries()) {
      if (name === 'momoa' && round < ROUNDS - SLOW_ROUNDS) continue;
      const start = process.cpuUsage();
      READERS[name](text);
      const { user, system } = process.cpuUsage(start);
      if (round >= WARM_UP) samples[index]?.push(user + system);
    }
  }
  return samples.map((of) => of.sort((a, b) => a - b)[of.length >> 1] ?? Number.NaN);
}

/** A script for bare node that prints what one call adds to the peak of its process, in KiB. */
const PEAK = `
  const { readFileSync } = await import('node:fs');
  const { parse: parseTree } = await import('@humanwhocodes/momoa');
  const { parseStrictJson } = await import('./dist/evidence/strict-json.js');
  const limits = { maxBytes: 2 ** 28, maxDepth: 512, fractionAt: () => true };
  const read = {
    'JSON.parse': (text) => JSON.parse(text),
    'strict (ours)': (text) => parseStrictJson(text, limits),
    momoa: (text) => parseTree(text, { mode: 'json', ranges: true }),
  }[process.argv[1]];
  const text = readFileSync(process.argv[2], 'utf8');
  const before = process.resourceUsage().maxRSS;
  read(text);
  console.log(process.resourceUsage().maxRSS - before);`;

function peak(name: Reader, file: string): number {
  const argv = ['--input-type=module', '--eval', PEAK, name, file];
  const { stdout } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return Number(stdout) * 1_024;
}

/** Prints each reader's CPU time as a ratio to JSON.parse, and its memory in sizes of the text. */
export async function jsonBench(): Promise<void> {
  console.log(
    'json: CPU ms and its ratio to JSON.parse; peak memory in sizes of the text, and what it is over JSON.parse',
  );
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-bench-'));
  const file = join(directory, 'text.json');
  try {
    for (const [title, make] of Object.entries(TEXTS)) {
      await writeFile(file, make());
      const text = readFileSync(file, 'utf8'); // flat, as a reader gets it; joined strings cost more to look at
      const times = time(text);
      const peaks = NAMES.map((name) => peak(name, file) / text.length);
      console.log(`  ${title}, ${(text.length / 1e6).toFixed(1)} MB`);
      for (const [index, name] of NAMES.entries()) {
        const cpu = times[index] ?? Number.NaN;
        const memory = peaks[index] ?? Number.NaN;
        const ratio = (cpu / (times[0] ?? Number.NaN)).toFixed(2);
        const more = (memory - (peaks[0] ?? Number.NaN)).toFixed(1);
        console.log(
          `    ${name.padEnd(16)} ${(cpu / 1e3).toFixed(1).padStart(8)}   x${ratio.padEnd(7)} ${memory.toFixed(1).padStart(6)}   +${more}`,
        );
      }
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}
