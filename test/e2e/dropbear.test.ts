// The transport against Dropbear, whose habits are not those of OpenSSH: it now and then refuses a session that opens
// while another one closes, and ends a channel in another order.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import type { Argument } from '../../src/ssh/fragments/program.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { type RemoteCommand, remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Target } from '../../src/ssh/transport/connection.ts';
import { downloadFile, uploadFile } from '../../src/ssh/transport/copy.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const command = (...words: readonly Argument[]): Promise<RemoteCommand> =>
  enforce(remoteCommand, argv(words), { journal });
const skip = missing('sshd', 'ssh-keygen', 'dropbear', 'dropbearkey') || withoutLogin();

describe('a host that runs Dropbear', { timeout: 120_000, ...leftOut(skip) }, () => {
  let host: TestHost;
  let dropbear: ChildProcess;
  let target: Target;
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] }); // for its user; Dropbear reads the same authorized_keys
    const free = createServer();
    await new Promise<void>((resolve) => {
      free.listen(0, '127.0.0.1', resolve);
    });
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const key = join(host.directory, 'dropbear_key');
    const told = execFileSync('dropbearkey', ['-t', 'ed25519', '-f', key], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [line = ''] = /^ssh-ed25519 \S+/m.exec(told) ?? [];
    const knownHosts = join(host.directory, 'dropbear_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${port} ${line}\n`, { mode: 0o600 });
    dropbear = spawn('dropbear', ['-F', '-E', '-p', `127.0.0.1:${port}`, '-r', key], {
      // A log of its own: with every descriptor on /dev/null, Dropbear 2022.83 was seen to end connections now and then.
      stdio: ['ignore', 'ignore', openSync(join(host.directory, 'dropbear.log'), 'a')],
    });
    target = { ...host.target(host.userWith('/bin/sh')), port, knownHosts: [knownHosts] };
  });
  afterAll(async () => {
    dropbear.kill();
    await host.stop();
  });

  it('runs commands one after the other and at once, with input, and brings their codes', async () => {
    // It listens a moment after it was started.
    const isUp = (): Promise<boolean> =>
      connect(target, host.credentials, { journal }).then(
        (connection) => {
          connection.close();
          return true;
        },
        () => false,
      );
    await expect.poll(isUp, { timeout: 20_000 }).toBe(true);
    for (let connections = 0; connections < 15; connections++) await useOne();
  });

  it('takes files and gives them back, between commands', async () => {
    await using connection = await connect(target, host.credentials, { journal });
    for (let round = 0; round < 10; round++) {
      const bytes = Buffer.from(`${round}\n`.repeat(20_000));
      await uploadFile(connection, bytes, '~/file', { journal });
      expect((await downloadFile(connection, '~/file', { journal })).equals(bytes)).toBe(true);
      expect((await connection.run(await command('true'))).outcome).toBe('exited');
    }
  });

  async function useOne(): Promise<void> {
    await using connection = await connect(target, host.credentials, { journal });
    for (let round = 0; round < 5; round++) {
      const result = await connection.run(await command('sh', '-c', 'cat; exit 7'), { stdin: `${round}\n` });
      expect(result).toMatchObject({ outcome: 'exited', code: 7, lost: [] });
      expect(result.stdout.toString()).toBe(`${round}\n`);
    }
    const all = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => connection.run(await command('echo', `${index}`))),
    );
    expect(all.map(({ stdout }) => stdout.toString().trim())).toEqual(all.map((_, index) => `${index}`));
  }
});
