// What the Dask recipes leave open: a scheduler and a worker with TLS, and who reaches them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPUTATION } from '../../examples/dask-manager/programs.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { daskScheduler } from '../../src/ssh/recipes/dask-scheduler.ts';
import { daskWorker } from '../../src/ssh/recipes/dask-worker.ts';
import type { RemoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { CERTIFY, UV_SHIM } from './dask.ts';

const journal = { append: async (): Promise<void> => {} };
const python = (code: string, ...args: string[]): ReturnType<typeof spawnSync> =>
  spawnSync('/usr/bin/python3', ['-c', code, ...args], { cwd: '/tmp', timeout: 60_000 });

describe('Dask as the recipes start it', {
  timeout: 120_000,
  ...leftOut(missing('dask', 'python3', 'openssl')),
}, () => {
  const directory = mkdtempSync(join(tmpdir(), 'dask-sockets-'));
  const at = (name: string): string => join(directory, name);
  const running: ChildProcess[] = [];
  let port = 0;

  async function start(request: RemoteCommandRequest): Promise<void> {
    const { script } = await enforce(remoteCommand, request, { journal });
    running.push(spawn('sh', ['-c', script], { stdio: 'ignore', cwd: directory, detached: true }));
  }
  beforeAll(async () => {
    writeFileSync(at('uv'), UV_SHIM, { mode: 0o755 });
    expect(spawnSync('sh', ['-ec', CERTIFY], { cwd: directory }).status).toBe(0);
    port = await freePort();
    const tls = { ca: at('ca.pem'), certificate: at('cert.pem'), key: at('key.pem') };
    const host = '127.0.0.1';
    const common = { tool: [at('uv')], host, tls, prefix: { env: { DASK_TEMPORARY_DIRECTORY: directory } } };
    await start(daskScheduler({ ...common, project: directory, port, pidFile: 's.pid' }));
    const scheduler = `tls://127.0.0.1:${port}`;
    await start(daskWorker({ ...common, worker: directory, scheduler, pidFile: 'w.pid' }));
  });
  afterAll(() => {
    for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('computes for a client with a certificate', () => {
    const files = [at('ca.pem'), at('cert.pem'), at('key.pem')];
    const { stdout } = python(COMPUTATION, `tls://127.0.0.1:${port}`, '1', ...files);
    expect(String(stdout)).toContain('332833500, on 1 workers');
  });

  it('refuses a client without one, over TLS and without', () => {
    const bare = 'import sys; from distributed import Client; Client(sys.argv[1], timeout=5).run(lambda: 0)';
    expect(python(bare, `tcp://127.0.0.1:${port}`).status).not.toBe(0);
    expect(spawnSync('sh', ['-ec', `mkdir other; cd other; ${CERTIFY}`], { cwd: directory }).status).toBe(0);
    const files = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => at(`other/${name}`));
    const { status, stderr } = python(COMPUTATION, `tls://127.0.0.1:${port}`, '1', ...files);
    expect([status, /certificate|Timed out/i.test(String(stderr))]).toEqual([1, true]);
  });

  it('listens on no address but the one that it was given', () => {
    const pids = ['s.pid', 'w.pid'].map((name) => readFileSync(at(name), 'utf8').trim());
    const listeners = pids.flatMap((pid) => listenersOf(pid));
    expect(listeners).toHaveLength(4);
    expect(new Set(listeners)).toEqual(new Set(['0100007F']));
  });

  it('listens there whatever protocol the configuration of its host prefers', async () => {
    const own = {
      tool: [at('uv')],
      host: '127.0.0.1',
      project: directory,
      port: await freePort(),
      pidFile: 'p.pid',
    };
    writeFileSync(at('dask.yaml'), 'distributed:\n  comm:\n    default-scheme: ws\n');
    const env = { DASK_CONFIG: at('dask.yaml'), DASK_TEMPORARY_DIRECTORY: directory };
    await start(daskScheduler({ ...own, prefix: { env } }));
    const pid = (): string => readFileSync(at('p.pid'), 'utf8').trim();
    await expect
      .poll(() => existsSync(at('p.pid')) && listenersOf(pid()), { timeout: 60_000, interval: 200 })
      .toEqual(['0100007F', '0100007F']);
  });
});

/** The local addresses of the listening sockets of a process, as proc_pid_net(5) writes them. */
function listenersOf(pid: string): string[] {
  const open = spawnSync('sh', ['-c', 'ls -l "/proc/$1/fd"', 'sh', pid]).stdout.toString();
  return ['tcp', 'tcp6'].flatMap((table) => {
    const file = `/proc/${pid}/net/${table}`;
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(1) : [];
    const fields = lines.map((line) => line.trim().split(/\s+/));
    return fields
      .filter(([, , , state, , , , , , inode]) => state === '0A' && open.includes(`socket:[${inode}]`))
      .map(([, local = '']) => local.split(':')[0] ?? '');
  });
}
