// A real Dask worker in a directory with a hostile name, under every login shell, started by the recipe, owned by its
// record, outliving the connection that started it, and stopped by that record alone.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTickOf } from '../../src/evidence/identity.ts';
import { newToken } from '../../src/ssh/process/ownership.ts';
import { shellOver, startOwned } from '../../src/ssh/process/ownership-remote.ts';
import { stopProcess } from '../../src/ssh/process/process-stop.ts';
import { daskWorker } from '../../src/ssh/recipes/dask-worker.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { compute, type Scheduler, startScheduler, UV_SHIM } from './dask.ts';
import { asRoot, loginShells, startHost, type TestHost } from './host.ts';

const HOSTILE = 'it\'s "x" $(touch PWN) `touch PWN` \\ !! * {a,b}\nnl; é';

const journal = { append: async (): Promise<void> => {} };

describe('a Dask worker', {
  timeout: 240_000,
  ...leftOut(missing('sshd', 'ssh-keygen', 'dask', 'python3', 'setsid') || withoutLogin()),
}, () => {
  let host: TestHost;
  let scheduler: Scheduler;
  const running: { shell: string; pid: number; record: string; token: string; directory: string }[] = [];
  beforeAll(async () => {
    host = await startHost({ shells: loginShells });
    scheduler = await startScheduler();
    writeFileSync(join(host.directory, 'uv'), UV_SHIM);
    chmodSync(join(host.directory, 'uv'), 0o755);
  });
  afterAll(async () => {
    for (const { pid } of running) if (startTickOf(pid) !== undefined) process.kill(-pid, 'SIGKILL');
    await scheduler.stop();
    await host.stop();
  });

  it.each(loginShells)('starts in a directory with a hostile name, for a user of %s', async (shell) => {
    const user = host.userWith(shell);
    const directory = join(asRoot ? user.home : host.directory, HOSTILE);
    mkdirSync(directory);
    if (asRoot) spawnSync('chown', [user.name, directory]);
    const connection = await connect(host.target(user), host.credentials, { journal });
    const token = newToken();
    const record = join(directory, 'owner');
    const request = daskWorker({
      tool: [join(host.directory, 'uv')],
      worker: directory,
      scheduler: scheduler.address,
      host: '127.0.0.1',
      pidFile: 'dask_worker_0_0.pid',
      // Dask's own scratch files would otherwise stay behind in /tmp.
      prefix: {
        env: { DASK_DISTRIBUTED__LOGGING__distributed: 'info', DASK_TEMPORARY_DIRECTORY: directory },
      },
    });
    const ownership = { record, token, log: join(directory, 'log') };
    const pid = await startOwned(connection, request, ownership, { journal });
    running.push({ shell, pid, record, token, directory });
    connection.close();
    expect(startTickOf(pid)).toBeDefined();
  });

  it('computes together with the others', async () => {
    expect(await compute(scheduler.address, loginShells.length)).toEqual([332_833_500, loginShells.length]);
  });

  it.each(loginShells)('is stopped by its record, for a user of %s', async (shell) => {
    const worker = running.find((each) => each.shell === shell);
    if (!worker) throw new Error('was not started');
    const { pid, record, token, directory } = worker;
    const daskPid = Number(readFileSync(join(directory, 'dask_worker_0_0.pid'), 'utf8'));
    const connection = await connect(host.target(host.userWith(shell)), host.credentials, { journal });
    const asked = { record, owner: { token } };
    const result = await stopProcess(shellOver(connection, { journal }), asked, { journal });
    connection.close();
    expect(result.leftAlone).toEqual([]);
    expect([startTickOf(pid), startTickOf(daskPid)]).toEqual([undefined, undefined]);
    expect(readdirSync(directory)).not.toContain('owner');
  });

  it('has run no code from its directory name', () => {
    const found = spawnSync('find', [host.directory, '-name', 'PWN']).stdout.toString();
    expect(found).toBe('');
  });
});
