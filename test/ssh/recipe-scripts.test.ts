// The recipes whose script is constant: what those scripts do on a host, with real tools, real mounts and real Python,
// in directories with hostile names.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceSink } from '../../src/evidence/record.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { clearResults } from '../../src/ssh/recipes/clear-results.ts';
import { dotenvMerge } from '../../src/ssh/recipes/dotenv-merge.ts';
import type { RemoteCommandRequest } from '../../src/ssh/recipes/index.ts';
import { installUv } from '../../src/ssh/recipes/install-uv.ts';
import { lanProbe } from '../../src/ssh/recipes/lan-probe.ts';
import { platformFacts } from '../../src/ssh/recipes/platform-facts.ts';
import { runOverSsh } from '../../src/ssh/recipes/run-over-ssh.ts';
import { shareCheck } from '../../src/ssh/recipes/share-check.ts';
import { shareMount } from '../../src/ssh/recipes/share-mount.ts';
import { shareSentinel } from '../../src/ssh/recipes/share-sentinel.ts';
import { workerControl } from '../../src/ssh/recipes/worker-control.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { leftOut } from '../left-out.ts';
import { otherShells, posixShells, type ShellRun, ShellSite, splitNul } from '../shells.ts';
import { missing } from './support.ts';

const journal: EvidenceSink = { append: async () => {} };
const SH = { name: 'sh', argv: ['sh'] } as const;
const NAME = `it's "x" $(CANARY) \`CANARY\` \\ !! *\nnl; é`;

let site = new ShellSite();
beforeEach(() => {
  site.remove();
  site = new ShellSite();
});
afterAll(() => site.remove());

const path = (): Record<string, string> => ({ PATH: `${site.bin}:/usr/sbin:/usr/bin:/sbin:/bin` });

async function scriptOf(request: RemoteCommandRequest): Promise<string> {
  return (await enforce(remoteCommand, request, { journal })).script;
}

async function run(request: RemoteCommandRequest): Promise<ShellRun> {
  const result = await site.run(SH, await scriptOf(request), { env: path() });
  expect(site.canaryRan()).toBe(false);
  return result;
}

/** Puts a directory of a hostile name under the home, and returns its real path. */
function homeDirectory(...parts: string[]): string {
  const directory = join(site.root, ...parts);
  mkdirSync(directory, { recursive: true });
  return directory;
}

describe('worker-control', () => {
  const request = workerControl({
    tool: 'uv --offline',
    worker: `~/${NAME}`,
    cli: '~/cli.py',
    action: 'clean',
    arguments: [{ path: `~/${NAME}` }, '-x y'],
    python: '3.12',
    prefix: { wrapper: ['nice', '-n', '5'], env: { A: '1' } },
  });
  const dump = `/usr/bin/printf '%s\\0' "\${0##*/}" "$A" "$@"`;

  it('runs the interpreter of the project where there is one, wrapper and variables before it', async () => {
    site.program('uv', dump);
    homeDirectory(NAME, '.venv', 'bin');
    site.program(`../${NAME}/.venv/bin/python`, dump);
    const { stdout } = await run(request);
    const root = site.root;
    expect(splitNul(stdout)).toEqual(['python', '1', `${root}/cli.py`, 'clean', `${root}/${NAME}`, '-x y']);
  });

  it('goes through uv where there is none', async () => {
    site.program('uv', dump);
    const { stdout } = await run(request);
    const uv = 'uv|1|--offline|run|--no-sync|--with|psutil>=7,<8|-p|3.12|python'.split('|');
    expect(splitNul(stdout)).toEqual([...uv, `${site.root}/cli.py`, 'clean', `${site.root}/${NAME}`, '-x y']);
  });
});

