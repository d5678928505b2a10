// What was started on a host behind real sshd, and where it really listens: Dask as its recipes start it, and as they do not.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken } from '../../src/ssh/process/ownership.ts';
import { confirmOwned, shellOver, startOwned } from '../../src/ssh/process/ownership-remote.ts';
import { stopProcess } from '../../src/ssh/process/process-stop.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { daskScheduler } from '../../src/ssh/recipes/dask-scheduler.ts';
import type { RemoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Connection } from '../../src/ssh/transport/connection.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { memoryJournal } from '../memory-journal.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { CERTIFY, UV_SHIM } from './dask.ts';
import { asRoot, startHost, type TestHost } from './host.ts';

describe('a scheduler that was started owned on a host', {
  timeout: 120_000,
  ...leftOut(missing('sshd', 'ssh-keygen', 'setsid', 'dask', 'python3', 'openssl') || withoutLogin()),
}, () => {
  const journal = memoryJournal();
  let host: TestHost;
  let connection: Connection;
  let home = '';
  let directory = '';
  let tool = '';
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] });
    const user = host.userWith('/bin/sh');
    home = asRoot ? user.home : host.directory;
    directory = join(host.directory, 'project');
    tool = join(host.directory, 'uv');
    writeFileSync(tool, UV_SHIM, { mode: 0o755 });
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    expect(spawnSync('sh', ['-ec', CERTIFY], { cwd: directory }).status).toBe(0);
    connection = await connect(host.target(user), host.credentials, { journal });
  });
  afterAll(async () => {
    connection.close();
    await host.stop();
  });

  /** Starts `started`, asks about it as `request`, and stops it. */
  async function confirm(
    request: RemoteCommandRequest,
    started: RemoteCommandRequest = request,
  ): ReturnType<typeof confirmOwned> {
    const token = newToken();
    const record = join(home, token);
    await startOwned(connection, started, { record, token, log: join(home, 'log') }, { journal });
    try {
      return await confirmOwned(connection, { request, record, token }, { journal });
    } finally {
      const asked = { record, owner: { token } };
      await stopProcess(shellOver(connection, { journal }), asked, { journal, graceSeconds: 30 });
    }
  }

  async function scheduler(): Promise<RemoteCommandRequest & { readonly port: number }> {
    const at = (name: string): string => join(directory, name);
    const tls = { ca: at('ca.pem'), certificate: at('cert.pem'), key: at('key.pem') };
    const port = await freePort();
    const own = { tool: [tool], project: directory, host: '127.0.0.1', port, pidFile: `${port}.pid`, tls };
    return { ...daskScheduler(own), prefix: { env: { DASK_TEMPORARY_DIRECTORY: directory } } };
  }

  it('is awaited until it listens where its recipe says', async () => {
    const request = await scheduler();
    const { sockets } = await confirm(request);
    expect(sockets).toHaveLength(2);
    expect(sockets).toContainEqual({ host: '127.0.0.1', port: request.port });
    const judged = journal.drafts.filter((draft) => 'guard' in draft && draft.guard.id === 'owned-sockets');
    expect(judged).toMatchObject([{ decision: 'allow', method: 'remote', subject: { kind: 'process' } }]);
  });

  it('is refused with the socket that nobody named', async () => {
    const request = await scheduler();
    const open = argv([
      '/usr/bin/env',
      `DASK_TEMPORARY_DIRECTORY=${directory}`,
      'dask',
      'scheduler',
      '--host',
      '127.0.0.1',
      '--port',
      `${request.port}`,
      '--dashboard-address',
      ':0',
    ]);
    await expect(confirm(request, open)).rejects.toMatchObject({
      code: 'owned-sockets.not-granted',
      message: expect.stringMatching(/it listens on (?:0\.0\.0\.0|\[::\]):\d+, which was not granted/),
    });
  });

  it('must have been started by a recipe that names its sockets, over a connection that is one', async () => {
    const asked = { record: '~/none', token: newToken() };
    await expect(
      confirmOwned(connection, { ...asked, request: argv(['true']) }, { journal }),
    ).rejects.toMatchObject({ code: 'ownership.no-sockets' });
    const stdout = Buffer.from('listens 1 cgroup 1\nend\n');
    const forged = { run: async () => ({ outcome: 'exited', code: 0, stdout, stderr: stdout, lost: [] }) };
    const request = await scheduler();
    await expect(
      confirmOwned(forged as unknown as Connection, { ...asked, request }, { journal }),
    ).rejects.toMatchObject({ code: 'guard.observe-failed' });
  });
});
