// Which of its settings a program obeys when they contradict each other, configuration files included: each has an address of its own,
// and the kernel says which one is listened on. The guard must have judged that one.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bind } from '../../src/guards/bind/bind.ts';
import { effectiveSources, type ProgramName, unreadSettings } from '../../src/guards/bind/programs.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { freePort } from '../free-port.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { ARGV, appDirectory, type Started, socketsOf } from './programs.ts';

interface Setting {
  /** The flag, the variable, or the file; `home` is where the program finds its user's own. */
  readonly from: string;
  readonly text: (host: string, port: number) => string;
}

const plain = (from: string): Setting => ({ from, text: (host) => host });
const toml = (from: string): Setting => ({ from, text: (host) => `[server]\naddress = "${host}"\n` });
const dotenv = (from: string): Setting => ({ from, text: (host) => `FLASK_RUN_HOST=${host}\n` });

/** The one that is obeyed first stands first. */
const ORDER: Readonly<Partial<Record<keyof typeof ARGV & ProgramName, readonly Setting[]>>> = {
  streamlit: [
    plain('--server.address'),
    plain('STREAMLIT_SERVER_ADDRESS'),
    toml('./.streamlit/config.toml'),
    toml('home/.streamlit/config.toml'),
  ],
  jupyter: [
    plain('--ip'),
    {
      from: 'home/.jupyter/jupyter_server_config.json',
      text: (ip) => JSON.stringify({ ServerApp: { ip } }),
    },
    { from: 'home/.jupyter/jupyter_server_config.py', text: (host) => `c.ServerApp.ip = '${host}'\n` },
  ],
  gunicorn: [
    { from: '--bind', text: (host, port) => `${host}:${port}` },
    { from: 'GUNICORN_CMD_ARGS', text: (host, port) => `--bind ${host}:${port}` },
    { from: './gunicorn.conf.py', text: (host, port) => `bind = '${host}:${port}'\n` },
    { from: 'PORT', text: (_host, port) => `${port}` },
  ],
  uvicorn: [plain('--host'), plain('UVICORN_HOST')],
  flask: [plain('--host'), plain('FLASK_RUN_HOST'), dotenv('./.env'), dotenv('./.flaskenv')],
};

/** Without it Flask reads no .env. */
const hasDotenv = existsSync('/usr/lib/python3/dist-packages/dotenv');
if (!hasDotenv && requiresReal) throw new Error('install python3-dotenv');

type Draft = Omit<Started, 'directory'> & { readonly files?: Readonly<Record<string, string>> };

/** Starts a program in a directory of its own, with an empty home. */
async function hostsOf({ files, ...started }: Draft): Promise<readonly string[] | undefined> {
  const directory = await appDirectory(files);
  const home = join(directory, 'home');
  await mkdir(home, { recursive: true });
  return socketsOf({ ...started, directory, variables: { ...started.variables, HOME: home } });
}

const hostOf = (index: number): string => `127.0.0.${2 + index}`;
const isFile = (from: string): boolean => from.includes('/');

/** A program with all of its settings from the one at `first` on. */
function startWith(
  name: keyof typeof ARGV,
  settings: readonly Setting[],
  first: number,
  port: number,
): Draft {
  const set = settings
    .map(({ from, text }, index) => [from, text(hostOf(index), port)] as const)
    .slice(first);
  const flags = set.filter(([from]) => from.startsWith('--'));
  const isVariable = ([from]: (typeof set)[number]): boolean => !isFile(from) && !from.startsWith('--');
  return {
    argv: [...ARGV[name](port), ...flags.flat()],
    port,
    variables: Object.fromEntries(set.filter(isVariable)),
    files: Object.fromEntries(set.filter(([from]) => isFile(from))),
  };
}

