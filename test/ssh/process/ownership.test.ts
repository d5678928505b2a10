// Process ownership on this machine, under every /bin/sh there is: start, look, stop, and all that must be left alone.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
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
import { leftOut } from '../../left-out.ts';
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
  for (const pid of started.splice(0)) spawnSync('pkill', ['-KILL', '-s', `${pid}`]);
  // Empty once the last of its processes has ended.
  const cgroup = ['/sys/fs/cgroup', '-depth', '-name', `guardrails-${token}*`];
  for (let patience = 100; patience > 0; patience -= 1) {
    spawnSync('find', [...cgroup, '-type', 'd', '-exec', 'rmdir', '{}', ';']);
    if (spawnSync('find', cgroup).stdout.length === 0) break;
    await sleepFor(20);
  }
  await rm(top, { recursive: true, force: true });
});

const at = (name: string): string => join(directory, name);
/** Arguments of the script, its name included, for a start with some settings of its own. */
function startArgs(change: object = {}): string[] {
  const words = ownedBy({ record: at('owner'), token, log: at('log'), ...change });
  return words.slice(3).map((word) => (typeof word === 'string' ? word : word.path));
}
/** Starts a program owned, by the given shell, and returns what was printed. */
function start(program: readonly string[], shell: readonly string[] = ['/bin/sh'], agilab = false): string {
  const target = agilab ? { agilab: { record: at('dask.pid'), target: directory } } : {};
  const [sh = '', ...flags] = shell;
  const args = [...flags, '-c', OWNERSHIP_SCRIPT, ...startArgs(target), ...program];
  const { stdout } = spawnSync(sh, args, { timeout: 20_000 });
  const output = stdout.toString();
  if (output.startsWith('started')) started.push(startedPid(output));
  return output;
}
const stop = (graceSeconds = 5, shell = localShell): ReturnType<typeof stopProcess> =>
  stopProcess(shell, { record: at('owner'), owner: { token } }, { journal, graceSeconds });
