// Owners that lie: user namespaces, FUSE, overlays, another process's /proc. Each is built for real where this machine
// lets it, and the walk alone runs inside. Three of them are also drills, for a guard.
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { mountingUser } from '../../src/files/mounts.ts';
import { leftOut } from '../left-out.ts';
import { locate } from '../locate.ts';

const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
/** Asked inside a test: a machine may have the program and forbid what it does. */
const works = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
const module = JSON.stringify(pathToFileURL(resolve('dist/files/open.js')).href);
/** Opens each path below the root and prints what came of it. */
const OPEN = `
  const { openTrusted } = await import(${module});
  const [root, ...paths] = process.argv.slice(1);
  for (const path of paths)
    console.log(await openTrusted(root, path).then(() => 'opened', ({ code }) => code));`;
const node = (...args: string[]): string[] => [process.execPath, '--input-type=module', '-e', OPEN, ...args];
/** Runs a program that in turn runs the walk. */
async function opened(program: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(program, args);
  return stdout.trim().split('\n');
}
/** Runs a shell script in a mount namespace of its own, with the walk as `"$@"` after the site. */
const inside = (script: string, site: string, ...walk: string[]): Promise<string[]> =>
  opened('unshare', '-m', 'sh', '-ec', script, 'sh', site, ...walk);

async function laid(): Promise<string> {
  const site = await realpath(await mkdtemp(join(tmpdir(), 'mounts-')));
  onTestFinished(() => rm(site, { recursive: true }));
  await chmod(site, 0o755);
  await mkdir(join(site, 'root'), { mode: 0o755 });
  await writeFile(join(site, 'root', 'file'), 'content', { mode: 0o644 });
  return site;
}

const TIMEOUT = { timeout: 60_000 };

describe('owners that stand for anybody', leftOut(process.platform !== 'linux' && 'not Linux'), () => {
  it(
    'are refused in a namespace that maps nobody (left out without user namespaces)',
    TIMEOUT,
    async ({ skip }) => {
      if (!works('unshare', '-U', 'true')) skip('no user namespaces');
      const site = await laid();
      const [outcome] = await opened('unshare', '-U', ...node(join(site, 'root'), 'file'));
      expect(outcome).toBe('file.foreign-owner');
    },
  );

  it('are refused as nobody, who may still read what is root’s (needs root and setpriv)', {
    ...TIMEOUT,
    ...leftOut((!isRoot || locate('setpriv') === undefined) && 'needs root and setpriv'),
  }, async () => {
    const site = await laid();
    await writeFile(join(site, 'root', 'own'), 'content', { mode: 0o644 });
    chownSync(join(site, 'root', 'own'), NOBODY, NOBODY);
    const as = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    expect(await opened('setpriv', ...as, ...node(join(site, 'root'), 'own', 'file'))).toEqual([
      'file.foreign-owner',
      'opened',
    ]);
  });
});

describe(
  'mounts (needs root and unshare)',
  leftOut((!isRoot || locate('unshare') === undefined) && 'needs root and unshare'),
  () => {
    beforeEach(({ skip }) => {
      if (!works('unshare', '-m', 'true')) skip('no mount namespaces');
    });

    it('over two file systems are one where they are an overlay', TIMEOUT, async (context) => {
      const site = await laid();
      const script =
        'for d in a b o; do mkdir -m 755 "$1/$d"; done; mount -t tmpfs -o mode=755 none "$1/a"; mount -t tmpfs -o mode=755 none "$1/b";' +
        'mkdir -m 755 "$1/b/up" "$1/b/work"; printf x > "$1/a/file"; chmod 644 "$1/a/file";' +
        'mount -t overlay -o "lowerdir=$1/a,upperdir=$1/b/up,workdir=$1/b/work" none "$1/o" || { echo none; exit 0; };' +
        'shift; exec "$@"';
      const [outcome] = await inside(script, site, ...node(join(site, 'o'), 'file'));
      if (outcome === 'none') context.skip('no overlay file system');
      expect(outcome).toBe('opened');
    });

    it('below the root are refused', TIMEOUT, async () => {
      const site = await laid();
      const script =
        'mkdir -m 755 "$1/root/m"; mount -t tmpfs -o mode=755 none "$1/root/m"; printf x > "$1/root/m/file";' +
        'chmod 644 "$1/root/m/file"; shift; exec "$@"';
      expect(await inside(script, site, ...node(join(site, 'root'), 'm/file', 'file'))).toEqual([
        'file.other-device',
        'opened',
      ]);
    });

    it('of another PID namespace on /proc are no /proc', TIMEOUT, async () => {
      const site = await laid();
      const args = ['-p', '-f', ...node(join(site, 'root'), 'file')];
      expect(await opened('unshare', ...args)).toEqual(['file.no-proc']);
      expect(await opened('unshare', '--mount-proc', ...args)).toEqual(['opened']);
    });

    it('of FUSE are as good as who mounted them (left out without bindfs)', {
      ...TIMEOUT,
      ...leftOut(
        (!existsSync('/dev/fuse') || !existsSync('/etc/fuse.conf') || locate('bindfs') === undefined) &&
          'no FUSE or no bindfs',
      ),
    }, async () => {
      const site = await laid();
      await mkdir(join(site, 'fuse'), { mode: 0o755 });
      // A device and a configuration of this namespace's own: nothing of the machine changes.
      const prepare =
        'mount -t tmpfs -o mode=755 none "$1/own"; mknod -m 666 "$1/own/fuse" c 10 229; echo user_allow_other > "$1/own/conf";' +
        'mount --bind "$1/own/fuse" /dev/fuse; mount --bind "$1/own/conf" /etc/fuse.conf;';
      const mounted = (as: string): string =>
        `${prepare} ${as} bindfs --force-user=root -o allow_other "$1/root" "$1/fuse" || exit 0;` +
        'fuse="$1/fuse"; shift; "$@"; umount "$fuse"';
      await mkdir(join(site, 'own'), { mode: 0o755 });
      const walk = node(join(site, 'fuse'), 'file');
      expect(await inside(mounted(''), site, ...walk)).toEqual(['opened']);
      for (const path of ['fuse', 'root', 'root/file']) chownSync(join(site, path), 1, 1);
      const as = 'setpriv --reuid 1 --regid 1 --clear-groups';
      expect(await inside(mounted(as), site, ...walk)).toEqual(['file.foreign-owner']);
    });
  },
);

describe('a line of mountinfo', () => {
  const line = (id: number, type: string, options: string): string =>
    `${id} 29 0:53 / /mnt/x rw,nosuid shared:30 - ${type} source ${options}`;
  const table = [
    line(36, 'ext4', 'rw,errors=continue'),
    line(360, 'fuse.bindfs', 'rw,user_id=1000,group_id=0,default_permissions'),
    line(361, 'fuse', 'rw,user_id=0,group_id=0'),
    line(362, 'virtiofs', 'rw'),
    line(363, 'fuse.odd', 'rw,group_id=0'),
  ].join('\n');

  it('names who mounted it', () => {
    expect(mountingUser(table, '360')).toBe(1000);
    expect(mountingUser(table, '361')).toBe(0);
  });

  it('is a disk where the host serves it', () => {
    expect(mountingUser(table, '362')).toBeUndefined();
  });

  it('names nobody who is believed where it is missing or says less', () => {
    for (const id of ['363', '364', '3']) expect(mountingUser(table, id)).toBe(2 ** 32 - 1);
  });
});
