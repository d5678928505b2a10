// Programs of the field, told to listen on loopback: what they open besides.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listeners } from '../../src/guards/bind/listeners.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';

const granted = (port: number) => ({ host: '127.0.0.1', family: 4, port }) as const;

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

/** Starts a program in a group of its own and waits until it listens on each port. */
async function start(argv: readonly string[], ports: readonly number[]): Promise<number> {
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: 'ignore',
    cwd: '/tmp',
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('no process');
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    process.kill(-pid, 'SIGKILL');
    await ended;
  });
  for (const port of ports) while (!(await answers(port))) await setTimeout(100);
  return pid;
}

describe('dask scheduler', leftOut(missing('dask', 'python3')), () => {
  it('told one address serves HTTP on every interface, and is refused for it', {
    timeout: 120_000,
  }, async () => {
    const [rpc, http] = [await freePort(), await freePort()];
    const argv = [
      'dask',
      'scheduler',
      '--host',
      '127.0.0.1',
      '--port',
      `${rpc}`,
      '--dashboard-address',
      `:${http}`,
    ];
    const pid = await start(argv, [rpc, http]);
    const { codes, reason } = await judge(listeners, { pid, granted: [granted(rpc), granted(http)] });
    expect(codes[0]).toBe('listeners.not-granted');
    expect(reason).toContain(`:${http}`);
  });

  it('told an address for each of its sockets is allowed', { timeout: 120_000 }, async () => {
    const [rpc, http] = [await freePort(), await freePort()];
    const dashboard = ['--dashboard-address', `127.0.0.1:${http}`];
    const pid = await start(
      ['dask', 'scheduler', '--host', '127.0.0.1', '--port', `${rpc}`, ...dashboard],
      [rpc, http],
    );
    expect(await judge(listeners, { pid, granted: [granted(rpc), granted(http)] })).toMatchObject({
      codes: [],
    });
  });
});

describe('python3 -m http.server', leftOut(missing('python3')), () => {
  it.each([
    ['told nothing', [], 'listeners.not-granted'],
    ['told an address', ['--bind', '127.0.0.1'], undefined],
  ] as const)('%s', { timeout: 60_000 }, async (_why, more, code) => {
    const port = await freePort();
    const pid = await start(['python3', '-m', 'http.server', ...more, `${port}`], [port]);
    expect((await judge(listeners, { pid, granted: [granted(port)] })).codes[0]).toBe(code);
  });
});
