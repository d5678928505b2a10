// The transport against a real sshd, under every login shell that Debian has.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../src/evidence/record.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import type { Argument } from '../../src/ssh/fragments/program.ts';
import { Secret } from '../../src/ssh/fragments/secret.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { type RemoteCommand, remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Connection } from '../../src/ssh/transport/connection.ts';
import { runOnHosts } from '../../src/ssh/transport/fleet.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { asRoot, loginShells, startHost, type TestHost } from './host.ts';
import { transports } from './transports.ts';

const POWERLESS = ['/bin/rbash', '/usr/sbin/nologin', '/usr/bin/git-shell'].filter((path) =>
  existsSync(path),
);
const HOSTILE = [
  'it\'s "x" $(touch PWN) `id` \\ !! *\nnl; é',
  '\\\'";touch PWN;#',
  'a\ntouch PWN\nb',
  '=ls',
  '-n',
  '',
  '~root',
  '%1',
  '{a,b}',
  '!',
  '\u00a0 \u3000',
];

const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };
async function allOf(stream: AsyncIterable<Buffer>): Promise<readonly Buffer[]> {
  const all: Buffer[] = [];
  for await (const bytes of stream) all.push(bytes);
  return all;
}
async function firstOf(stream: AsyncIterable<Buffer>): Promise<string> {
  for await (const bytes of stream) return bytes.toString();
  return '';
}
const command = (...words: readonly Argument[]): Promise<RemoteCommand> =>
  enforce(remoteCommand, argv(words), { journal });

const skip = missing('sshd', 'ssh-keygen') || withoutLogin();

let host: TestHost;
beforeAll(async () => {
  if (!skip) host = await startHost({ shells: [...loginShells, ...POWERLESS] });
});
afterAll(() => host?.stop());

