// What programs bind when nothing is set, by their sockets: the table of defaults holds for each that this machine has.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listeningSockets } from '../../src/guards/bind/listening-sockets.ts';
import { PROGRAMS, type ProgramName } from '../../src/guards/bind/programs.ts';
import { locate } from '../locate.ts';
import { freePort } from './dask.ts';

const APP = `
def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]

async def asgi(scope, receive, send):
    pass
`;
/** How each is started with nothing but a port, which is needed to tell its sockets apart. */
const STARTS: Readonly<Partial<Record<ProgramName, (port: number) => readonly string[]>>> = {
  'dask-scheduler': (port) => [
    'dask',
    'scheduler',
    '--port',
    `${port}`,
    '--dashboard-address',
    '127.0.0.1:0',
  ],
  'dask-dashboard': (port) => [
    'dask',
    'scheduler',
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--dashboard-address',
    `:${port}`,
  ],
  flask: (port) => ['flask', '--app', 'app:app', 'run', '--port', `${port}`],
  uvicorn: (port) => ['uvicorn', 'app:asgi', '--port', `${port}`],
  jupyter: (port) => ['jupyter', 'server', '--no-browser', '--allow-root', '--port', `${port}`],
  streamlit: (port) => [
    'streamlit',
    'run',
    'app.py',
    '--server.headless',
    'true',
    '--server.port',
    `${port}`,
  ],
};

const programs = Object.entries(STARTS) as [ProgramName, (port: number) => readonly string[]][];

describe('the default of', () => {
  it.each(programs)('%s', { timeout: 120_000 }, async (name, argvOf) => {
    const port = await freePort();
    const argv = argvOf(port);
    if (locate(argv[0] ?? '') === undefined) return;
    const directory = await mkdtemp(join(tmpdir(), 'bind-programs-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'app.py'), APP);
    // Nothing of this account's own settings; only what the loader of programs needs.
    const { PATH = '' } = process.env;
    const env = { PATH, HOME: process.env['HOME'] ?? directory };
    const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
      stdio: 'ignore',
      cwd: directory,
      env,
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('no process');
    const ended = once(child, 'exit');
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
      await ended;
    });
    for (;;) {
      if (child.exitCode !== null) return; // a stand-in of a version manager for a program that is not there
      const { sockets } = await listeningSockets(pid, new AbortController().signal);
      const hosts = sockets.filter((socket) => socket.port === port).map(({ host }) => host);
      if (hosts.length > 0) {
        const everywhere = hosts.some((host) => host === '0.0.0.0' || host === '::');
        expect(everywhere).toBe(PROGRAMS[name].fallback === '');
        return;
      }
      await setTimeout(200);
    }
  });
});
