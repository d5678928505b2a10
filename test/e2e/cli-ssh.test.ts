// `guardrails ssh` against real hosts: rows, exit codes, and a journal that verifies afterwards.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardrails } from '../cli/run-cli.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';
import { transports } from './transports.ts';

describe('guardrails ssh', {
  timeout: 180_000,
  ...leftOut(missing('sshd', 'ssh-keygen') || withoutLogin()),
}, () => {
  let host: TestHost;
  let file = '';
  const cli = (...args: readonly string[]): ReturnType<typeof guardrails> =>
    guardrails(['ssh', ...args], host.directory);
  const write = (knownHosts: string): void => {
    const { name: user } = host.userWith('/bin/sh');
    const hosts = [1, 2].map(() => ({ host: '127.0.0.1', port: host.port, user }));
    writeFileSync(
      file,
      JSON.stringify({ knownHosts: [knownHosts], privateKey: join(host.directory, 'user_key'), hosts }),
    );
  };
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] });
    file = join(host.directory, 'hosts.json');
    write(host.knownHosts);
  });
  afterAll(() => host.stop());

  it('run prints one row per host and exits 0 when every command did', () => {
    const request = JSON.stringify({ recipe: 'argv', argv: ['printf', '%s', "it's"] });
    const { code, stdout } = cli('run', file, '--json', request);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject(
      [1, 2].map(() => ({ outcome: 'exited', code: 0, stdout: "it's", stderr: '' })),
    );
    expect(code).toBe(0);
  });

  it.each(['abc', '0', '1.5', '2147484'])('takes no %j for seconds', (seconds) => {
    const { code, stderr } = cli('run', file, '--timeout', seconds, '--json', '{}');
    expect([code, stderr]).toEqual([2, expect.stringContaining('a whole number from 1 to 2147483')]);
  });

  it('run leaves out what succeeded before, with --resume', () => {
    const rows = join(host.directory, 'rows');
    const earlier = { host: `${host.userWith('/bin/sh').name}@127.0.0.1:${host.port}`, outcome: 'exited' };
    const request = '{"recipe":"argv","argv":["true"]}';
    writeFileSync(rows, `${JSON.stringify({ ...earlier, code: 1 })}\n`);
    const again = cli('run', file, '--resume', rows, '--concurrency', '1', '--json', request);
    expect([again.code, again.stdout.trim().split('\n').length]).toEqual([0, 2]);
    writeFileSync(rows, `${JSON.stringify({ ...earlier, code: 0 })}\n`);
    expect(cli('run', file, '--resume', rows, '--json', request)).toMatchObject({ code: 0, stdout: '' });
    expect(cli('run', file, '--concurrency', '0', '--json', request).code).toBe(2);
  });

  it.each(transports)('run looks hosts up in an ssh_config that is named, and jumps, by %s', (transport) => {
    const { name } = host.userWith('/bin/sh');
    const config = join(host.directory, 'ssh_config');
    const key = `IdentityFile ${join(host.directory, 'user_key')}`;
    const place = `HostName 127.0.0.1\nPort ${host.port}\nUser ${name}\n${key}\n`;
    writeFileSync(
      config,
      `Host gate\n${place}Host inner\nProxyJump gate\n${place}Host bad\nProxyCommand x\n`,
    );
    const hosts = join(host.directory, 'aliases.json');
    const request = JSON.stringify({ recipe: 'argv', argv: ['sh', '-c', 'echo "$SSH_CONNECTION"'] });
    const run = (...names: readonly string[]): ReturnType<typeof cli> => {
      const file = { knownHosts: [host.knownHosts], hosts: names.map((each) => ({ host: each })) };
      writeFileSync(hosts, JSON.stringify(file));
      return cli('run', hosts, '--ssh-config', config, '--transport', transport, '--json', request);
    };
    const { code, stdout } = run('gate', 'inner', 'inner');
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([1, 2, 3].map(() => ({ outcome: 'exited', code: 0 })));
    expect(code).toBe(0);
    expect(run('gate', 'bad')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('ssh-config.runs-program'),
    });
    chmodSync(config, 0o666); // others may say who we are to be
    expect(run('gate')).toMatchObject({ code: 2, stderr: expect.stringContaining('ssh-config.unreadable') });
    chmodSync(config, 0o600);
    const without = cli('run', hosts, '--json', request);
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('hosts.malformed') });
  });

  it('run exits 1 when a command fails, and when the guard refuses it', () => {
    expect(cli('run', file, '--json', '{"recipe":"argv","argv":["false"]}').code).toBe(1);
    const refused = cli('run', file, '--json', '{"recipe":"argv","argv":["-x"]}');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      outcome: 'refused',
      code: 'command.option-like-program',
    });
  });

  it.each(transports)('hosts FILE check tells a known key from a changed one, by %s', (transport) => {
    const check = (): ReturnType<typeof cli> => cli('hosts', file, 'check', '--transport', transport);
    const known = check();
    expect([known.code, JSON.parse(known.stdout.split('\n')[0] ?? '')]).toMatchObject([
      0,
      { outcome: 'known' },
    ]);
    const other = join(host.directory, 'other_hosts');
    const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu';
    writeFileSync(other, `[127.0.0.1]:${host.port} ${stranger}\n`, { mode: 0o600 });
    write(other);
    const changed = check();
    write(host.knownHosts);
    expect(changed.code).toBe(1);
    expect(JSON.parse(changed.stdout.split('\n')[0] ?? '')).toMatchObject({ code: 'host-key.changed' });
  });

  it('render prints exactly the line', () => {
    const { code, stdout } = cli('render', 'argv', '--json', '{"argv":["echo","a b"]}');
    expect([code, stdout]).toEqual([0, "'echo' 'a b'\n"]);
  });

  it('reads no request without end', () => {
    const endless = guardrails(
      ['ssh', 'render', 'argv', '--json', '-'],
      host.directory,
      'x'.repeat(17_000_000),
    );
    expect([endless.code, endless.stderr]).toEqual([2, expect.stringContaining('input.too-large')]);
  });

  it('says what is wrong with a hosts file', () => {
    writeFileSync(file, '{"hosts": []}');
    expect(cli('hosts', file, 'check')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('hosts.malformed'),
    });
    writeFileSync(file, '{"hosts": [{"host": "h", "user": "me"}, {"host": "h", "user": "me", "prot": 1}]}');
    expect(cli('hosts', file, 'check').stderr).toContain('(hosts[1]: an unknown key');
  });

  it('leaves a journal that verifies', () => {
    expect(guardrails(['verify'], host.directory).code).toBe(0);
    expect(
      readFileSync(join(host.directory, '.guardrails/journal/journal-000000000000.jsonl'), 'utf8'),
    ).toContain('"remote-run"');
  });
});
