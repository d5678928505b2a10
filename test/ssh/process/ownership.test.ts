// Process ownership on this machine, under every /bin/sh there is: start, look, stop, and all that must be left alone.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTickOf } from '../../../src/evidence/identity.ts';
import { localShell, newToken, ownedBy, startedPid } from '../../../src/ssh/process/ownership.ts';
import { parseOwnerRecord } from '../../../src/ssh/process/ownership-record.ts';
import { OWNERSHIP_SCRIPT } from '../../../src/ssh/process/ownership-script.ts';
import { stopProcess } from '../../../src/ssh/process/process-stop.ts';
import { missing } from '../support.ts';

const journal = { append: async (): Promise<void> => {} };
const HOSTILE = 'it\'s "x" $(touch PWN) `id` \\ !! *\nnl; é';
let top = '';
let directory = '';
let token = '';
const started: number[] = [];

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'ownership-'));
  directory = join(top, HOSTILE);
  mkdirSync(directory);
  token = newToken();
});
afterEach(async () => {
  for (const pid of started.splice(0)) if (startTickOf(pid) !== undefined) process.kill(-pid, 'SIGKILL');
  await rm(top, { recursive: true, force: true });
});

const at = (name: string): string => join(directory, name);
/** Starts a program owned, by the given shell, and returns what was printed. */
function start(program: readonly string[], shell: readonly string[] = ['/bin/sh'], agilab = false): string {
  const target = agilab ? { agilab: { record: at('dask.pid'), target: directory } } : {};
  const words = ownedBy({ record: at('owner'), token, log: at('log'), ...target });
  const [, , , ...args] = words.map((word) => (typeof word === 'string' ? word : word.path));
  const [sh = '', ...flags] = shell;
  const { stdout } = spawnSync(sh, [...flags, '-c', OWNERSHIP_SCRIPT, ...args, ...program], {
    timeout: 20_000,
  });
  const output = stdout.toString();
  if (output.startsWith('started')) started.push(startedPid(output));
  return output;
}
const stop = (graceSeconds = 5): ReturnType<typeof stopProcess> =>
  stopProcess(localShell, { record: at('owner'), owner: { token } }, { journal, graceSeconds });
async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((done) => child.once('exit', done));
}

