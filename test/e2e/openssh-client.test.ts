// The recipes for the local OpenSSH client, with the real client and the real sshd: from one user of this machine to
// others whose login shells are POSIX and are not.
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import { copyToHost } from '../../src/ssh/recipes/copy-to-host.ts';
import { hostKeyScan } from '../../src/ssh/recipes/host-key-scan.ts';
import type { RemoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { knownHostFind } from '../../src/ssh/recipes/known-host-find.ts';
import { runOverSsh } from '../../src/ssh/recipes/run-over-ssh.ts';
import { sshProbe } from '../../src/ssh/recipes/ssh-probe.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { asRoot, startHost, type TestHost, type TestUser } from './host.ts';

const absent = missing('sshd', 'scp', 'ssh-keyscan', 'fish', 'tcsh', 'setpriv');
const skip = absent || (!asRoot && 'left out: needs root, to make users');
const SHELLS = ['/usr/bin/fish', '/bin/tcsh', '/bin/sh'];
const NAME = `it's "x" $(CANARY) \`CANARY\` \\ !! *\nnl; é`;

let host: TestHost;
let client: TestUser;
let ids: { readonly uid: number; readonly gid: number };

describe('the OpenSSH client', leftOut(skip), () => {
  beforeAll(async () => {
    host = await startHost({
      shells: ['/bin/bash', ...SHELLS],
      config: ['Subsystem sftp internal-sftp'],
    });
    client = host.userWith('/bin/bash');
    const { uid, gid } = statSync(client.home);
    ids = { uid, gid };
    const give = (from: string, name: string): void => {
      const to = join(client.home, '.ssh', name);
      copyFileSync(from, to);
      chownSync(to, uid, gid);
    };
    give(join(host.directory, 'user_key'), 'id_ed25519');
    give(host.knownHosts, 'known_hosts');
  });
  afterAll(() => host.stop());

  /** Runs the granted line as the client user. */
  async function run(
    request: RemoteCommandRequest,
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const { script } = await enforce(remoteCommand, request, { journal: { append: async () => {} } });
    const argv = [
      '--reuid',
      String(ids.uid),
      '--regid',
      String(ids.gid),
      '--clear-groups',
      'sh',
      '-c',
      script,
    ];
    const env = { HOME: client.home, PATH: '/usr/bin:/bin' };
    const { status, stdout, stderr } = spawnSync('setpriv', argv, { cwd: client.home, env });
    return { code: status, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  const target = (shell: string): { host: string; port: number; user: string } => {
    const { name } = host.userWith(shell);
    return { host: '127.0.0.1', port: host.port, user: name };
  };

  it.each(SHELLS)('copies to a directory of any name, whatever %s would make of it', async (shell) => {
    const { home } = host.userWith(shell);
    const { uid, gid } = statSync(home);
    mkdirSync(join(home, NAME));
    chownSync(join(home, NAME), uid, gid);
    // Local names that scp would take for a host and for an option.
    for (const name of ['127.0.0.1:x', '-r', NAME]) writeFileSync(join(client.home, name), name);
    const request = { ...target(shell), files: ['127.0.0.1:x', '-r', `~/${NAME}`], destination: `~/${NAME}` };
    expect(await run(copyToHost(request))).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['127.0.0.1:x', '-r', NAME]) {
      expect(readFileSync(join(home, NAME, name), 'utf8')).toBe(name);
    }
    const absolute = await run(copyToHost({ ...request, files: ['-r'], destination: `${home}/${NAME}/b` }));
    expect(absolute.code).toBe(0);
    expect(existsSync(join(home, NAME, 'b'))).toBe(true);
  });

  it.each(SHELLS)('runs a program behind %s with exactly its words', async (shell) => {
    const argv = ['/usr/bin/printf', '<%s>', NAME, "\\';CANARY;\\'", '', { path: '~/x y' }];
    const { stdout, stderr } = await run(runOverSsh({ ...target(shell), argv }));
    expect(stderr).toBe('');
    expect(stdout).toBe(`<${NAME}><\\';CANARY;\\'><><${host.userWith(shell).home}/x y>`);
  });

  it('says whether a host lets the user in, and asks nobody a question', async () => {
    expect((await run(sshProbe(target('/usr/bin/fish')))).code).toBe(0);
    const stranger = await run(sshProbe({ ...target('/usr/bin/fish'), user: 'nobody-of-that-name' }));
    expect(stranger.code).toBe(255);
  });

  it('refuses a host whose key is not known', async () => {
    const file = join(client.home, '.ssh', 'known_hosts');
    const known = readFileSync(file);
    writeFileSync(file, '');
    expect((await run(sshProbe(target('/usr/bin/fish')))).code).toBe(255);
    expect(
      (await run(copyToHost({ ...target('/bin/sh'), files: ['-r'], destination: '~/no' }))).code,
    ).not.toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('');
    writeFileSync(file, known);
  });

  it('finds the key in the file, and scans the same from the host', async () => {
    const { stdout } = await run(knownHostFind({ ...place(), file: '~/.ssh/known_hosts' }));
    const key = readFileSync(join(host.directory, 'host_key.pub'), 'utf8').split(' ')[1] ?? '?';
    expect(stdout).toContain(key);
    const scan = await run(hostKeyScan({ ...place(), types: ['ed25519'] }));
    expect(scan.stdout).toContain(key);
    expect((await run(knownHostFind({ host: 'node-1', file: '~/.ssh/known_hosts' }))).code).toBe(1);
  });

  const place = (): { host: string; port: number } => ({ host: '127.0.0.1', port: host.port });
});