describe('install-uv', () => {
  const INSTALLER = 'echo installed; echo "$0" >"$HOME/where"\n';
  const sha256 = createHash('sha256').update(INSTALLER).digest('hex');
  const curl = `last=; while [ $# -gt 0 ]; do case $1 in -o) out=$2;; esac; last=$1; shift; done
printf %s '${INSTALLER}' >"$out"; printf %s "$last" >"$HOME/url"`;

  it('runs the installer that was expected, and leaves nothing behind', async () => {
    site.program('curl', curl);
    const { stdout, code } = await run(installUv({ version: '0.5.11', sha256 }));
    expect([stdout.toString(), code]).toEqual(['installed\n', 0]);
    expect(readFileSync(join(site.root, 'url'), 'utf8')).toBe('https://astral.sh/uv/0.5.11/install.sh');
    expect(existsSync(readFileSync(join(site.root, 'where'), 'utf8').trim())).toBe(false);
  });

  it('runs no other', async () => {
    site.program('curl', curl);
    const { stdout, code } = await run(installUv({ version: '0.5.11', sha256: '0'.repeat(64) }));
    expect([stdout.toString(), code]).toEqual(['', 65]);
  });

  it('fails when nothing could be fetched', async () => {
    site.program('curl', 'exit 22');
    expect((await run(installUv({ version: '0.5.11', sha256 }))).code).toBe(22);
  });
});

describe('platform-facts and lan-probe', () => {
  it('print what uname says', async () => {
    const uname = (flag: string): string => spawnSync('uname', [flag]).stdout.toString().trim();
    const { stdout } = await run(platformFacts());
    expect(stdout.toString()).toBe(`${uname('-s')}\n${uname('-m')}\n\n`);
    const probe = await run(lanProbe({ manager: '127.0.0.1' }));
    expect(probe.stdout.toString()).toContain(`system=${uname('-s')}\nmachine=${uname('-m')}\n`);
  });

  it('say whether the manager lets the host in', async () => {
    site.program('ssh', 'while [ "$1" != -- ]; do shift; done; [ "$2" = agi@node-1 ]');
    const { stdout } = await run(lanProbe({ manager: 'node-1', user: 'agi' }));
    expect(stdout.toString()).toMatch(/manager=yes\n$/);
    site.program('ssh', 'exit 255');
    expect((await run(lanProbe({ manager: 'node-1' }))).stdout.toString()).toMatch(/manager=no\n$/);
  });
});

describe('share-check', () => {
  it('prints the path of a share that is there', async () => {
    const share = homeDirectory(NAME, 'share');
    const { stdout, code } = await run(shareCheck({ share: `~/${NAME}/share` }));
    expect([stdout.toString(), code]).toEqual([`${share}\n`, 0]);
  });

  it('ends with 72 for one that is not', async () => {
    expect((await run(shareCheck({ share: '~/nowhere' }))).code).toBe(72);
  });
});

describe('clear-results', () => {
  it('removes the .csv files of one directory and nothing else', async () => {
    const directory = homeDirectory(NAME);
    for (const name of ['a.csv', '-rf.csv', 'b.txt']) writeFileSync(join(directory, name), '');
    writeFileSync(join(site.root, 'c.csv'), '');
    expect((await run(clearResults({ directory: `~/${NAME}` }))).code).toBe(0);
    expect(['a.csv', '-rf.csv', 'b.txt'].map((name) => existsSync(join(directory, name)))).toEqual([
      false,
      false,
      true,
    ]);
    expect(existsSync(join(site.root, 'c.csv'))).toBe(true);
  });

  it('makes a directory that is not there', async () => {
    await run(clearResults({ directory: '~/new' }));
    expect(existsSync(join(site.root, 'new'))).toBe(true);
  });
});

