// The lines that AGILAB's own builders make: which of them mean what our recipes mean, and why the others do not.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judge } from '../../src/kernel/enforce.ts';
import { addPackages } from '../../src/ssh/recipes/add-packages.ts';
import { buildWorker } from '../../src/ssh/recipes/build-worker.ts';
import { daskScheduler } from '../../src/ssh/recipes/dask-scheduler.ts';
import { daskWorker } from '../../src/ssh/recipes/dask-worker.ts';
import { dotenvMerge } from '../../src/ssh/recipes/dotenv-merge.ts';
import { ensurePip } from '../../src/ssh/recipes/ensure-pip.ts';
import type { RemoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { makeDirectories } from '../../src/ssh/recipes/make-directories.ts';
import { makeDirectory } from '../../src/ssh/recipes/make-directory.ts';
import { pipProbe } from '../../src/ssh/recipes/pip-probe.ts';
import { platformFacts } from '../../src/ssh/recipes/platform-facts.ts';
import { postInstall } from '../../src/ssh/recipes/post-install.ts';
import { pythonFind } from '../../src/ssh/recipes/python-find.ts';
import { pythonInstall } from '../../src/ssh/recipes/python-install.ts';
import { rapidsProbe } from '../../src/ssh/recipes/rapids-probe.ts';
import { runThreaded } from '../../src/ssh/recipes/run-threaded.ts';
import { shareCheck } from '../../src/ssh/recipes/share-check.ts';
import { targetLease } from '../../src/ssh/recipes/target-lease.ts';
import { unpackWorker } from '../../src/ssh/recipes/unpack-worker.ts';
import { uvSelfUpdate } from '../../src/ssh/recipes/uv-self-update.ts';
import { uvVersion } from '../../src/ssh/recipes/uv-version.ts';
import { workerControl } from '../../src/ssh/recipes/worker-control.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { beside, withBeside } from '../left-out.ts';

const file = new URL('remote-lines.json', beside('agilab'));
const lines: Readonly<Record<string, string>> = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8')).lines
  : {};

const prefix = { pathPrepend: ['~/.local/bin'] };
const uv = { tool: 'uv', prefix } as const;
const python = '3.14+gil';
const cli = '~/wenv/cli.py';
const worker = '~/wenv/flight_worker';
const project = { ...uv, worker, python };
const dask = { ...uv, host: '10.0.0.1', logLevel: 'info' } as const;
const token = '0'.repeat(32);

const equal: Readonly<Record<string, RemoteCommandRequest>> = {
  'uv-version': uvVersion(uv),
  'uv-self-update': uvSelfUpdate(uv),
  'python-find': pythonFind({ ...uv, python }),
  'python-install': pythonInstall({ ...uv, python }),
  'target-lease': targetLease({
    ...project,
    python: '3.14',
    cli,
    token,
    action: 'acquire',
    operation: 'run',
  }),
  'rapids-probe': rapidsProbe({ ...uv, python, cli }),
  'unpack-worker': unpackWorker({ ...project, cli }),
  'unpack-worker-in': unpackWorker({ ...project, cli, inProject: true }),
  'pip-probe': pipProbe(project),
  'ensure-pip': ensurePip(project),
  'add-packages': addPackages({
    ...project,
    upgrade: true,
    packages: [{ path: `${worker}/dist/agi_env-2026.7.31-py3-none-any.whl` }, 'agi-node'],
  }),
  'add-dask': addPackages({ ...project, packages: ['dask[distributed]'] }),
  'post-install': postInstall({ ...project, module: 'agi_node.agi_dispatcher.post_install' }),
  'build-worker': buildWorker({ ...project, buildPackages: ['setuptools', 'cython==3.2.4'], quiet: true }),
  'run-threaded': runThreaded({ ...project, cli }),
};

const different: Readonly<
  Record<string, readonly [code: string, reason: string, request: RemoteCommandRequest]>
> = {
  'dask-worker': [
    'command.existing-sockets',
    'leaves open where --host listens',
    daskWorker({
      ...dask,
      worker,
      scheduler: 'tcp://10.0.0.1:8786',
      workerPort: '9000:9100',
      pidFile: 'dask_worker_0_0.pid',
    }),
  ],
  'dask-scheduler': [
    'command.existing-sockets',
    'leaves open where --dashboard-address listens',
    daskScheduler({ ...dask, project: worker, port: 8786, pidFile: 'dask_scheduler.pid' }),
  ],
  'make-directories': [
    'command.parse-back',
    'does not mean',
    makeDirectories({ ...uv, directory: `${worker}/dist` }),
  ],
  'make-directory': ['command.parse-back', 'does not mean', makeDirectory({ directory: `${worker}/dist` })],
  'worker-control': ['command.existing-syntax', 'an if', workerControl({ ...project, cli, action: 'kill' })],
  'share-check': ['command.existing-syntax', 'a second command', shareCheck({ share: '~/clustershare' })],
  'platform-facts': ['command.existing-syntax', 'a command substitution', platformFacts()],
  'dotenv-merge': [
    'command.existing-syntax',
    'more than 2048 characters',
    dotenvMerge({ file: '~/.agilab/.env', values: { IS_SOURCE_ENV: '0' } }),
  ],
};

describe("AGILAB's own lines", withBeside('agilab'), () => {
  it('are all here', () => {
    expect(Object.keys({ ...equal, ...different }).sort()).toEqual(Object.keys(lines).sort());
  });

  it.each(Object.entries(equal))('%s means what the recipe means, word for word', async (name, request) => {
    const decision = await judge(remoteCommand, { ...request, existing: lines[name] });
    expect(decision).toMatchObject({ decision: 'allow', codes: [] });
  });

  it.each(Object.entries(different))(
    '%s does not, and the reason is said',
    async (name, [code, reason, request]) => {
      const decision = await judge(remoteCommand, { ...request, existing: lines[name] });
      expect(decision).toMatchObject({ decision: 'refuse', reason: expect.stringContaining(reason) });
      expect(decision.codes[0]).toBe(code);
    },
  );
});
