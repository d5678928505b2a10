// Drills that two processes share leave one journal and print what one process would; either of them may end before its time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { guardrails, MAIN, scratch } from './run-cli.ts';

const GUARDS = ['routes', 'bind', 'service-health', 'agilab-settings', 'gap-register'];
const isShared = availableParallelism() > 1;

function place(): string {
  const made = scratch();
  onTestFinished(() => made.remove());
  return made.directory;
}

const recordsIn = (directory: string): readonly { readonly guard?: { readonly id: string } }[] => {
  const journal = join(directory, '.guardrails/journal');
  const segments = readdirSync(journal).filter((name) => name.endsWith('.jsonl'));
  const lines = segments.flatMap((name) => readFileSync(join(journal, name), 'utf8').trimEnd().split('\n'));
  return lines.map((line) => JSON.parse(line));
};

it('leaves each record in one journal, prints them in the order of the guards, and holds each process to a drill that must fail', () => {
  const directory = place();
  const { code, stdout, stderr } = guardrails(['drill', ...GUARDS, '--mutants', '--json'], directory);
  expect({ code, stderr: stderr.split('\n').length }).toEqual({ code: 0, stderr: 2 }); // of the key that was made
  const { drills, mutants } = JSON.parse(stdout);
  for (const told of [drills, mutants])
    expect([...new Set(told.map(({ guard }: { guard: string }) => guard))]).toEqual(GUARDS);
  expect(drills.every(({ passed }: { passed: boolean }) => passed)).toBe(true);

  const records = recordsIn(directory);
  const by = (id: string): number => records.filter(({ guard }) => guard?.id === id).length;
  expect(by('canary')).toBe(isShared ? 2 : 1);
  for (const id of GUARDS) {
    const told = [...drills, ...mutants].filter(({ guard }: { guard: string }) => guard === id);
    expect(by(id)).toBe(told.length);
  }
  expect(guardrails(['verify'], directory).code).toBe(0);
}, 120_000);

it('is asked for by another process alone', () => {
  const directory = place();
  const { code, stderr } = guardrails(['drill', '--second'], directory);
  expect(code).toBe(2);
  expect(stderr).toContain('usage.no-parent');
  expect(existsSync(join(directory, '.guardrails'))).toBe(false);
});

/** Starts all drills in a process group of their own; returns it, the second process, and where they build. */
async function started(): Promise<{
  child: ReturnType<typeof spawn>;
  second: number;
  said: () => string;
}> {
  const temporary = place();
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [MAIN, 'drill'], {
    cwd: place(),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.stdout?.resume();
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  const second = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--second'));
  return { child, second: second ?? 0, said: () => text };
}

it.runIf(isShared && existsSync('/proc/self/task'))(
  'says so where the second process is killed, and seals what was recorded',
  async () => {
    const { child, second, said } = await started();
    process.kill(second, 'SIGKILL');
    const [code] = await once(child, 'exit');
    expect(code).toBe(2);
    expect(said()).toContain('drill.second-process');
  },
  120_000,
);

it.runIf(isShared && existsSync('/proc/self/task'))(
  'takes down what the second process built when the first is killed',
  async () => {
    const { child, second } = await started();
    process.kill(child.pid ?? 0, 'SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => existsSync(`/proc/${second}`), { timeout: 60_000 }).toBe(false);
  },
  120_000,
);