describe('python recipes', leftOut(missing('python3')), () => {
  const read = (): string => readFileSync(join(site.root, '.agilab', '.env'), 'utf8');
  const merge = (values: Record<string, string>): Promise<ShellRun> =>
    run(dotenvMerge({ file: '~/.agilab/.env', values }));

  it('dotenv-merge makes the file for its owner only', async () => {
    expect((await merge({ AGI_CLUSTER_SHARE: '~/share' })).code).toBe(0);
    expect(read()).toBe("AGI_CLUSTER_SHARE='~/share'\n");
    expect(statSync(join(site.root, '.agilab', '.env')).mode & 0o777).toBe(0o600);
  });

  it('dotenv-merge replaces its variables and keeps every other line', async () => {
    homeDirectory('.agilab');
    writeFileSync(join(site.root, '.agilab', '.env'), '# note\nKEEP=1\nexport A=old\n A = older\nAB=2\n');
    await merge({ A: 'new', B: '__COMMENTS__' });
    expect(read()).toBe("# note\nKEEP=1\nAB=2\nA='new'\nB='__COMMENTS__'\n");
  });

  it.each(['"', '$(CANARY)', '`CANARY`', '$A', 'PY', '#', ' a ', 'é', ';CANARY', 'a=b', ''])(
    'dotenv-merge stores %j so that Python and a shell read the same',
    async (value) => {
      await merge({ A: value });
      const file = join(site.root, '.agilab', '.env');
      const oracle =
        'import ast, sys; sys.stdout.write(ast.literal_eval(open(sys.argv[1]).read().partition("=")[2]))';
      expect(spawnSync('python3', ['-X', 'utf8', '-c', oracle, file]).stdout.toString()).toBe(value);
      const { stdout } = await site.run(SH, `. '${file}'; printf '%s.' "$A"`);
      expect(stdout.toString()).toBe(`${value}.`);
      expect(site.canaryRan()).toBe(false);
    },
  );

  it.each(["it's", '\\', 'a\nB=1', 'a\u2028B=1', '$'.concat('{A}'), "'; CANARY; '"])(
    'dotenv-merge takes no %j, as a value or as a secret',
    async (value) => {
      const plain = dotenvMerge({ file: '~/.env', values: { A: value } });
      expect((await judge(remoteCommand, plain)).codes).toEqual(['command.dotenv-value']);
      if (value.includes('\n')) return;
      const script = await scriptOf(dotenvMerge({ file: '~/.env', values: {}, prefix: { secrets: ['A'] } }));
      const { code, stderr } = await site.run(SH, script, { env: path(), stdin: `${value}\n` });
      expect([code, stderr]).toEqual([1, 'A holds what readers of such files disagree about\n']);
      expect(existsSync(join(site.root, '.env'))).toBe(false);
    },
  );

  it('share-sentinel prints the file that holds the token, and fails for any other', async () => {
    const share = homeDirectory(NAME);
    const token = 'ab'.repeat(16);
    writeFileSync(join(share, 'mark.json'), JSON.stringify({ token }));
    const request = { share: `~/${NAME}`, file: 'mark.json', token };
    const { stdout, code } = await run(shareSentinel(request));
    expect([stdout.toString(), code]).toEqual([`${share}/./mark.json\n`, 0]);
    const other = await run(shareSentinel({ ...request, token: 'cd'.repeat(16) }));
    expect([other.code, other.stderr]).toEqual([1, 'the sentinel holds another token\n']);
    for (const text of ['[]', 'null', 'no json', '']) {
      writeFileSync(join(share, 'mark.json'), text);
      expect((await run(shareSentinel(request))).code).toBe(1);
    }
    expect((await run(shareSentinel({ ...request, file: 'absent' }))).code).toBe(1);
  });
});

describe('run-over-ssh', () => {
  it('reaches the program through ssh and any login shell behind it', async () => {
    // What ssh and sshd do with the words after the host: join them, and have the login shell read the result.
    for (const shell of [...posixShells, ...otherShells]) {
      const [program, ...options] = shell.argv;
      const login = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).stdout.toString().trim();
      site.program(
        'ssh',
        `while [ "$1" != -- ]; do shift; done; shift 2; exec ${[login, ...options].join(' ')} -c "$*"`,
      );
      const request = runOverSsh({
        host: 'node-1',
        argv: ['/usr/bin/printf', '%s\\0', NAME, "\\';CANARY;\\'", { path: '~/x y' }],
      });
      const { stdout, stderr } = await run(request);
      expect(stderr).toBe('');
      expect(splitNul(stdout), shell.name).toEqual([NAME, "\\';CANARY;\\'", `${site.root}/x y`]);
    }
  });
});

