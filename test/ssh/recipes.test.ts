// Every recipe: what programs receive when a real shell runs its line, and what no recipe lets through.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { EvidenceSink } from '../../src/evidence/record.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { addPackages } from '../../src/ssh/recipes/add-packages.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { buildWorker } from '../../src/ssh/recipes/build-worker.ts';
import { copyToHost } from '../../src/ssh/recipes/copy-to-host.ts';
import { daskScheduler } from '../../src/ssh/recipes/dask-scheduler.ts';
import { daskWorker } from '../../src/ssh/recipes/dask-worker.ts';
import { ensurePip } from '../../src/ssh/recipes/ensure-pip.ts';
import { hostKeyScan } from '../../src/ssh/recipes/host-key-scan.ts';
import { RECIPES, type RemoteCommandRequest, remoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { knownHostFind } from '../../src/ssh/recipes/known-host-find.ts';
import { makeDirectories } from '../../src/ssh/recipes/make-directories.ts';
import { makeDirectory } from '../../src/ssh/recipes/make-directory.ts';
import { pipProbe } from '../../src/ssh/recipes/pip-probe.ts';
import { postInstall } from '../../src/ssh/recipes/post-install.ts';
import { pythonFind } from '../../src/ssh/recipes/python-find.ts';
import { pythonInstall } from '../../src/ssh/recipes/python-install.ts';
import { rapidsProbe } from '../../src/ssh/recipes/rapids-probe.ts';
import { runApp } from '../../src/ssh/recipes/run-app.ts';
import { runThreaded } from '../../src/ssh/recipes/run-threaded.ts';
import { sshProbe } from '../../src/ssh/recipes/ssh-probe.ts';
import { systemName } from '../../src/ssh/recipes/system-name.ts';
import { targetLease } from '../../src/ssh/recipes/target-lease.ts';
import { unpackWorker } from '../../src/ssh/recipes/unpack-worker.ts';
import { uvSelfUpdate } from '../../src/ssh/recipes/uv-self-update.ts';
import { uvVersion } from '../../src/ssh/recipes/uv-version.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { lineOf } from '../../src/ssh/render.ts';
import { otherShells, posixShells, ShellSite, splitNul } from '../shells.ts';

const site = new ShellSite();
afterAll(() => site.remove());
const journal: EvidenceSink = { append: async () => {} };

const HOSTILE = `it's "x" $(CANARY) \`CANARY\` \\ !! *\nnl; é`;
const W = `~/wenv/${HOSTILE}`;
const L = '~/wenv/cli.py';
const [T, P] = [['uv'], '3.12'] as const;
const TOKEN = '0123456789abcdef'.repeat(2);

// Each program says what it received and in which environment.
for (const name of ['uv', 'mkdir', 'uname', 'ssh', 'scp', 'ssh-keygen', 'ssh-keyscan', 'sshpass', 'nice']) {
  site.program(name, `/usr/bin/printf '%s\\0' "\${0##*/}" "$@"`);
}
const home = (path: string): string => join(site.root, path);
const worker = home(`wenv/${HOSTILE}`);
const cli = home('wenv/cli.py');
const inProject = ['uv', '--project', worker, 'run', '--no-sync', '-p', '3.12', 'python'];

const cases: readonly (readonly [RemoteCommandRequest, readonly (string | readonly string[])[]])[] = [
  [argv(['uv', HOSTILE, { path: '~/x' }, '~/x']), ['uv', HOSTILE, home('x'), '~/x']],
  [
    daskWorker({
      tool: 'uv --offline',
      worker: W,
      scheduler: 'tcp://10.0.0.1:8786',
      host: '10.0.0.2',
      pidFile: 'dask_worker_0_0.pid',
      workerPort: '9000:9100',
    }),
    [
      ['uv', '--offline', '--project', worker, 'run', '--no-sync', 'dask', 'worker', 'tcp://10.0.0.1:8786'],
      [
        '--no-nanny',
        '--host',
        '10.0.0.2',
        '--dashboard-address',
        '127.0.0.1:0',
        '--worker-port',
        '9000:9100',
        '--pid-file',
        `${worker}/dask_worker_0_0.pid`,
      ],
    ],
  ],
  [
    daskScheduler({ tool: T, project: W, host: '2001:db8::1', port: 8786, pidFile: 'dask_scheduler.pid' }),
    [
      ['uv', '--project', worker, 'run', '--no-sync', 'dask', 'scheduler', '--port', '8786', '--host'],
      ['2001:db8::1', '--dashboard-address', '127.0.0.1:0', '--protocol', 'tcp', '--pid-file'],
      [`${worker}/dask_scheduler.pid`],
    ],
  ],
  [
    daskScheduler({
      tool: T,
      project: '/w',
      host: '10.0.0.1',
      port: 8786,
      dashboardHost: '::1',
      pidFile: 's.pid',
      tls: { ca: '/t/ca.pem', certificate: `${W}/c.pem`, key: '~/k.pem' },
    }),
    [
      ['uv', '--project', '/w', 'run', '--no-sync', 'dask', 'scheduler', '--port', '8786', '--host'],
      ['10.0.0.1', '--dashboard-address', '[::1]:0', '--protocol', 'tls', '--tls-ca-file', '/t/ca.pem'],
      ['--tls-cert', `${worker}/c.pem`, '--tls-key', home('k.pem'), '--pid-file', '/w/s.pid'],
    ],
  ],
  [
    makeDirectories({ tool: T, directory: W, noSync: true }),
    [
      'uv',
      'run',
      '--no-sync',
      'python',
      '-c',
      'import os, sys; os.makedirs(sys.argv[1], exist_ok=True)',
      worker,
    ],
  ],
  [makeDirectory({ directory: W }), ['mkdir', '-p', '--', worker]],
  [uvVersion({ tool: T }), ['uv', '--version']],
  [uvSelfUpdate({ tool: T }), ['uv', 'self', 'update']],
  [pythonFind({ tool: T, python: '>=3.11,<3.14' }), ['uv', 'python', 'find', '>=3.11,<3.14']],
  [pythonInstall({ tool: T, python: 'cpython@3.12' }), ['uv', 'python', 'install', 'cpython@3.12']],
  [systemName(), ['uname', '-s']],
  [
    targetLease({ tool: T, python: P, cli: L, worker: W, token: TOKEN, action: 'acquire', operation: 'run' }),
    ['uv', 'run', '--no-sync', '-p', '3.12', 'python', cli, 'target-lease-acquire', worker, TOKEN, 'run'],
  ],
  [
    targetLease({
      tool: T,
      python: P,
      cli: L,
      worker: W,
      token: TOKEN,
      action: 'recover',
      previous: [TOKEN, TOKEN],
      operation: 'install',
    }),
    [
      ['uv', 'run', '--no-sync', '-p', '3.12', 'python', cli, 'target-lease-recover', worker, TOKEN],
      [`${TOKEN},${TOKEN}`, 'install'],
    ],
  ],
  [
    targetLease({ tool: T, python: P, cli: L, worker: W, token: TOKEN, action: 'release' }),
    ['uv', 'run', '--no-sync', '-p', '3.12', 'python', cli, 'target-lease-release', worker, TOKEN],
  ],
  [
    rapidsProbe({ tool: T, python: P, cli: L }),
    ['uv', 'run', '--no-sync', '-p', '3.12', 'python', cli, 'rapids-probe'],
  ],
  [
    unpackWorker({ tool: T, worker: W, python: P, cli: L }),
    ['uv', 'run', '-p', '3.12', 'python', cli, 'unzip', worker],
  ],
  [
    unpackWorker({ tool: T, worker: W, python: P, cli: L, inProject: true }),
    [...inProject, cli, 'unzip', worker],
  ],
  [
    pipProbe({ tool: T, worker: W, python: P }),
    ['uv', '--project', worker, 'run', '-p', '3.12', 'python', '-c', 'import pip'],
  ],
  [
    ensurePip({ tool: T, worker: W, python: P }),
    ['uv', '--project', worker, 'run', '-p', '3.12', 'python', '-m', 'ensurepip'],
  ],
  [
    addPackages({
      tool: T,
      worker: W,
      python: P,
      upgrade: true,
      packages: ['dask[distributed]', 'numba==0.61.2', { path: `${W}/dist/a b.whl` }],
    }),
    [
      ['uv', '--project', worker, 'add', '-p', '3.12', '--upgrade'],
      ['dask[distributed]', 'numba==0.61.2', `${worker}/dist/a b.whl`],
    ],
  ],
  [
    postInstall({ tool: T, worker: '~/wenv/flight_worker.d', python: P, module: 'flight.post_install' }),
    [
      ['uv', '--project', home('wenv/flight_worker.d'), 'run', '--no-sync', '-p', '3.12'],
      ['python', '-m', 'flight.post_install', 'flight_worker'],
    ],
  ],
  [
    buildWorker({
      tool: T,
      worker: W,
      python: P,
      quiet: true,
      buildPackages: ['cython>=3', 'setuptools'],
      compilerDirectives: 'boundscheck=False,language_level=3',
    }),
    [
      ['uv', '--project', worker, 'run', '--no-sync', '--with', 'cython>=3', '--with', 'setuptools', '-p'],
      ['3.12', 'python', '-m', 'agi_node.agi_dispatcher.build', '--app-path', worker],
      ['--compiler-directives', 'boundscheck=False,language_level=3', '-q', 'build_ext', '-b', worker],
    ],
  ],
  [runThreaded({ tool: T, worker: W, python: P, cli: L }), [...inProject, cli, 'threaded']],
  [
    runApp({ tool: T, project: W, python: P, module: 'flight.worker', app: '/srv/apps/flight' }),
    [
      ['uv', 'run', '--no-sync', '--project', worker, '--python', '3.12', 'python', '-m'],
      ['flight.worker', '/srv/apps/flight'],
    ],
  ],
  [
    copyToHost({
      files: ['a:b', '-x', '/tmp/c d'],
      host: 'fe80::1%eth0',
      user: 'agi',
      port: 2222,
      destination: `~/${HOSTILE}`,
      identity: '~/.ssh/id',
      recursive: true,
    }),
    [
      ['scp', '-s', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-P', '2222', '-r', '-i'],
      [home('.ssh/id'), '--', './a:b', './-x', '/tmp/c d', `agi@[fe80::1%eth0]:./${HOSTILE}`],
    ],
  ],
  [
    copyToHost({ files: ['a'], host: 'node-1', destination: '/srv/in', sshpass: true }),
    [
      ['sshpass', '-e', 'scp', '-s', '-o', 'BatchMode=no', '-o', 'StrictHostKeyChecking=yes', '--'],
      ['./a', 'node-1:/srv/in'],
    ],
  ],
  [
    knownHostFind({ host: 'Node-1', port: 2222, file: '~/.ssh/known_hosts' }),
    ['ssh-keygen', '-F', '[node-1]:2222', '-f', home('.ssh/known_hosts')],
  ],
  [
    hostKeyScan({ host: '10.0.0.1', types: ['ed25519'] }),
    ['ssh-keyscan', '-H', '-T', '5', '-p', '22', '-t', 'ed25519', '--', '10.0.0.1'],
  ],
  [
    sshProbe({ host: 'node-1', user: 'agi', port: 2222 }),
    [
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=5'],
      ['-p', '2222', '--', 'agi@node-1', 'true'],
    ],
  ],
];

describe.each(cases.map(([request, words]) => [request.recipe, request, words.flat()] as const))(
  '%s',
  (_, request, words) => {
    it('gives its program exactly these words, in a POSIX shell and in any other', async () => {
      const command = await enforce(remoteCommand, request, { journal });
      const env = { PATH: `${site.bin}:/usr/bin:/bin` };
      for (const shell of posixShells.slice(0, 3)) {
        const { stdout, stderr } = await site.run(shell, lineOf(command, 'posix'), { env });
        expect({ shell: shell.name, stderr, words: splitNul(stdout) }).toEqual({
          shell: shell.name,
          stderr: '',
          words,
        });
      }
      for (const shell of otherShells.slice(0, 2)) {
        const { stdout } = await site.run(shell, lineOf(command, 'any'), { env });
        expect(splitNul(stdout), shell.name).toEqual(words);
      }
      expect(site.canaryRan()).toBe(false);
    });
  },
);

it('every recipe without a script of its own is in the table above', () => {
  const scripted = [
    ['install-uv', 'platform-facts', 'worker-control', 'share-check', 'share-mount', 'dotenv-merge'],
    ['run-over-ssh', 'share-sentinel', 'clear-results', 'lan-probe', 'owned-listeners'],
  ];
  const tested = new Set([...scripted.flat(), ...cases.map(([{ recipe }]) => recipe)]);
  expect([...tested].sort()).toEqual(Object.keys(RECIPES).sort());
});

it('every file of a recipe is in the list, under the name that it gives itself', () => {
  const files = readdirSync(new URL('../../src/ssh/recipes/', import.meta.url));
  const named = files.map((file) => file.replace(/\.ts$/, ''));
  expect(Object.keys(RECIPES).sort()).toEqual(
    named.filter((name) => !['all', 'dask', 'index', 'recipe'].includes(name)).sort(),
  );
});

it('a request of JSON stays with its recipe, whatever recipe the JSON names', () => {
  const json = JSON.parse('{"recipe": "clear-results", "directory": "~/results"}');
  expect(makeDirectory({ ...json })).toEqual({ recipe: 'make-directory', directory: '~/results' });
  expect(argv(['ls'], { ...json, argv: ['rm'] })).toMatchObject({ recipe: 'argv', argv: ['ls'] });
});

it('a recipe that there is not is answered with those that there are', () => {
  const [issue] = remoteCommandRequest.safeParse({ recipe: 'shell', line: 'id' }).error?.issues ?? [];
  expect(issue).toMatchObject({ path: ['recipe'], options: Object.keys(RECIPES) });
});

describe('the prefix of a command', () => {
  const base = {
    tool: T,
    worker: '~/w',
    scheduler: 'tcp://10.0.0.1:8786',
    host: '10.0.0.2',
    pidFile: 'w.pid',
  };

  it('sets variables, directories and a wrapper in every shell', async () => {
    site.program('uv', `/usr/bin/printf '%s\\0' "$LEVEL" "$INDEX" "$SSL_CERT_FILE" "\${PATH%%:/usr/bin*}"`);
    site.program('nice', 'shift 2; exec "$@"');
    mkdirSync(home('extra'), { recursive: true });
    const prefix = {
      env: { LEVEL: `$(CANARY)'"`, INDEX: 'a=b;CANARY' },
      resolver: { certificates: '~/ca.pem', nativeTls: true },
      pathPrepend: ['~/extra', '/opt/my tools'],
      wrapper: ['nice', '-n', '5'],
    };
    const command = await enforce(remoteCommand, daskWorker({ ...base, prefix }), { journal });
    const env = { PATH: `${site.bin}:/usr/bin:/bin` };
    for (const shell of [...posixShells, ...otherShells]) {
      const { stdout, stderr } = await site.run(shell, lineOf(command, 'any'), { env });
      expect({ shell: shell.name, stderr }).toEqual({ shell: shell.name, stderr: '' });
      const path = `${home('extra')}:/opt/my tools:${site.bin}`;
      expect(splitNul(stdout)).toEqual([`$(CANARY)'"`, 'a=b;CANARY', home('ca.pem'), path]);
    }
    for (const shell of posixShells) {
      const { stdout } = await site.run(shell, command.script, { env });
      expect(splitNul(stdout).slice(0, 2), shell.name).toEqual([`$(CANARY)'"`, 'a=b;CANARY']);
    }
    expect(site.canaryRan()).toBe(false);
  });

  it('never puts the working directory into PATH', async () => {
    const command = await enforce(
      remoteCommand,
      argv(['/usr/bin/env'], { prefix: { pathPrepend: ['/d'] } }),
      {
        journal,
      },
    );
    for (const shell of posixShells) {
      const { stdout } = await site.run(shell, `PATH=; ${command.script}`);
      expect(stdout.toString(), shell.name).toContain('PATH=/d:/usr/bin:/bin\n');
    }
  });

  it('finds the program in a directory that it prepends', async () => {
    const extra = site.directory('tools');
    site.program('../tools/only-here', 'echo found');
    const request = argv(['only-here'], { prefix: { pathPrepend: [extra] } });
    const command = await enforce(remoteCommand, request, { journal });
    for (const shell of posixShells) {
      const { stdout } = await site.run(shell, command.script);
      expect(stdout.toString(), shell.name).toBe('found\n');
    }
  });
});

describe('what the same operations accepted elsewhere', () => {
  const base = {
    tool: T,
    worker: '~/w',
    scheduler: 'tcp://10.0.0.1:8786',
    host: '10.0.0.2',
    pidFile: 'w.pid',
  };
  const lease = { tool: T, python: P, cli: L, worker: '~/w', action: 'release' } as const;
  const mount = { recipe: 'share-mount', port: 22, source: '/srv/share', share: '~/share' };
  const refusals: readonly (readonly [string, string, unknown])[] = [
    ['a pid file above the worker', 'command.path-parent', daskWorker({ ...base, pidFile: '../x.pid' })],
    ['a pid file anywhere', 'command.pid-path-outside', daskWorker({ ...base, pidFile: '/run/x.pid' })],
    ['a NUL', 'command.nul', daskWorker({ ...base, worker: '~/w\0' })],
    ["another user's home", 'command.path-user', makeDirectory({ directory: '~bob/x' })],
    ['an unbalanced quote in the tool', 'command.tool-syntax', uvVersion({ tool: "uv 'x" })],
    ['an empty tool', 'guard.request-invalid', uvVersion({ tool: '' })],
    ['a blank tool', 'command.tool-syntax', uvVersion({ tool: ' ' })],
    ['a tool that is an assignment', 'command.assignment-like-program', uvVersion({ tool: 'A=1 uv' })],
    ['a tool with a second command', 'command.tool-syntax', uvVersion({ tool: 'uv;CANARY' })],
    ['a log level with code', 'guard.request-invalid', { ...daskWorker(base), logLevel: 'info CANARY' }],
    ['a version that is an option', 'command.python-version', pythonFind({ tool: T, python: '-h' })],
    [
      'a requirement that is an option',
      'command.requirement',
      addPackages({ tool: T, worker: '~/w', python: P, packages: ['--extra-index-url'] }),
    ],
    [
      'a requirement with a URL',
      'command.requirement',
      addPackages({ tool: T, worker: '~/w', python: P, packages: ['a @ http://x/a.whl'] }),
    ],
    [
      'an address that the resolver guesses at',
      'command.host',
      daskWorker({ ...base, scheduler: 'tcp://10.1:8786' }),
    ],
    ['an address with a newline', 'command.host', sshProbe({ host: '10.0.0.1\n' })],
    ['an ssh option as host', 'command.host', { ...mount, host: '-oProxyCommand=CANARY' }],
    ['an ssh option as user', 'command.user', { ...mount, host: 'node-1', user: '-oProxyCommand=CANARY' }],
    [
      'an scp option as host',
      'command.host',
      copyToHost({ files: ['a'], host: '-oProxyCommand=CANARY', destination: '/x' }),
    ],
    ['a keyscan option as host', 'command.host', hostKeyScan({ host: '-f/etc/passwd' })],
    ['a share over the host keys', 'command.share-root', { ...mount, host: 'node-1', share: '/etc/ssh' }],
    ['a share over a whole home', 'command.share-root', { ...mount, host: 'node-1', share: '/home/agi' }],
    ['a share over a process', 'command.share-root', { ...mount, host: 'node-1', share: '/proc/self' }],
    ['a share over /usr/local', 'command.share-root', { ...mount, host: 'node-1', share: '/usr/local' }],
    ['a share over keys', 'command.share-root', { ...mount, host: 'node-1', share: '/home/agi/.ssh' }],
    ['a share on another host', 'command.path-relative', { ...mount, host: 'node-1', share: 'user@host:/x' }],
    ['a share in "$HOME" as text', 'command.path-relative', { ...mount, host: 'node-1', share: '$HOME/x' }],
    ['the home itself as a share', 'command.share-root', { ...mount, host: 'node-1', share: '~' }],
    [
      'a hexadecimal lease token',
      'guard.request-invalid',
      targetLease({ ...lease, token: `0x${'0'.repeat(30)}` }),
    ],
    [
      'a negative lease token',
      'guard.request-invalid',
      targetLease({ ...lease, token: `-${'0'.repeat(31)}` }),
    ],
    [
      'a lease token with a blank',
      'guard.request-invalid',
      targetLease({ ...lease, token: ` ${'0'.repeat(31)}` }),
    ],
    ['a zone on an address that has none', 'command.host', sshProbe({ host: '2001:db8::1%eth0' })],
    ['a zone with code', 'command.host', sshProbe({ host: 'fe80::1%$(CANARY)' })],
  ];

  it.each(refusals)('%s is refused', async (_why, code, request) => {
    const decision = await judge(remoteCommand, request as RemoteCommandRequest);
    expect(decision.codes).toEqual([code]);
  });

  it('~/x is the home directory, never a directory called ~', async () => {
    site.program('mkdir', 'exec /bin/mkdir "$@"');
    const command = await enforce(remoteCommand, makeDirectory({ directory: '~/cluster share' }), {
      journal,
    });
    await site.run(
      { name: 'dash', argv: ['sh'] },
      `${command.script} && [ -d "$HOME/cluster share" ] && [ ! -e '~' ] && CANARY`,
    );
    expect(site.canaryRan()).toBe(true);
  });
});
