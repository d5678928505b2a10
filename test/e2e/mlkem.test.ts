// A host whose only key exchange is mlkem768x25519-sha256, which OpenSSH has since 9.9: client and server of the next
// Debian, in the folder that GUARDRAILS_TRIXIE names.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect, type Transport } from '../../src/ssh/transport/connect.ts';
import { freePort } from '../free-port.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { missing } from '../ssh/support.ts';

const KEX = 'mlkem768x25519-sha256';
const root = process.env['GUARDRAILS_TRIXIE'];
if (root === undefined && requiresReal) throw new Error('set GUARDRAILS_TRIXIE, as .ci/run does');
const journal = { append: async (): Promise<void> => {} };
const skip =
  (root === undefined && 'GUARDRAILS_TRIXIE names no folder') ||
  (process.getuid?.() !== 0 && 'needs root for chroot') ||
  missing('chroot', 'ssh-keygen');

describe(`a host that exchanges keys by ${KEX} alone`, { timeout: 60_000, ...leftOut(skip) }, () => {
  const path = process.env['PATH'];
  let directory = '';
  let inside = '';
  let server: ReturnType<typeof spawn>;
  let port = 0;
  const file = (name: string): string => join(directory, name);
  const enter = async (transport: Transport, key = 'user'): Promise<string> => {
    const target = { host: '127.0.0.1', port, user: 'root', knownHosts: [file('known_hosts')] };
    const credentials = { privateKey: readFileSync(file(key)) };
    await using connection = await connect(target, credentials, { journal, transport });
    const { stdout } = await connection.run(
      await enforce(remoteCommand, argv(['cat', '/etc/debian_version']), { journal }),
    );
    return stdout.toString();
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'guardrails-mlkem-'));
    inside = mkdtempSync(`${root}/tmp/guardrails-mlkem-`);
    for (const name of ['host', 'user', 'stranger'])
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    port = await freePort();
    const keep = (name: string, text: string | Buffer): void =>
      writeFileSync(join(inside, name), text, { mode: 0o600 });
    const there = inside.slice(`${root}`.length);
    const [type, key] = readFileSync(file('host.pub'), 'utf8').split(' ');
    keep('host', readFileSync(file('host')));
    keep('authorized_keys', readFileSync(file('user.pub')));
    keep(
      'config',
      [
        'ListenAddress 127.0.0.1',
        `HostKey ${there}/host`,
        `AuthorizedKeysFile ${there}/authorized_keys`,
        'StrictModes no',
        'UsePAM no',
        'PidFile none',
        `KexAlgorithms ${KEX}`,
        '',
      ].join('\n'),
    );
    writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`, { mode: 0o600 });
    // The client runs here, with the libraries that it was made for.
    const loader = `${root}/lib64/ld-linux-x86-64.so.2 --library-path ${root}/usr/lib/x86_64-linux-gnu`;
    mkdirSync(file('bin'));
    writeFileSync(file('bin/ssh'), `#!/bin/sh\nexec ${loader} ${root}/usr/bin/ssh "$@"\n`);
    chmodSync(file('bin/ssh'), 0o755);
    process.env['PATH'] = `${file('bin')}:${path}`;
    mkdirSync(`${root}/run/sshd`, { recursive: true });
    const words = [`${root}`, '/usr/sbin/sshd', '-D', '-e', '-f', `${there}/config`, '-p', `${port}`];
    server = spawn('chroot', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      server.stderr?.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('listening')) resolve();
      });
      server.on('error', reject).on('close', () => reject(new Error('sshd ended')));
    });
  });
  afterAll(() => {
    process.env['PATH'] = path;
    server.kill();
    for (const made of [directory, inside]) rmSync(made, { recursive: true, force: true });
  });

  it("is entered by the system's ssh, where that knows it", async () => {
    expect(await enter('openssh')).toMatch(/^13\./);
  });

  it('is no host with outdated algorithms for the other transport, which says what it offers', async () => {
    await expect(enter('ssh2')).rejects.toMatchObject({
      code: 'host-key.no-common-algorithm',
      message: expect.stringContaining(KEX),
    });
  });

  // Last: the server remembers it.
  it('says that it takes nobody from here for a while, once enough log-ins have failed', async () => {
    const failed = async (): Promise<unknown> =>
      enter('openssh', 'stranger').catch((error: unknown) => error);
    await expect.poll(failed, { timeout: 30_000, interval: 0 }).toMatchObject({
      code: 'host-key.unreachable',
      message: expect.stringContaining('PerSourcePenalties'),
    });
  });
});
