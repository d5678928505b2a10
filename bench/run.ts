// `npm run bench`: every claim about speed, each beside its peer in the same run, as a ratio; `npm run bench load` for one
// of them. What runs is the built package, as users have it: what tsx makes of the sources for a test is slower. Each
// has a process of its own: what one does to the engine slows the next.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// Imported one at a time: what one of them loads must not slow another.
const BENCHES: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['quote', async () => (await import('./quote.ts')).quoteBench()],
  ['capacity', async () => (await import('./capacity.ts')).capacityBench()],
  ['load', async () => (await import('./load.ts')).loadBench()],
  ['decode', async () => (await import('./decode.ts')).decodeBench()],
  ['predict', async () => (await import('./predict.ts')).predictBench()],
  ['journal', async () => (await import('./journal.ts')).journalBench()],
  ['json', async () => (await import('./json.ts')).jsonBench()],
  ['notebook', async () => (await import('./notebook.ts')).notebookBench()],
  ['secrets', async () => (await import('./secrets.ts')).secretsBench()],
  ['ssh', async () => (await import('./ssh.ts')).sshBench()],
  ['processes', async () => (await import('./processes.ts')).processesBench()],
  ['serve', async () => (await import('./serve.ts')).serveBench()],
]);

const [, , name] = process.argv;
if (name === undefined) {
  for (const each of BENCHES.keys()) {
    const argv = ['--import', 'tsx', fileURLToPath(import.meta.url), each];
    const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
} else {
  const bench = BENCHES.get(name);
  if (!bench) throw new Error(`name one of ${[...BENCHES.keys()].join(', ')}`);
  await bench();
}
