// A real Dask scheduler and its workers: one stopped, one killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serviceHealth } from '../../src/guards/service-health/service-health.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';

/** Starts it where a worker that is killed may leave its files. */
function start(directory: string, ...argv: readonly string[]): ChildProcess {
  const env = { ...process.env, DASK_TEMPORARY_DIRECTORY: directory };
  const child = spawn('dask', argv, { stdio: 'ignore', cwd: directory, env });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  return child;
}

describe('a Dask cluster', leftOut(missing('dask', 'python3')), () => {
  it('is healthy, then has a silent worker, then a missing one', { timeout: 180_000 }, async () => {
    const [rpc, http, first, second] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const local = ['--host', '127.0.0.1'];
    const directory = await mkdtemp(join(tmpdir(), 'guardrails-test-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    start(directory, 'scheduler', ...local, '--port', `${rpc}`, '--dashboard-address', `127.0.0.1:${http}`);
    const workers = [first, second].map((port) =>
      start(
        directory,
        'worker',
        `tcp://127.0.0.1:${rpc}`,
        ...local,
        '--worker-port',
        `${port}`,
        '--no-nanny',
        '--dashboard-address',
        '127.0.0.1:0',
      ),
    );
    const request = {
      dask: {
        url: `http://127.0.0.1:${http}`,
        workers: [`tcp://127.0.0.1:${first}`, `tcp://127.0.0.1:${second}`],
        maxSilentSeconds: 5,
      },
    };
    const headline = async (): Promise<string> => (await judge(serviceHealth, request)).codes[0] ?? 'allow';
    const until = async (code: string): Promise<void> => {
      while ((await headline()) !== code) await setTimeout(300);
    };
    await until('allow');
    workers[1]?.kill('SIGSTOP');
    await until('service-health.worker-silent');
    workers[1]?.kill('SIGKILL');
    await until('service-health.worker-missing');
    expect(await headline()).toBe('service-health.worker-missing');
  });
});
