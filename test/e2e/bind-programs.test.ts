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
import { leftOut } from '../left-out.ts';
import { locate } from '../locate.ts';
import { freePort } from './dask.ts';

const APP = `
def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]

async def asgi(scope, receive, send):
    pass
`;
/** Flask takes a plain callable for a factory. */
const FLASK_APP = 'from flask import Flask\napp = Flask(__name__)\n';
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
  flask: (port) => ['flask', '--app', 'flask_app:app', 'run', '--port', `${port}`],
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
  for (const [name, argvOf] of programs) {
    const absent = [argvOf(0)[0] ?? '', 'python3'].find((program) => locate(program) === undefined);
    it(name, { timeout: 120_000, ...leftOut(absent !== undefined && `no ${absent} here`) }, async ({
      skip,
    }) => {
      const port = await freePort();
      const argv = argvOf(port);
      const directory = await mkdtemp(join(tmpdir(), 'bind-programs-'));
      onTestFinished(() => rm(directory, { recursive: true }));
      await writeFile(join(directory, 'app.py'), APP);
      await writeFile(join(directory, 'flask_app.py'), FLASK_APP);
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
        if (child.exitCode === 127) skip('a stand-in of a version manager for a program that is not there');
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
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
  }
});