const SHELLS = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'ash'],
  ['mksh'],
  ['zsh', '--emulate', 'sh'],
  ['posh'],
];
describe.skipIf(missing('setsid'))('an owned process', () => {
  it.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))(
    'starts and stops under %s',
    async (_, shell) => {
      if (missing(shell[0] ?? '')) return;
      const pid = startedPid(start(['sleep', '600'], shell));
      expect(parseOwnerRecord(readFileSync(at('owner'), 'utf8').trim())).toMatchObject({ pid, token });
      expect(start(['sleep', '600'], shell)).toBe('refused busy\n');
      expect((await stop()).by).toBe('TERM');
      expect(startTickOf(pid)).toBeUndefined();
      expect(existsSync(at('owner'))).toBe(false);
    },
  );

  it('gets one TERM and the time to clean up', async () => {
    const trap =
      'n=0; trap "n=$((n+1))" TERM; while [ $n = 0 ]; do sleep 0.1; done; sleep 1; echo "terms $n"';
    start(['sh', '-c', trap]);
    expect(await stop()).toMatchObject({ by: 'TERM', leftAlone: [] });
    expect(readFileSync(at('log'), 'utf8')).toContain('terms 1\n');
  });

  it('is killed with its whole session when it ignores TERM', { timeout: 30_000 }, async () => {
    start(['sh', '-c', 'trap "" TERM; sleep 601 & sleep 602 & echo "$!"; while :; do sleep 603; done']);
    while (!readFileSync(at('log'), 'utf8').includes('\n')) await new Promise((done) => setTimeout(done, 20));
    const child = Number(readFileSync(at('log'), 'utf8'));
    expect(await stop(1)).toMatchObject({ by: 'KILL', leftAlone: [] });
    expect(startTickOf(child)).toBeUndefined();
  });

  it('takes the record over from a process that has ended, and from nobody else', () => {
    const first = start(['true']);
    expect(first).toMatch(/^started/);
    while (startTickOf(startedPid(first)) !== undefined) spawnSync('sleep', ['0.02']);
    expect(start(['sleep', '600'])).toMatch(/^started/);
    const line = readFileSync(at('owner'), 'utf8');
    writeFileSync(at('owner'), line.replace(/ [0-9a-f-]{36} /, ' 00000000-0000-4000-8000-000000000000 '));
    expect(start(['sleep', '600'])).toBe('refused busy\n');
    rmSync(at('owner'));
    mkdirSync(at('owner'));
    expect(start(['sleep', '600'])).toBe('refused busy\n');
  });

  it('lets exactly one of two simultaneous starts win', async () => {
    const [, , , ...args] = ownedBy({ record: at('owner'), token, log: at('log') }).map((word) =>
      typeof word === 'string' ? word : word.path,
    );
    const outputs: string[] = [];
    const children = Array.from({ length: 6 }, () => {
      const child = spawn('/bin/sh', ['-c', OWNERSHIP_SCRIPT, ...args, 'sleep', '600'], { stdio: 'pipe' });
      child.stdout.on('data', (bytes: Buffer) => outputs.push(bytes.toString()));
      return child;
    });
    await Promise.all(children.map(gone));
    const winners = outputs.filter((output) => output.startsWith('started'));
    for (const winner of winners) started.push(startedPid(winner));
    expect(winners).toHaveLength(1);
  });

  it('also has a record that Python reads as AGILAB does', async () => {
    const pid = startedPid(start(['sleep', '600'], ['/bin/sh'], true));
    const text = readFileSync(at('dask.pid'), 'utf8');
    const python =
      'import json,sys; d=json.load(open(sys.argv[1])); print(json.dumps(d, indent=2, sort_keys=True))';
    const { status, stdout } = spawnSync('python3', ['-c', python, at('dask.pid')]);
    if (status !== null) expect(stdout.toString()).toBe(text);
    expect(parseOwnerRecord(text)).toMatchObject({ kind: 'agilab', pid, target: directory });
    const asked = { record: at('dask.pid'), owner: { target: directory } };
    expect((await stopProcess(localShell, asked, { journal, graceSeconds: 5 })).by).toBe('TERM');
  });

  it.each([
    ['refused record', { record: '/nowhere/owner' }],
    ['refused log', { log: '/nowhere/log' }],
    ['refused record', { agilab: { record: '/nowhere/dask.pid', target: '/w' } }],
  ])('says %s instead of starting, and leaves nothing', (answer, change) => {
    const [, , , ...args] = ownedBy({ record: at('owner'), token, log: at('log'), ...change }).map((word) =>
      typeof word === 'string' ? word : word.path,
    );
    const { stdout } = spawnSync('/bin/sh', ['-c', OWNERSHIP_SCRIPT, ...args, 'sleep', '600'], {
      timeout: 20_000,
    });
    expect(stdout.toString()).toBe(`${answer}\n`);
    expect(readdirSync(directory).filter((name) => name !== 'log')).toEqual([]);
  });

  it('writes its AGILAB record over a link, not through it', () => {
    writeFileSync(at('precious'), 'keep');
    symlinkSync(at('precious'), at('dask.pid'));
    startedPid(start(['sleep', '600'], ['/bin/sh'], true));
    expect(readFileSync(at('precious'), 'utf8')).toBe('keep');
    expect(parseOwnerRecord(readFileSync(at('dask.pid'), 'utf8'))).toMatchObject({ kind: 'agilab' });
  });

  it('is left alone by an action that does not know its token', async () => {
    const pid = startedPid(start(['sleep', '600']));
    const asked = { record: at('owner'), owner: { token: newToken() } };
    await expect(stopProcess(localShell, asked, { journal })).rejects.toMatchObject({
      code: 'process-stop.foreign',
    });
    expect(startTickOf(pid)).toBeDefined();
  });

  it('may have a name made to confuse readers of /proc', async () => {
    const liar = `import ctypes,time; ctypes.CDLL(None).prctl(15, b') Z 1\\n2 (', 0, 0, 0); time.sleep(600)`;
    if (missing('python3')) return;
    start(['python3', '-c', liar]);
    await new Promise((done) => setTimeout(done, 500));
    expect((await stop()).by).toBe('TERM');
  });
});

// The real thing: an own pid namespace in which the kernel is told which pid comes next.
it.skipIf(process.getuid?.() !== 0 || missing('unshare', 'setsid'))(
  'spares the process that got its pid',
  async () => {
    const script = `
    set -e
    ${'sh -c "$OWN" guardrails start "$D/owner" "$T" "$D/log" "" "" sleep 600'}
    read -r k boot ns pid tick rest <"$D/owner"
    kill -9 "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done; sleep 0.1
    echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
    sleep 601 &
    echo "reused $! $pid"
    sh -c "$OWN" guardrails look "$D/owner"
    echo ---
    sh -c "$OWN" guardrails stop "$D/owner" "$boot" "$ns" "$pid" "$tick" 0 "$T" 1
    kill -0 "$!" && echo survived
    kill -9 "$!"`;
    const { stdout } = spawnSync(
      'unshare',
      ['--pid', '--mount', '--fork', '--mount-proc', 'sh', '-c', script],
      {
        env: { ...process.env, OWN: OWNERSHIP_SCRIPT, D: directory, T: token },
        timeout: 20_000,
      },
    );
    const [looked = '', stopped] = stdout.toString().split('---\n');
    const [, theirs, ours] = /^reused ([0-9]+) ([0-9]+)$/m.exec(looked) ?? [];
    expect(theirs).toBe(ours);
    expect(looked).toMatch(new RegExp(`^process ${ours} `, 'm'));
    expect(stopped).toBe('ended gone\nsurvived\n');
  },
);