describe.each(transports)('a connection by %s', { timeout: 60_000, ...leftOut(skip) }, (transport) => {
  let connection: Connection;
  const open = (shell: string): Promise<Connection> =>
    connect(host.target(host.userWith(shell)), host.credentials, { journal, transport });
  beforeAll(async () => {
    connection = await open('/bin/sh');
  });
  afterAll(() => connection.close());

  it.each(loginShells)('delivers every word unchanged to a user of %s', async (shell) => {
    const own = await open(shell);
    const result = await own.run(await command('printf', '%s\\0', ...HOSTILE));
    // The same once more with standard input, which takes the other way to the shell.
    const fed = await own.run(await command('sh', '-c', 'printf "%s\\0" "$@"; cat', 'sh', ...HOSTILE), {
      stdin: 'fed',
    });
    own.close();
    expect(fed.stdout.toString()).toBe(`${HOSTILE.map((word) => `${word}\0`).join('')}fed`);
    expect(result).toMatchObject({ outcome: 'exited', code: 0 });
    expect(result.stdout.toString()).toBe(HOSTILE.map((word) => `${word}\0`).join(''));
  });

  it.each(POWERLESS)('refuses to guess what %s would do', leftOut(!asRoot && 'needs root'), async (shell) => {
    const own = await open(shell);
    const run = own.run(await command('true'));
    await expect(run).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
    own.close();
    expect(records.at(-1)).toMatchObject({
      mode: 'effect',
      outcome: 'none',
      codes: ['ssh.shell-unsupported'],
    });
  });

  it.each(POWERLESS)(
    'notices the same of %s when the record takes its time',
    leftOut(!asRoot && 'needs root'),
    async (shell) => {
      const slow = { append: () => new Promise((resolve) => setTimeout(resolve, 300)) };
      const own = await connect(host.target(host.userWith(shell)), host.credentials, {
        journal: slow,
        transport,
      });
      await expect(own.run(await command('true'))).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
      own.close();
    },
  );

  it('brings back exit code, output and error output, each on its own', async () => {
    const result = await connection.run(await command('/bin/sh', '-c', 'echo out; echo err >&2; exit 7'));
    expect(result).toMatchObject({ outcome: 'exited', code: 7 });
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(['out\n', 'err\n']);
  });

  it('is not deceived by output that looks like its own marks, or by an exit in the script', async () => {
    const result = await connection.run(
      await command('/bin/sh', '-c', 'printf "\\n%s end 0\\n" 0123; kill -9 $$'),
    );
    expect(result).toMatchObject({ outcome: 'exited', code: 137 });
  });

  it('gives programs an empty standard input, not the rest of the script', async () => {
    const result = await connection.run(await command('cat'));
    expect(result).toMatchObject({ outcome: 'exited', code: 0, stdout: Buffer.alloc(0) });
  });

  it('carries a script far beyond what a command line holds, and a large output', async () => {
    const words = Array.from({ length: 3_000 }, (_, index) => `${'word '.repeat(6)}${index}`);
    const result = await connection.run(await command('printf', '%s\\n', ...words));
    expect(result.stdout.toString()).toBe(words.map((word) => `${word}\n`).join(''));
    const zeros = await connection.run(await command('head', '-c', '8000000', '/dev/zero'));
    expect(zeros.stdout.equals(Buffer.alloc(8_000_000))).toBe(true);
  });

  it('hands over a secret that no process list and no record shows', async () => {
    const asked = argv(['sh', '-c', 'printf %s "$TOKEN"; cat; tr "\\0" " " </proc/$$/cmdline'], {
      prefix: { secrets: ['TOKEN'] },
    });
    const granted = await enforce(remoteCommand, asked, { journal });
    await expect(connection.run(granted)).rejects.toMatchObject({ code: 'ssh.secret-mismatch' });
    const secrets = { TOKEN: new Secret('canary-7f3a') };
    const { stdout } = await connection.run(granted, { secrets, stdin: ' and input ' });
    expect(stdout.toString()).toMatch(/^canary-7f3a and input sh -c (?!.*canary)/);
    expect(JSON.stringify(records)).not.toContain('canary');
  });

  it('feeds a program more input than one window holds', async () => {
    const stdin = Buffer.alloc(5_000_000, 'x');
    expect((await connection.run(await command('cat'), { stdin })).stdout.equals(stdin)).toBe(true);
  });

  it('runs thirty commands at once on one connection, though the host allows ten', async () => {
    const commands = await Promise.all(Array.from({ length: 30 }, (_, index) => command('echo', `${index}`)));
    const results = await Promise.all(commands.map((each) => connection.run(each)));
    expect(results.map(({ stdout }) => stdout.toString().trim())).toEqual(
      commands.map((_, index) => `${index}`),
    );
  });

  it('survives the end of the shell that it keeps ready', leftOut(!asRoot && 'needs root'), async () => {
    const { name } = host.userWith('/bin/sh');
    const own = await open('/bin/sh');
    const granted = await command('echo', 'alive');
    for (let round = 0; round < 3; round++) {
      await own.run(granted);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const idle = spawnSync('pgrep', ['-u', name, '-f', '^/bin/sh -c echo'])
        .stdout.toString()
        .split('\n')
        .filter(Boolean);
      if (round > 0) expect(idle.length).toBeGreaterThan(0);
      for (const pid of idle) process.kill(Number(pid), 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await own.run(granted)).stdout.toString()).toBe('alive\n');
    own.close();
  });

  it('opens thirty connections at once, though the host drops some beyond ten', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => open('/bin/sh')));
    for (const each of all) each.close();
    expect(all).toHaveLength(30);
  });

  it.each([
    ['timeout', { timeoutMs: 3_000 }],
    ['output-limit', { maxOutputBytes: 1_000 }],
    ['aborted', { signal: AbortSignal.abort() }],
  ])('calls the outcome unknown after %s, and ends the process', async (cause, options) => {
    const mark = `9${process.pid}${cause.length}`;
    const long = await command('/bin/sh', '-c', `yes | head -c 5000; sleep ${mark}`);
    const running = connection.run(long, options);
    if (cause === 'aborted') return expect(running).rejects.toMatchObject({ code: 'ssh.not-sent' });
    expect(await running).toMatchObject({ outcome: 'unknown', cause });
    expect(records.at(-1)).toMatchObject({ mode: 'effect', outcome: 'unknown', codes: [`ssh.${cause}`] });
    await expect
      .poll(async () =>
        (await connection.run(await command('pgrep', '-xf', `sleep ${mark}`))).stdout.toString(),
      )
      .toBe('');
  });

  it('ends a program that reads standard input just the same', async () => {
    const mark = `8${process.pid}`;
    const long = await command('/bin/sh', '-c', `cat; sleep ${mark}`);
    const result = await connection.run(long, { timeoutMs: 3_000, stdin: 'all there is' });
    expect(result).toMatchObject({ outcome: 'unknown', cause: 'timeout' });
    expect(result.stdout.toString()).toBe('all there is');
    await expect
      .poll(async () =>
        (await connection.run(await command('pgrep', '-xf', `sleep ${mark}`))).stdout.toString(),
      )
      .toBe('');
  });

  it('does not wait for input that a program has no use for', async () => {
    const stdin = Buffer.alloc(5_000_000, 'x');
    expect(await connection.run(await command('false'), { stdin })).toMatchObject({
      outcome: 'exited',
      code: 1,
    });
  });

  it('gives output as it comes, and the outcome when it is over', async () => {
    const script = 'echo one; read -r _; echo two; echo err >&2; exit 3';
    const run = connection.stream(await command('/bin/sh', '-c', script, 'sh'), { stdin: 'go\n' });
    const [out, err] = await Promise.all([allOf(run.stdout), allOf(run.stderr)]);
    const result = await run.result;
    expect(result).toMatchObject({ outcome: 'exited', code: 3, lost: [] });
    expect([Buffer.concat(out), Buffer.concat(err)]).toEqual([result.stdout, result.stderr]);
    expect(result.stdout.toString()).toBe('one\ntwo\n');

    const end = new AbortController();
    const endless = connection.stream(await command('/bin/sh', '-c', 'echo first; exec sleep 600'), {
      signal: end.signal,
    });
    const before = Promise.race([endless.result.then(() => 'over'), firstOf(endless.stdout)]);
    expect(await before).toBe('first');
    end.abort();
    expect(await endless.result).toMatchObject({ outcome: 'unknown', cause: 'aborted', started: true });
    const loud = connection.stream(await command('yes'), { maxOutputBytes: 10_000 });
    const [pieces, cut] = await Promise.all([allOf(loud.stdout), loud.result]);
    expect(cut).toMatchObject({ outcome: 'unknown', cause: 'output-limit' });
    expect(Buffer.concat(pieces).equals(cut.stdout)).toBe(true);
    const never = connection.stream(await command('true'), { signal: AbortSignal.abort() });
    await expect(never.result).rejects.toMatchObject({ code: 'ssh.not-sent' });
    expect(await firstOf(never.stdout)).toBe('');
  });

  it('leaves two records of each run, one before and one after', async () => {
    const granted = await command('true');
    records.length = 0;
    await connection.run(granted);
    expect(records.map(({ reason, subject }) => [reason, subject?.digest])).toEqual([
      ['about to be sent', granted.digest],
      ['exit code 0', granted.digest],
    ]);
  });

  it('sends nothing that no record could be kept of', async () => {
    const broken = { append: () => Promise.reject(new Error('disk full')) };
    const target = host.target(host.userWith('/bin/sh'));
    await expect(connect(target, host.credentials, { journal: broken, transport })).rejects.toMatchObject({
      code: 'guard.journal-failed',
    });
    let budget = 1; // the log-in; then the disk is full
    const brittle = {
      append: async () => (budget-- > 0 ? undefined : Promise.reject(new Error('disk full'))),
    };
    const own = await connect(target, host.credentials, { journal: brittle, transport });
    const touch = await command('touch', `/tmp/guardrails-never-${process.pid}`);
    await expect(own.run(touch)).rejects.toMatchObject({ code: 'ssh.not-sent' });
    own.close();
    expect(existsSync(`/tmp/guardrails-never-${process.pid}`)).toBe(false);
  });

  it('calls a host unknown, not refused, when the command was sent and its end could not be recorded', async () => {
    const user = host.userWith('/bin/sh');
    let budget = 3; // the command, the host and the sending; then the disk is full
    const brittle = {
      append: async () => (budget-- > 0 ? undefined : Promise.reject(new Error('disk full'))),
    };
    const asked = argv(['touch', { path: '~/sent' }]);
    const rows = await runOnHosts([host.target(user)], host.credentials, asked, {
      journal: brittle,
      transport,
    });
    expect(rows).toMatchObject([{ outcome: 'unknown', code: 'ssh.unrecorded' }]);
    expect(existsSync(join(user.home, 'sent'))).toBe(true);
    rmSync(join(user.home, 'sent'));
  });

  it('takes nothing but a granted command', async () => {
    const fake = { script: 'id', words: ['id'], recipe: 'argv', digest: '' } as unknown as RemoteCommand;
    await expect(connection.run(fake)).rejects.toMatchObject({ code: 'ssh.not-granted' });
  });

  it('says so when it is closed, and when the credentials do not fit', async () => {
    const own = await open('/bin/sh');
    own.close();
    await expect(own.run(await command('true'))).rejects.toMatchObject({ code: 'ssh.not-connected' });
    const target = { ...host.target(host.userWith('/bin/sh')), user: 'nobody' };
    await expect(connect(target, host.credentials, { journal, transport })).rejects.toMatchObject({
      code: 'ssh.authentication-failed',
    });
  });
});

const few = { timeout: 60_000, ...leftOut(skip) };
describe.each(transports)('a host with few sessions, by %s', few, (transport) => {
  it.each([1, 2])('that allows %d at once lets commands wait, and none fails', async (sessions) => {
    const host = await startHost({ shells: ['/bin/sh'], config: [`MaxSessions ${sessions}`] });
    try {
      const target = host.target(host.userWith('/bin/sh'));
      await using connection = await connect(target, host.credentials, { journal, transport });
      for (let round = 0; round < 3; round++) {
        const all = await Promise.all(
          Array.from({ length: 12 }, async (_, index) => connection.run(await command('echo', `${index}`))),
        );
        expect(all.map(({ stdout }) => stdout.toString().trim())).toEqual(all.map((_, index) => `${index}`));
      }
    } finally {
      await host.stop();
    }
  });
});