describe('share-mount', () => {
  const request = shareMount({
    host: 'node-1',
    user: 'agi',
    port: 2222,
    source: '/srv/share',
    share: `~/${NAME}/share`,
  });
  const point = (): string => `${realpathSync(site.root)}/${NAME}/share`;
  const escaped = (text: string): string =>
    text.replaceAll(/[\\ \t\n#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const mountLine = (at: string, type: string, source: string): string =>
    `36 35 98:0 / ${escaped(at)} rw,noatime shared:1 master:2 - ${type} ${escaped(source)} rw\n`;

  /** Runs the constant script with another mount table; sshfs and fusermount3 rewrite it as the kernel would. */
  async function mount(table: string, sshfsWorks = true): Promise<ShellRun & { readonly log: string }> {
    const file = join(site.root, 'mountinfo');
    const ours = join(site.root, 'ours');
    const log = join(site.root, 'log');
    homeDirectory(NAME, 'share');
    writeFileSync(file, table);
    writeFileSync(ours, mountLine(point(), 'fuse.sshfs', 'agi@node-1:/srv/share'));
    const dump = `/usr/bin/printf '%s|' "\${0##*/}" "$@" >>'${log}'`;
    site.program('ssh', dump);
    site.program('sshfs', `${dump}\n${sshfsWorks ? `cat '${ours}' >>'${file}'` : 'exit 1'}`);
    site.program('fusermount3', `${dump}\n: >'${file}'`);
    const script = (await scriptOf(request)).replace('/proc/self/mountinfo', file);
    expect(script).toContain(file);
    const result = await site.run(SH, script, { env: path() });
    expect(site.canaryRan()).toBe(false);
    return { ...result, log: existsSync(log) ? readFileSync(log, 'utf8') : '' };
  }

  it('asks the manager first, then mounts, and checks what it mounted', async () => {
    const { code, stderr, log } = await mount(mountLine('/', 'ext4', '/dev/sda1'));
    expect([stderr, code]).toEqual(['', 0]);
    const ssh =
      'ssh|-p|2222|-o|BatchMode=yes|-o|StrictHostKeyChecking=yes|-o|ConnectTimeout=5|--|agi@node-1|true|';
    const options =
      '-o|BatchMode=yes|-o|StrictHostKeyChecking=yes|-o|reconnect|-o|ServerAliveInterval=15|-o|nodev';
    const sshfs = `sshfs|-p|2222|${options}|-o|nosuid|-o|noexec|agi@node-1:/srv/share|${point()}|`;
    expect(log).toBe(ssh + sshfs);
  });

  it('leaves its own mount alone', async () => {
    const { code, stderr, log } = await mount(mountLine(point(), 'fuse.sshfs', 'agi@node-1:/srv/share'));
    expect([stderr, code]).toEqual(['already mounted\n', 0]);
    expect(log).not.toContain('sshfs|');
  });

  it.each([
    ['a longer name', '-old', 'agi@node-1:/srv/share'],
    ['a directory inside it', '/sub', 'agi@node-1:/srv/share'],
    ['a longer name with the same source', '2', 'agi@node-1:/srv/share2'],
  ])('is not misled by a mount on %s', async (_why, suffix, source) => {
    const { code, log } = await mount(mountLine(point() + suffix, 'fuse.sshfs', source));
    expect(code).toBe(0);
    expect(log).toContain('sshfs|');
  });

  it('replaces an sshfs mount of another source', async () => {
    const { code, log } = await mount(mountLine(point(), 'fuse.sshfs', 'agi@node-1:/srv/share2'));
    expect(code).toBe(0);
    expect(log).toContain(`fusermount3|-u|--|${point()}|sshfs|`);
  });

  it.each([
    ['another file system', 'ext4', '/dev/sdb1'],
    ['one that only names our source', 'tmpfs', 'agi@node-1:/srv/share'],
  ])('touches nothing where %s is mounted', async (_why, type, source) => {
    const { code, log } = await mount(mountLine(point(), type, source));
    expect(code).toBe(74);
    expect(log).not.toContain('sshfs|');
    expect(log).not.toContain('fusermount3|');
  });

  it('believes the uppermost of two mounts', async () => {
    const below = mountLine(point(), 'fuse.sshfs', 'agi@node-1:/srv/share');
    expect((await mount(below + mountLine(point(), 'ext4', '/dev/sdb1'))).code).toBe(74);
  });

  it('says so when the mount does not come about', async () => {
    expect((await mount('', false)).code).toBe(75);
  });

  it('ends with 71 when the manager does not answer, and 70 without sshfs', async () => {
    site.program('sshfs', ':');
    site.program('ssh', 'exit 255');
    expect((await run(request)).code).toBe(71);
    rmSync(join(site.bin, 'sshfs'));
    const { code } = await site.run(SH, await scriptOf(request), { env: { PATH: site.bin } });
    expect(code).toBe(70);
  });

  it(
    'reads the table of a real kernel: a tmpfs on a directory of that name is recognised (needs user namespaces)',
    leftOut(spawnSync('unshare', ['-rm', 'true']).status !== 0 && 'no mount namespaces'),
    async () => {
      homeDirectory(NAME, 'share');
      site.program('sshfs', ':');
      site.program('ssh', ':');
      const script = `mount -t tmpfs 'agi@node-1:/srv/share' "$0" && exec /bin/sh -c "$1"`;
      const argv = ['-rm', 'sh', '-c', script, point(), await scriptOf(request)];
      expect((await site.spawn('unshare', argv, { env: path() })).code).toBe(74);
      const near = `mkdir "$0-old" && mount -t tmpfs x "$0-old" && exec /bin/sh -c "$1"`;
      const beside = ['-rm', 'sh', '-c', near, point(), await scriptOf(request)];
      // The pretended sshfs mounts nothing, and that is noticed as well.
      expect((await site.spawn('unshare', beside, { env: path() })).code).toBe(75);
    },
  );
});

describe('the script of a recipe', () => {
  const two = <T>(make: (value: string) => T): readonly [T, T] => [make('a'), make(NAME)];
  const token = (value: string): string => (value === 'a' ? 'a' : 'b').repeat(32);
  const PAIRS: readonly (readonly [RemoteCommandRequest, RemoteCommandRequest])[] = [
    two((value) => shareCheck({ share: `~/${value}` })),
    two((value) => clearResults({ directory: `~/${value}` })),
    two((value) => shareSentinel({ share: `~/${value}`, file: value, token: token(value) })),
    two((value) => dotenvMerge({ file: `~/${value}`, values: { A: value.length > 1 ? 'b' : 'c' } })),
    two((value) => shareMount({ host: 'h', port: value.length, source: `/${value}`, share: `~/${value}` })),
    two((value) => lanProbe({ manager: `h${value.length}` })),
    two((value) => installUv({ version: `0.5.${value.length}`, sha256: token(value).repeat(2) })),
    two((value) => {
      return workerControl({ tool: ['uv', value], worker: `~/${value}`, cli: `~/${value}`, action: 'clean' });
    }),
  ];

  it.each(PAIRS.map(([one, other]) => [one.recipe, one, other] as const))(
    'of %s is the same for every request',
    async (_name, one, other) => {
      const scripts = [];
      for (const request of [one, other]) {
        const { words } = await enforce(remoteCommand, request, { journal });
        expect(words[1]).toBe('-c');
        scripts.push(words[2]);
      }
      expect(scripts[0]).toBe(scripts[1]);
    },
  );
});