describe.each(Object.entries(ORDER) as [keyof typeof ORDER, readonly Setting[]][])('%s', (name, settings) => {
  // The last alone contradicts nothing; whether it is obeyed, the other test asks.
  const contradictions = settings.slice(0, -1).map(({ from }, first) => [from, first] as const);
  const lacking = name === 'flask' && !hasDotenv && 'left out: no python3-dotenv here';
  const options = {
    timeout: 120_000,
    ...leftOut(missing(ARGV[name](0)[0] ?? '', 'python3') || lacking),
  };
  it.for(contradictions)('obeys %s before all that comes after it', options, async ([, first], { skip }) => {
    const port = await freePort();
    const hosts = await hostsOf(startWith(name, settings, first, port));
    if (!hosts) return skip('a stand-in of a version manager for a program that is not there');
    expect(hosts).toEqual([hostOf(first)]);
    const asked = settings.map(({ from }, index) => ({ from, value: index < first ? null : hostOf(index) }));
    expect(effectiveSources(name, asked).map(({ value }) => value)).toContain(hostOf(first));
    expect(unreadSettings(name, asked)).toEqual([]);
    const withoutFiles = asked.filter(({ from }) => !isFile(from));
    expect(unreadSettings(name, withoutFiles).length).toBe(withoutFiles.length < asked.length ? 1 : 0);
  });
});

describe('Dask', { timeout: 120_000, ...leftOut(missing('dask')) }, () => {
  const address = '127.0.0.3';
  const keys = ['host', 'address', 'interface', 'listen-address'];
  const yaml = ['scheduler', 'worker'].map((part) =>
    [`  ${part}:`, ...keys.map((key) => `    ${key}: ${address}`)].join('\n'),
  );
  const files = { 'home/.config/dask/all.yaml': `distributed:\n${yaml.join('\n')}\n` };
  const variables = Object.fromEntries(
    [
      'DASK_HOST',
      'DASK_SCHEDULER_HOST',
      'DASK_DISTRIBUTED__SCHEDULER__HOST',
      'DASK_DISTRIBUTED__WORKER__HOST',
    ].map((name) => [name, address]),
  );

  it.each(['dask-scheduler', 'dask-worker'] as const)(
    '%s takes its address from the flag alone',
    async (name) => {
      const [flagged, bare] = [await freePort(), await freePort()];
      const argv = [...ARGV[name](flagged), '--host', '127.0.0.2'];
      expect(await hostsOf({ argv, port: flagged, variables, files })).toEqual(['127.0.0.2']);
      const hosts = await hostsOf({ argv: ARGV[name](bare), port: bare, variables, files });
      expect(hosts).not.toContain(address);
    },
  );

  it.each([
    ['dask-scheduler', '--interface', 'lo'],
    ['dask-worker', '--interface', 'lo'],
    ['dask-worker', '--listen-address', 'tcp://127.0.0.3:0'],
  ] as const)('%s does not start with --host and %s', async (name, flag, text) => {
    const port = await freePort();
    const argv = [...ARGV[name](port), '--host', '127.0.0.2', flag, text];
    await expect(hostsOf({ argv, port })).rejects.toThrow(/it ended with [12]/);
  });

  // The sockets of each, and what the guard makes of the same sources.
  it.each([
    ['dask-scheduler', 'tcp', ['127.0.0.2']],
    ['dask-scheduler', 'ws', undefined],
    ['dask-scheduler', null, undefined],
    ['dask-worker', 'tcp', ['127.0.0.2']],
    ['dask-worker', 'ws', undefined],
  ] as const)('%s keeps to --host by its protocol: %s', async (name, protocol, kept) => {
    const port = await freePort();
    const argv = [...ARGV[name](port), '--host', '127.0.0.2', ...(protocol ? ['--protocol', protocol] : [])];
    const variables = { DASK_DISTRIBUTED__COMM__DEFAULT_SCHEME: 'ws' };
    const hosts = await hostsOf({ argv, port, variables });
    if (kept) expect(hosts).toEqual(kept);
    else expect(hosts?.some((host) => ['0.0.0.0', '::', '*'].includes(host))).toBe(true);
    const sources = [
      { from: '--host', value: '127.0.0.2' },
      { from: '--protocol', value: protocol },
    ];
    const { decision } = await judge(bind, { program: name, sources, port });
    expect(decision).toBe(kept ? 'allow' : 'refuse');
  });
});
