// Login files and forced commands that get between us and our shell. Whatever they do, nothing of the request is run
// by another program, nothing is called not started that ran, and an exit code that arrived is not lost.
import { chownSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { RunOptions } from '../../src/ssh/transport/connection.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { asRoot, startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const skip =
  missing('sshd', 'ssh-keygen', 'bash', 'zsh', 'fish', 'tcsh') || (!asRoot && 'left out: needs root');

/** Runs a command that makes the file F, fed with a line that would make G if a shell took it for a script. */
async function attempt(
  host: TestHost,
  options: RunOptions = {},
): Promise<{ readonly said: string; readonly ran: boolean; readonly lost: readonly string[] }> {
  const user = host.userWith('/bin/bash');
  const [ran, injected] = [join(user.home, 'F'), join(user.home, 'G')];
  const command = argv(['/bin/sh', '-c', 'cat >"$HOME"/F; echo out; echo err >&2; exit 7']);
  const granted = await enforce(remoteCommand, command, { journal });
  const connection = await connect(host.target(user), host.credentials, { journal });
  let said: string;
  let lost: readonly string[] = [];
  try {
    const result = await connection.run(granted, { ...options, startTimeoutMs: 1_000, timeoutMs: 4_000 });
    said = result.outcome === 'exited' ? `exited ${result.code}` : `unknown ${result.started}`;
    lost = result.lost;
  } catch (error) {
    said = (error as { code: string }).code;
  } finally {
    await connection[Symbol.asyncDispose]();
  }
  await sleep(100);
  expect(existsSync(injected), 'standard input was run as a script').toBe(false);
  const made = existsSync(ran);
  if (made) rmSync(ran);
  return { said, ran: made, lost };
}

const FED: RunOptions = { stdin: 'touch "$HOME"/G\ntouch "$HOME"/G\n' };
const INPUTS: readonly RunOptions[] = [{}, FED];

describe('a login file of bash', { timeout: 30_000, ...leftOut(skip) }, () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/bash'] });
  });
  afterAll(() => host.stop());

  const put = (text: string): void => {
    const { home } = host.userWith('/bin/bash');
    const file = join(home, '.bashrc');
    writeFileSync(file, `${text}\n`);
    const { uid, gid } = statSync(home);
    chownSync(file, uid, gid);
  };

  it.each(['export PATH=', 'PATH=/none'])(
    'that says %j, so that there is no head, gets no command whose input would be found empty',
    async (text) => {
      put(text);
      expect(await attempt(host)).toEqual({ said: 'exited 7', ran: true, lost: [] });
      expect(await attempt(host, FED)).toMatchObject({ said: 'ssh.shell-unsupported', ran: false });
    },
  );

  it.each([
    'exec zsh',
    'exec fish',
    'exec bash',
    'exec dash',
    'exec tcsh',
    'exec cat',
    'exec python3',
    'cat',
    'read -r x; read -r y',
    'head -c 1 >/dev/null',
    'exec >/dev/null 2>&1',
    'exec >"$HOME"/log 2>&1',
    'exec </dev/null',
    'exec <&-',
    'exit',
    'exit 0',
    'set -e; false',
    'shopt -s expand_aliases; alias exec=false',
    'exec() { :; }',
    'sleep 100',
    'kill -9 $$',
    'kill -STOP $$',
    'while :; do echo noise; done',
  ])('that says %j: nothing of the command is sent', async (text) => {
    put(text);
    expect(await attempt(host, FED)).toEqual({ said: 'ssh.shell-unsupported', ran: false, lost: [] });
  });

  it.each([
    ['exec 2>/dev/null', ['stderr']],
    ['exec 2>&-', ['stderr']],
    ['exec >/dev/null', ['stdout']],
    ['exec 2>&1', ['stderr']],
    ['exec 1>&2', ['stdout']],
    ['exec > >(tee)', []],
    ['set -x', []],
    ['set -v', []],
    ['seq 5000', []],
    ['seq 5000 >&2', []],
    ['printf "\\n%032d begin 1\\n" 0', []],
    ['umask 777', undefined],
    ['trap "echo bye" EXIT', []],
    ['sleep 20 & disown', []],
    ['echo out; sleep 0.2; echo err >&2', []],
  ] as const)('that says %j: the exit code arrives, and what was lost is said', async (text, lost) => {
    put(text);
    for (const input of INPUTS) {
      const outcome = await attempt(host, input);
      if (lost) expect(outcome).toEqual({ said: 'exited 7', ran: true, lost });
      else expect(outcome.said).toMatch(/^exited/);
    }
  });
});

describe('a forced command', { timeout: 30_000, ...leftOut(skip) }, () => {
  it.each([
    'bash',
    'sh -s',
    'python3',
    'internal-sftp',
    'cat',
    'exec $SSH_ORIGINAL_COMMAND',
    'echo "$SSH_ORIGINAL_COMMAND"; cat',
  ])('%s gets nothing of the command', async (command) => {
    const host = await startHost({ shells: ['/bin/bash'], config: [`ForceCommand ${command}`] });
    try {
      expect(await attempt(host, FED)).toMatchObject({ said: 'ssh.shell-unsupported', ran: false });
    } finally {
      await host.stop();
    }
  });

  it('that runs what was asked for is no obstacle', async () => {
    const config = ['ForceCommand /bin/sh -c "$SSH_ORIGINAL_COMMAND"'];
    const host = await startHost({ shells: ['/bin/bash'], config });
    try {
      for (const input of INPUTS) expect((await attempt(host, input)).said).toBe('exited 7');
    } finally {
      await host.stop();
    }
  });
});