const sleepFor = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
/** The pids that a program of ours wrote into its log, once there are `count` of them. */
async function logged(count: number): Promise<number[]> {
  for (;;) {
    const lines = existsSync(at('log')) ? readFileSync(at('log'), 'utf8').split('\n').slice(0, -1) : [];
    if (lines.length >= count) return lines.map(Number);
    await sleepFor(20);
  }
}
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
describe('an owned process', leftOut(missing('setsid')), () => {
  for (const shell of SHELLS)
    it(`starts and stops under ${shell.join(' ')}`, leftOut(missing(shell[0] ?? '')), async () => {
      const pid = startedPid(start(['sleep', '600'], shell));
      expect(parseOwnerRecord(readFileSync(at('owner'), 'utf8').trim())).toMatchObject({ pid, token });
      expect(start(['sleep', '600'], shell)).toBe('refused busy\n');
      expect((await stop()).by).toBe('TERM');
      expect(startTickOf(pid)).toBeUndefined();
      expect(existsSync(at('owner'))).toBe(false);
    });

  it('gets one TERM and the time to clean up', async () => {
    const trap =
      'n=0; trap "n=\\$((n+1))" TERM; while [ $n = 0 ]; do sleep 0.1; done; sleep 1; echo "terms $n"';
    start(['sh', '-c', trap]);
    expect(await stop()).toMatchObject({ by: 'TERM', leftAlone: [] });
    expect(readFileSync(at('log'), 'utf8')).toContain('terms 1\n');
  });

  it('has the locale and the mask of its caller', async () => {
    const mask = spawnSync('sh', ['-c', 'umask']).stdout.toString();
    const say = 'umask; printenv LC_ALL || echo none; exec sleep 600'; // no child that starts while it is being stopped
    for (const locale of ['C.UTF-8', undefined]) {
      const env = { ...process.env, ...(locale ? { LC_ALL: locale } : {}) };
      if (locale === undefined) delete env['LC_ALL'];
      const args = ['-c', OWNERSHIP_SCRIPT, ...startArgs(), 'sh', '-c', say];
      const output = spawnSync('/bin/sh', args, { env, timeout: 20_000 }).stdout.toString();
      started.push(startedPid(output));
      await logged(2);
      expect(readFileSync(at('log'), 'utf8')).toBe(`${mask}${locale ?? 'none'}\n`);
      await stop();
      rmSync(at('log'));
    }
  });

  it('is killed with its whole session when it ignores TERM', { timeout: 30_000 }, async () => {
    start(['sh', '-c', 'trap "" TERM; sleep 601 & sleep 602 & echo "$!"; while :; do sleep 603; done']);
    const [child = 0] = await logged(1);
    expect(await stop(1)).toMatchObject({ by: 'KILL', leftAlone: [] });
    expect(startTickOf(child)).toBeUndefined();
  });

  it('takes the record over from a process that has ended, and from nobody else', () => {
    const first = start(['sleep', '0.5']);
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
    const args = startArgs();
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
    const { stdout } = spawnSync('/bin/sh', ['-c', OWNERSHIP_SCRIPT, ...startArgs(change), 'sleep', '600'], {
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

  it('may have a name made to confuse readers of /proc', leftOut(missing('python3')), async () => {
    const liar = `import ctypes,time; ctypes.CDLL(None).prctl(15, b') Z 1\\n2 (', 0, 0, 0); time.sleep(600)`;
    start(['python3', '-c', liar]);
    await new Promise((done) => setTimeout(done, 500));
    expect((await stop()).by).toBe('TERM');
  });
});

describe('a start that did not start', leftOut(missing('setsid')), () => {
  for (const shell of SHELLS)
    it(`says so under ${shell.join(' ')}`, leftOut(missing(shell[0] ?? '')), () => {
      writeFileSync(at('plain'), 'x');
      writeFileSync(at('bad'), '#!/no/interpreter\n', { mode: 0o755 });
      writeFileSync(at('broken'), '\x7fELF broken', { mode: 0o755 });
      expect(start([at('no such program')], shell)).toBe('ended 127\n');
      expect(start([at('plain')], shell)).toBe('ended 126\n');
      expect(start([at('bad')], shell)).toMatch(/^ended 12[67]\n$/);
      expect(start([at('broken')], shell)).toMatch(/^ended (126|127|2)\n$/);
      expect(start(['sh', '-c', 'exit 7'], shell)).toMatch(/^(ended 7|started .*)\n$/);
      expect(readdirSync(directory).filter((name) => name.startsWith('owner.'))).toEqual([]);
    });

  it('is an error with its exit code', () => {
    expect(() => startedPid(start(['/no/such/program']))).toThrow(
      expect.objectContaining({ code: 'ownership.ended', message: expect.stringContaining('exit code 127') }),
    );
    expect(existsSync(at('owner'))).toBe(false);
  });

  it('is told from one that hides its environment', async () => {
    startedPid(start(['env', '-i', '/bin/sleep', '600']));
    expect((await stop()).by).toBe('TERM');
  });

  it.each([
    ['a link', (log: string) => symlinkSync(at('precious'), log)],
    ['a FIFO', (log: string) => spawnSync('mkfifo', [log])],
    ['a directory', (log: string) => mkdirSync(log)],
  ])('does not write into a log that is %s', (_what, plant) => {
    writeFileSync(at('precious'), 'keep');
    plant(at('log'));
    expect(start(['echo', 'x'])).toBe('refused log\n');
    expect(readFileSync(at('precious'), 'utf8')).toBe('keep');
    expect(existsSync(at('owner'))).toBe(false);
  });

  it('makes no file where a link of its log’s name leads', () => {
    symlinkSync(at('elsewhere'), at('log'));
    expect(start(['echo', 'x'])).toBe('refused log\n');
    expect(existsSync(at('elsewhere'))).toBe(false);
  });

  it('keeps its record for what it left running', async () => {
    expect(start(['sh', '-c', 'sleep 601 & echo $!'])).toMatch(/^(ended 0|started .*)\n$/);
    const [child = 0] = await logged(1);
    expect((await stop()).by).toBe('TERM');
    expect(startTickOf(child)).toBeUndefined();
  });

  /** Starts with a log below `link/to`, where `link` leads to `away` and `to` to the directory beside it, `real`. */
  function startBelowLinks(shell: string, shape: () => void): string {
    mkdirSync(at('real'));
    mkdirSync(at('away'));
    symlinkSync('away/', at('link'));
    symlinkSync('.././away/../real', join(at('away'), 'to'));
    shape();
    const log = join(at('link'), 'to', '.', 'log');
    const args = ['-c', OWNERSHIP_SCRIPT, ...startArgs({ log }), 'sleep', '600'];
    const output = spawnSync(shell, args, { timeout: 20_000 }).stdout.toString();
    if (output.startsWith('started')) started.push(startedPid(output));
    return output;
  }

  it.each(['dash', 'bash'])('follows links above its log that are the operator’s own, in %s', (shell) => {
    expect(startBelowLinks(shell, () => undefined)).toMatch(/^started /);
    expect(existsSync(join(at('real'), 'log'))).toBe(true);
  });

  it.each([
    ['a link', () => at('link')],
    ['a link behind a link', () => join(at('away'), 'to')],
  ])(
    'follows no link above its log that somebody else made: %s',
    leftOut(process.getuid?.() !== 0 && 'only root makes a link of somebody else'),
    (_what, link) => {
      expect(startBelowLinks('/bin/sh', () => lchownSync(link(), 65_534, 65_534))).toBe('refused log\n');
      expect(existsSync(join(at('real'), 'log'))).toBe(false);
      expect(existsSync(at('owner'))).toBe(false);
    },
  );

  it('follows no links above its log that go in a circle', () => {
    const circle = (): void => {
      rmSync(join(at('away'), 'to'));
      symlinkSync('to', join(at('away'), 'to'));
    };
    expect(startBelowLinks('/bin/sh', circle)).toBe('refused log\n');
  });
});

/** The script in a mount namespace of its own, where some other cgroups are there. */
function withMounts(change: string): typeof localShell {
  return async (args) => {
    const words = args.map((word) => (typeof word === 'string' ? word : word.path));
    const run = `${change} && exec /bin/sh -c "$0" guardrails "$@"`;
    const child = spawn('unshare', ['--mount', 'sh', '-c', run, OWNERSHIP_SCRIPT, ...words]);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await new Promise((done) => child.once('close', done));
    return output;
  };
}
const isRoot = process.getuid?.() === 0;
const withoutCgroups = isRoot ? withMounts('mount -t tmpfs none /sys/fs/cgroup') : localShell;
const noCgroups = ((): string | false => {
  const root = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
    existsSync(join(path, 'cgroup.procs')),
  );
  if (!isRoot || !root) return 'needs root and cgroups';
  try {
    mkdirSync(join(root, 'guardrails-probe'));
    rmdirSync(join(root, 'guardrails-probe'));
    return false;
  } catch {
    return 'no cgroup can be made here';
  }
})();

const WAYS = [['token', withoutCgroups], ...(noCgroups ? [] : ([['cgroup', localShell]] as const))] as const;
describe.each(WAYS)('a set that is known by its %s', leftOut(missing('setsid', 'unshare')), (way, shell) => {
  /** Starts a shell program and returns the pids that it printed. */
  async function family(program: string, count: number): Promise<number[]> {
    const args = startArgs()
      .slice(1)
      .map((word) => (word.startsWith(directory) ? { path: word } : word));
    started.push(startedPid(await shell([...args, 'sh', '-c', program])));
    return logged(count);
  }
  const living = (pids: readonly number[]): number[] => pids.filter((pid) => startTickOf(pid) !== undefined);

  it('includes children in sessions of their own', { timeout: 30_000 }, async () => {
    const pids = await family('setsid sleep 601 & echo $!; (setsid sleep 602 & echo $!); sleep 603', 2);
    expect(await stop(1, shell)).toEqual({
      by: 'KILL',
      seconds: expect.any(Number),
      method: way,
      leftAlone: [],
    });
    expect(living(pids)).toEqual([]);
  });

  it('is not gone with its leader', { timeout: 30_000 }, async () => {
    const pids = await family('sleep 601 & echo $!; echo $$; wait', 2);
    process.kill(pids[1] ?? 0, 'SIGKILL');
    while (startTickOf(pids[1] ?? 0) !== undefined) await sleepFor(20);
    expect(start(['sleep', '600'])).toBe('refused busy\n');
    expect(await stop(5, shell)).toMatchObject({ by: 'TERM', method: way });
    expect(living(pids)).toEqual([]);
    expect(existsSync(at('owner'))).toBe(false);
  });

  it('has a session that is known while its leader lives, whatever is in the environment', {
    timeout: 30_000,
  }, async () => {
    const pids = await family('env -i sleep 601 & echo $!; exec sleep 600', 1);
    expect(await stop(1, shell)).toMatchObject({ by: 'KILL', leftAlone: [] });
    expect(living(pids)).toEqual([]);
  });

  it('is found whole when it multiplies', { timeout: 60_000 }, async () => {
    const storm =
      'trap "" TERM; n=0; while [ $n -lt 60 ]; do setsid sh -c "sleep 0.05; setsid sleep 604 & sleep 605" & n=$((n+1)); done; echo 1; wait; sleep 600';
    await family(storm, 1);
    expect((await stop(1, shell)).by).toBe('KILL');
    const carries = spawnSync('sh', ['-c', `grep -lzFx "GUARDRAILS_OWNER=${token}" /proc/[0-9]*/environ`]);
    expect(carries.stdout.toString()).toBe('');
  });

  it('gets one TERM from two stops at once', { timeout: 30_000 }, async () => {
    await family(
      'n=0; trap "n=\\$((n+1))" TERM; echo 1; while [ $n = 0 ]; do sleep 0.1; done; sleep 2; echo $n',
      1,
    );
    const both = await Promise.all([stop(8, shell), stop(8, shell)]);
    expect(both.map(({ by }) => by)).toEqual(['TERM', 'TERM']);
    expect(await logged(2)).toEqual([1, 1]);
    expect(readdirSync(directory).filter((name) => name.startsWith('owner'))).toEqual([]);
  });
});

it.each([
  ['version 1', 'umount /sys/fs/cgroup/unified'],
  ['version 2 alone', 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup'],
])(
  'is known by a cgroup of %s',
  {
    timeout: 30_000,
    ...leftOut(
      missing('setsid', 'unshare') ||
        noCgroups ||
        (!existsSync('/sys/fs/cgroup/unified') && 'no cgroups of both versions'),
    ),
  },
  async (_version, change) => {
    const shell = withMounts(change);
    const args = startArgs()
      .slice(1)
      .map((word) => (word.startsWith(directory) ? { path: word } : word));
    started.push(
      startedPid(await shell([...args, 'sh', '-c', 'setsid sleep 601 & echo $!; exec sleep 602'])),
    );
    const [child = 0] = await logged(1);
    expect(await stop(1, shell)).toMatchObject({ by: 'KILL', method: 'cgroup' });
    expect(startTickOf(child)).toBeUndefined();
  },
);

// systemd itself does not run here. The stand-in does what `systemd-run --scope` does: it makes the scope, enters it and
// becomes the command.
const SYSTEMD_RUN = `#!/bin/sh
while [ "$1" != -- ]; do
  case $1 in --unit=*) scope=${'$'}{CGROUPS:?}/${'$'}{1#--unit=}.slice/${'$'}{1#--unit=}.scope ;; esac
  shift
done
shift
[ -z "${'$'}{scope:-}" ] || { mkdir -p "$scope" && echo 0 >"$scope/cgroup.procs" || exit 1; }
exec "$@"
`;
it('is known by the scope of a user manager where no cgroup can be made', {
  timeout: 30_000,
  ...leftOut(
    missing('setsid', 'unshare', 'python3') ||
      noCgroups ||
      (!existsSync('/var/lib/systemd') && 'no /var/lib/systemd'),
  ),
}, async () => {
  const [bin, cgroups] = [join(top, 'bin'), join(top, 'cgroups')];
  mkdirSync(bin);
  mkdirSync(cgroups);
  writeFileSync(join(bin, 'systemd-run'), SYSTEMD_RUN, { mode: 0o755 });
  const shell = withMounts(
    [
      `mount -t cgroup2 none ${cgroups} && umount -R /sys/fs/cgroup && mount --bind ${cgroups} /sys/fs/cgroup`,
      'mount -o remount,bind,ro /sys/fs/cgroup && mount -t tmpfs none /run && mount -t tmpfs none /var/lib/systemd',
      'mkdir -p /run/systemd/system /run/user/0/systemd /var/lib/systemd/linger && : >/var/lib/systemd/linger/root',
      `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/user/0/systemd/private")'`,
      `PATH=${bin}:$PATH CGROUPS=${cgroups} && export PATH CGROUPS`,
    ].join(' && '),
  );
  const args = startArgs()
    .slice(1)
    .map((word) => (word.startsWith(directory) ? { path: word } : word));
  started.push(startedPid(await shell([...args, 'sh', '-c', 'setsid sleep 601 & echo $!; exec sleep 602'])));
  const [child = 0] = await logged(1);
  expect(readFileSync(at('owner'), 'utf8')).toContain(`.slice/guardrails-${token}.scope\n`);
  expect(await stop(1, shell)).toMatchObject({ by: 'KILL', method: 'cgroup' });
  expect(startTickOf(child)).toBeUndefined();
});

it('finds in its cgroup what hides from token and session', {
  timeout: 30_000,
  ...leftOut(missing('setsid') || noCgroups),
}, async () => {
  startedPid(start(['sh', '-c', 'env -i setsid sh -c "sleep 601 & echo \\$!; sleep 602" & exec sleep 603']));
  const [hidden = 0] = await logged(1);
  expect(await stop(1)).toMatchObject({ by: 'KILL', method: 'cgroup' });
  expect(startTickOf(hidden)).toBeUndefined();
});

it('takes no directory for a cgroup that start did not make', leftOut(missing('setsid')), async () => {
  const innocent = spawn('sleep', ['601'], { stdio: 'ignore', detached: true });
  started.push(innocent.pid ?? 0);
  const pid = startedPid(start(['sleep', '600']));
  const fake = join(top, `guardrails-${token}`);
  mkdirSync(fake);
  writeFileSync(join(fake, 'cgroup.procs'), `${innocent.pid}\n`);
  const [, boot = '', namespace = '', , tick = '', uid = ''] = readFileSync(at('owner'), 'utf8').split(' ');
  const identity = [boot, namespace, `${pid}`, tick, uid, token];
  const args = ['-c', OWNERSHIP_SCRIPT, 'guardrails', 'stop', at('owner'), ...identity, fake, '1'];
  const { stdout } = spawnSync('/bin/sh', args, { timeout: 20_000 });
  expect(stdout.toString()).toMatch(/^ended TERM [0-9]+ token\n$/);
  expect(startTickOf(innocent.pid ?? 0)).toBeDefined();
});

it.each([0, 0.5, -1, 1.5, Number.NaN, 301])('a stop with %d seconds of grace is refused', async (grace) => {
  const pid = startedPid(start(['sleep', '600']));
  await expect(stop(grace)).rejects.toMatchObject({ name: 'GuardRefusal' });
  expect(startTickOf(pid)).toBeDefined();
});

// The real thing: an own pid namespace in which the kernel is told which pid comes next.
it(
  'spares the process that got its pid',
  leftOut((process.getuid?.() !== 0 && 'needs root') || missing('unshare', 'setsid')),
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
    sh -c "$OWN" guardrails stop "$D/owner" "$boot" "$ns" "$pid" "$tick" 0 "$T" '' 1
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
