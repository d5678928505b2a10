// What programs bind when nothing is set, and that each setting of the table is one they obey: by their sockets.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ListeningSocket, listeningSockets } from '../../src/guards/bind/listening-sockets.ts';
import { PROGRAMS, type Program, type ProgramName } from '../../src/guards/bind/programs.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
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

interface Start {
  /** With nothing but a port, which is needed to tell its sockets apart; none where a port comes with an address only. */
  readonly argv: (port: number) => readonly string[];
  /** How a setting is given an address, where it takes more than that. */
  readonly value?: (host: string, port: number) => string;
  readonly environment?: Readonly<Record<string, (host: string, port: number) => string>>;
}

const { GUARDRAILS_STREAMLIT: streamlit = 'streamlit' } = process.env;
const hostAndPort = (host: string, port: number): string => `${host}:${port}`;

const STARTS: Readonly<Partial<Record<ProgramName, Start>>> = {
  'dask-scheduler': {
    argv: (port) => ['dask', 'scheduler', '--port', `${port}`, '--dashboard-address', '127.0.0.1:0'],
  },
  'dask-dashboard': {
    argv: (port) => {
      const own = ['dask', 'scheduler', '--host', '127.0.0.1', '--port', '0'];
      return [...own, '--dashboard-address', `:${port}`];
    },
    value: hostAndPort,
  },
  flask: { argv: (port) => ['flask', '--app', 'flask_app:app', 'run', '--port', `${port}`] },
  uvicorn: { argv: (port) => ['uvicorn', 'app:asgi', '--port', `${port}`] },
  jupyter: { argv: (port) => ['jupyter-server', '--no-browser', '--allow-root', '--port', `${port}`] },
  streamlit: {
    argv: (port) => {
      const quiet = ['--server.headless', 'true', '--browser.gatherUsageStats', 'false'];
      return [streamlit, 'run', 'app.py', ...quiet, '--server.port', `${port}`];
    },
  },
  gunicorn: {
    argv: () => ['gunicorn', 'app:app'],
    value: hostAndPort,
    environment: { GUNICORN_CMD_ARGS: (host, port) => `--bind ${host}:${port}` },
  },
};

async function appDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bind-programs-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'app.py'), APP);
  await writeFile(join(directory, 'flask_app.py'), FLASK_APP);
  return directory;
}

/** Whether anything listens on that port, as proc_net_tcp(5) tells: one read, where sockets are told apart in a look at all processes. */
const isTaken = (port: number): boolean => {
  const listens = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0+:0000 0A `);
  return ['tcp', 'tcp6'].some((table) => listens.test(readFileSync(`/proc/net/${table}`, 'latin1')));
};

/** Starts a program, and returns where it listens on that port. */
async function socketsOf(
  argv: readonly string[],
  port: number,
  variables: Readonly<Record<string, string>>,
  skip: (why: string) => void,
): Promise<readonly ListeningSocket['host'][]> {
  const directory = await appDirectory();
  // Nothing of this account's own settings; only what the loader of programs needs.
  const { PATH = '' } = process.env;
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: 'ignore',
    cwd: directory,
    env: { PATH, HOME: process.env['HOME'] ?? directory, ...variables },
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
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (isTaken(port)) {
      const { sockets } = await listeningSockets(pid, new AbortController().signal);
      const hosts = sockets.filter((socket) => socket.port === port).map(({ host }) => host);
      if (hosts.length > 0) return hosts;
    }
    await setTimeout(100);
  }
}

const isEverywhere = (hosts: readonly string[]): boolean =>
  hosts.some((host) => ['0.0.0.0', '::'].includes(host));
/** Loopback, and no program's default. */
const ELSEWHERE = '127.0.0.2';

for (const [name, start] of Object.entries(STARTS) as [ProgramName, Start][]) {
  const program: Program = PROGRAMS[name];
  const { argv, value = (host: string) => host, environment = {} } = start;
  describe(name, { timeout: 180_000, ...leftOut(missing(argv(0)[0] ?? '', 'python3')) }, () => {
    it('binds what the table says when nothing is set', async ({ skip }) => {
      if (name === 'gunicorn') {
        // Its default has a port of its own, which another program of this host may hold: it is asked, not started.
        const told = await promisify(execFile)('gunicorn', ['--print-config', 'app:app'], {
          cwd: await appDirectory(),
          env: { PATH: process.env['PATH'] },
        });
        expect(told.stdout).toMatch(new RegExp(`^bind += \\['${program.fallback}:\\d+'\\]$`, 'm'));
        return;
      }
      const port = await freePort();
      const hosts = await socketsOf(argv(port), port, {}, skip);
      expect(isEverywhere(hosts)).toBe(program.fallback === '');
    });

    for (const setting of program.settings) {
      const isExposing = setting === program.exposedBy;
      it(isExposing ? `is exposed by ${setting}` : `obeys ${setting}`, async ({ skip }) => {
        const port = await freePort();
        const text = isExposing ? `${port}` : (environment[setting] ?? value)(ELSEWHERE, port);
        const isFlag = setting.startsWith('--');
        const asked = isFlag ? [...argv(port), setting, text] : argv(port);
        const hosts = await socketsOf(asked, port, isFlag ? {} : { [setting]: text }, skip);
        if (isExposing) expect(isEverywhere(hosts)).toBe(true);
        else expect(hosts).toEqual([ELSEWHERE]);
      });
    }
  });
}
