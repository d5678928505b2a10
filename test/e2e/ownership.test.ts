// Owned processes on a host behind real sshd, of a user who can make no cgroup unless this test runs as that user.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTickOf } from '../../src/evidence/identity.ts';
import { newToken } from '../../src/ssh/process/ownership.ts';
import { shellOver, startOwned } from '../../src/ssh/process/ownership-remote.ts';
import { type StopResult, stopProcess } from '../../src/ssh/process/process-stop.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Connection } from '../../src/ssh/transport/connection.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { asRoot, startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const sleepFor = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe('an owned process on a host', {
  timeout: 60_000,
  ...leftOut(missing('sshd', 'ssh-keygen', 'setsid') || withoutLogin()),
}, () => {
  let host: TestHost;
  let connection: Connection;
  let directory = '';
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] });
    const user = host.userWith('/bin/sh');
    directory = asRoot ? user.home : host.directory;
    connection = await connect(host.target(user), host.credentials, { journal });
  });
  afterAll(async () => {
    connection.close();
    await host.stop();
  });

  const at = (name: string): string => join(directory, name);
  const start = (name: string, token: string, ...program: string[]): Promise<number> =>
    startOwned(connection, argv(program), { record: at(name), token, log: at(`${name}.log`) }, { journal });
  const stop = (name: string, token: string, graceSeconds: number): Promise<StopResult> =>
    stopProcess(
      shellOver(connection, { journal }),
      { record: at(name), owner: { token } },
      { journal, graceSeconds },
    );
  async function logged(name: string, count: number): Promise<number[]> {
    for (;;) {
      const lines = existsSync(at(`${name}.log`)) ? readFileSync(at(`${name}.log`), 'utf8').split('\n') : [];
      if (lines.length > count) return lines.slice(0, count).map(Number);
      await sleepFor(20);
    }
  }

  it.each([
    ['is not there', '/no/such/program', 127],
    ['cannot be executed', '/etc/passwd', 126],
  ])('is no process when its program %s', async (_why, program, code) => {
    await expect(start('none', newToken(), program)).rejects.toMatchObject({
      code: 'ownership.ended',
      message: `the program ended at once, with exit code ${code}`,
    });
    expect(readdirSync(directory)).not.toContain('none');
  });

  it('takes its children along, also those that made a session of their own', async () => {
    const token = newToken();
    await start(
      'family',
      token,
      'sh',
      '-c',
      'setsid sleep 601 & echo $!; sleep 602 & echo $!; exec sleep 603',
    );
    const children = await logged('family', 2);
    expect(await stop('family', token, 1)).toMatchObject({ by: 'KILL', leftAlone: [] });
    expect(children.map((pid) => startTickOf(pid))).toEqual([undefined, undefined]);
  });

  it('is stopped by what it left when it ended itself', async () => {
    const token = newToken();
    const pid = await start('left', token, 'sh', '-c', 'sleep 601 & echo $!; sleep 0.3');
    const [child = 0] = await logged('left', 1);
    while (startTickOf(pid) !== undefined) await sleepFor(20);
    await expect(start('left', newToken(), 'true')).rejects.toMatchObject({ code: 'ownership.busy' });
    expect((await stop('left', token, 5)).by).toBe('TERM');
    expect(startTickOf(child)).toBeUndefined();
  });

  it('gets one TERM from two that stop it at once', async () => {
    const token = newToken();
    const count =
      'n=0; trap "n=\\$((n+1))" TERM; echo 1; while [ $n = 0 ]; do sleep 0.1; done; sleep 2; echo $n';
    await start('once', token, 'sh', '-c', count);
    await logged('once', 1);
    const both = await Promise.all([stop('once', token, 8), stop('once', token, 8)]);
    expect(both.map(({ by }) => by)).toEqual(['TERM', 'TERM']);
    expect(await logged('once', 2)).toEqual([1, 1]);
    await expect(stop('once', token, 1)).rejects.toMatchObject({ code: 'process-stop.record-missing' });
  });
});
