// What it takes to find the processes of one record among five thousand, beside `ps`, which reads the same files of /proc
// and shows the same of them: session, start and environment.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { localShell, newToken, startedPid } from '../dist/ssh/process/ownership.js';

const PROCESSES = 5_000;
const ROUNDS = 9;
const LARGE = { maxBuffer: 256 * 1024 * 1024 };
const run = promisify(execFile);

async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, T]> {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Prints the comparison. Needs Linux, ps and setsid. */
export async function processesBench(): Promise<void> {
  if (spawnSync('ps', ['--version']).status !== 0 || spawnSync('setsid', ['true']).status !== 0)
    return console.log('processes: left out, install procps and util-linux');
  const directory = mkdtempSync(join(tmpdir(), 'bench-processes-'));
  const record = join(directory, 'record');
  // Each waits for the end of our pipe, so none outlives this process.
  const many = `exec 3<&0; i=0; while [ $i -lt ${PROCESSES} ]; do (read -r _ <&3) & i=$((i + 1)); done; echo up; wait`;
  const crowd = spawn('/bin/sh', ['-c', many], { stdio: ['pipe', 'pipe', 'inherit'] });
  const start = ['start', record, newToken(), join(directory, 'log'), '', '', 'sleep', '600'];
  let owned: number | undefined;
  try {
    await new Promise((resolve) => crowd.stdout.once('data', resolve));
    owned = startedPid(await localShell(start));
    const times = { ours: [] as number[], ps: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      const [ours, found] = await timed(() => localShell(['look', record]));
      if (!/^set 1 0$/m.test(found)) throw new Error('the look did not find the one process');
      const [ps] = await timed(() => run('ps', ['axe', '-o', 'pid=,sess=,stat=,lstart=,args='], LARGE));
      times.ours.push(ours);
      times.ps.push(ps);
    }
    const [ours, ps] = [times.ours, times.ps].map((all) => [Math.min(...all), median(all)] as const);
    if (!ours || !ps) return;
    console.log(
      `processes: the set of one record among ${PROCESSES} processes: ${(ours[0] / ps[0]).toFixed(2)} times as long as ps (median ${(ours[1] / ps[1]).toFixed(2)}); here ${ours[0].toFixed(0)} ms (median ${ours[1].toFixed(0)})`,
    );
  } finally {
    if (owned !== undefined) process.kill(owned, 'SIGKILL');
    crowd.stdin.end();
    rmSync(directory, { recursive: true });
  }
}
