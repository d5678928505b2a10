// Real programs that listen, started in a directory of their own, and where the kernel says that they do.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type ListeningSocket, listeningSockets } from '../../src/guards/bind/listening-sockets.ts';

const APP = `
def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]

async def asgi(scope, receive, send):
    pass
`;
/** Flask takes a plain callable for a factory. */
const FLASK_APP = 'from flask import Flask\napp = Flask(__name__)\n';

const { GUARDRAILS_STREAMLIT: streamlit = 'streamlit' } = process.env;

/** How each program is started with nothing but a port, which is needed to tell its sockets apart. */
export const ARGV = {
  'dask-scheduler': (port) => [
    'dask',
    'scheduler',
    '--port',
    `${port}`,
    '--dashboard-address',
    '127.0.0.1:0',
  ],
  // It listens before it looks for its scheduler.
  'dask-worker': (port) => {
    const quiet = ['--no-nanny', '--nthreads', '1', '--dashboard-address', '127.0.0.1:0'];
    return ['dask', 'worker', 'tcp://127.0.0.1:1', ...quiet, '--worker-port', `${port}`];
  },
  'dask-dashboard': (port) => {
    const own = ['dask', 'scheduler', '--host', '127.0.0.1', '--port', '0'];
    return [...own, '--dashboard-address', `:${port}`];
  },
  flask: (port) => ['flask', '--app', 'flask_app:app', 'run', '--port', `${port}`],
  uvicorn: (port) => ['uvicorn', 'app:asgi', '--port', `${port}`],
  jupyter: (port) => ['jupyter-server', '--no-browser', '--allow-root', '--port', `${port}`],
  streamlit: (port) => {
    const quiet = ['--server.headless', 'true', '--browser.gatherUsageStats', 'false'];
    return [streamlit, 'run', 'app.py', ...quiet, '--server.port', `${port}`];
  },
  // Its port comes with an address only.
  gunicorn: () => ['gunicorn', 'app:app'],
} satisfies Readonly<Record<string, (port: number) => readonly string[]>>;

/** Makes a directory with applications for the programs, and with these files. */
export async function appDirectory(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bind-programs-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries({ 'app.py': APP, 'flask_app.py': FLASK_APP, ...files })) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

export interface Started {
  readonly argv: readonly string[];
  readonly port: number;
  /** Variables that are set beside PATH. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Where it runs, and its home unless a variable says otherwise. */
  readonly directory: string;
}

/** Whether anything listens on that port, as proc_net_tcp(5) tells: one read, where sockets are told apart in a look at all processes. */
const isTaken = (port: number): boolean => {
  const listens = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0+:0000 0A `);
  return ['tcp', 'tcp6'].some((table) => listens.test(readFileSync(`/proc/net/${table}`, 'latin1')));
};

/** Starts a program, and returns where it listens on that port; `undefined` for a stand-in of a version manager. */
export async function socketsOf({
  argv,
  port,
  variables,
  directory,
}: Started): Promise<readonly ListeningSocket['host'][] | undefined> {
  // Nothing of this account's own settings; Debian's programs before what a version manager puts in their way.
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: 'ignore',
    cwd: directory,
    env: {
      PATH: `/usr/bin:${process.env['PATH']}`,
      HOME: directory,
      DASK_TEMPORARY_DIRECTORY: directory,
      ...variables,
    },
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
    if (child.exitCode === 127) return undefined;
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (isTaken(port)) {
      const { sockets } = await listeningSockets(pid, new AbortController().signal);
      const hosts = sockets.filter((socket) => socket.port === port).map(({ host }) => host);
      if (hosts.length > 0) return hosts;
    }
    await setTimeout(100);
  }
}
