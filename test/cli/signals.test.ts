// A signal ends a drill run in order: what was built is taken down, the journal is sealed and unlocked, and the process
// ends by that signal. Sent to the process alone and, as a terminal does, to its group; and twice, as npm does.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { MAIN } from './run-cli.ts';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** What is left in the directory for temporary files. */
  readonly left: readonly string[];
  /** What is left in the journal's directory. */
  readonly journal: readonly string[];
  /** Processes of the group that still run. */
  readonly group: string;
}

/** Runs every drill, and sends signals once some have been printed while a state of another is built. */
async function interrupted(signal: NodeJS.Signals, whole: boolean): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), 'signals-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const env = { ...process.env, TMPDIR: directory };
  const child = spawn(process.execPath, [MAIN, '--dir', join(directory, 'state'), 'drill'], {
    env,
    detached: true, // a group of its own
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  const send = (): void => {
    try {
      process.kill(whole ? -pid : pid, signal);
    } catch {} // it has ended
  };
  let lines = 0;
  let sent = false;
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    lines += String(chunk).split('\n').length - 1;
    if (sent || lines < 10 || readdirSync(directory).length < 2) return;
    sent = true;
    send();
    setTimeout(send, 200);
  });
  const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((done) =>
    child.once('close', (...ending) => done(ending)),
  );
  const group = spawnSync('sh', [
    '-c',
    `ps -o stat= -o args= -g ${pid} 2>/dev/null | grep -v ^Z || true`,
  ]).stdout;
  return {
    code,
    signal: by,
    stderr,
    left: readdirSync(directory),
    journal: readdirSync(join(directory, 'state/journal')),
    group: String(group).trim(),
  };
}

it.each([
  ['SIGINT', false],
  ['SIGTERM', false],
  ['SIGHUP', false],
  ['SIGINT', true],
  ['SIGTERM', true],
] as [NodeJS.Signals, boolean][])(
  '%s leaves no directory, no lock and no process behind (to the whole group: %s)',
  { timeout: 60_000 },
  async (signal, whole) => {
    const ended = await interrupted(signal, whole);
    expect(ended).toMatchObject({ code: null, signal, left: ['state'], group: '' });
    expect(ended.journal).toContain('checkpoint');
    expect(ended.journal.filter((name) => name.startsWith('lock'))).toEqual([]);
    expect(ended.stderr).toContain(`stopped by ${signal}`);
  },
);

it('ends by exit code where it is the first process of a container (needs root and unshare)', async (context) => {
  const possible = process.getuid?.() === 0 && spawnSync('unshare', ['-fp', 'true']).status === 0;
  if (!possible) context.skip('not root, or no pid namespaces');
  const directory = mkdtempSync(join(tmpdir(), 'signals-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  // The shell outside sends the signal to the first process inside, once that has begun.
  const script = `unshare -fp "$@" & sleep 0.2
    until grep -q "journal: " "$D/out" 2>/dev/null; do sleep 0.1; done
    kill -TERM $(ps -o pid= --ppid $!); wait $!`;
  const argv = [process.execPath, MAIN, '--dir', join(directory, 'state'), 'drill'];
  const { status } = spawnSync('sh', ['-c', `exec >"$D/out" 2>&1; ${script}`, 'sh', ...argv], {
    env: { ...process.env, TMPDIR: directory, D: directory },
  });
  expect(status).toBe(143);
});
