// Shares on real mounts, each in a mount namespace of its own, and paths that a share must not have.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mountOf } from '../../../src/files/mounts.ts';
import { type ClusterShareRequest, clusterShare } from '../../../src/guards/cluster-share/cluster-share.ts';
import { wrongSharePath } from '../../../src/guards/cluster-share/share-path.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { leftOut, requiresReal } from '../../left-out.ts';

const run = promisify(execFile);
const TOKEN = '0123456789abcdef0123456789abcdef';
const source = (path: string): string => fileURLToPath(new URL(`../../../dist/${path}`, import.meta.url));

const namespaces = await run('unshare', ['-rm', 'true']).then(
  () => true,
  () => false,
);

/** Judges in a mount namespace of its own, after a script of mounts. `$1` holds `local`, `share` and `other`. */
async function judgeMounted(script: string, more: Partial<ClusterShareRequest>) {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'share-mounts-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const name of ['local', 'share', 'other', 'local/inner', 'upper', 'work'])
    await mkdir(join(directory, name), { mode: 0o700 });
  const answer = { file: 'answer.json', token: TOKEN };
  for (const name of ['local', 'share', 'other', 'local/inner'])
    await writeFile(join(directory, name, answer.file), JSON.stringify({ token: TOKEN }), { mode: 0o600 });
  const request = {
    share: join(directory, 'share'),
    local: join(directory, 'local'),
    type: 'tmpfs',
    source: 'agi share',
    answer,
    ...more,
  };
  await writeFile(
    join(directory, 'judge.mjs'),
    `import { clusterShare } from ${JSON.stringify(source('guards/cluster-share/cluster-share.js'))};
     import { judge } from ${JSON.stringify(source('kernel/enforce.js'))};
     console.log(JSON.stringify((await judge(clusterShare, ${JSON.stringify(request)})).codes));`,
  );
  const argv = ['-rm', 'sh', '-ec', `${script}\nexec "$2" "$1/judge.mjs"`, 'sh', directory, process.execPath];
  const { stdout } = await run('unshare', argv, { cwd: fileURLToPath(new URL('../../..', import.meta.url)) });
  return JSON.parse(stdout) as string[];
}

const TMPFS = `mount -t tmpfs -o mode=0700 'agi share' "$1/share"; printf '{"token": "${TOKEN}"}' >"$1/share/answer.json"; chmod 0600 "$1/share/answer.json"`;

describe('on real mounts (needs unshare and user namespaces)', () => {
  it.each<[string, string, readonly string[], Partial<ClusterShareRequest>?]>([
    ['a tmpfs with a blank in its source', TMPFS, []],
    ['a tmpfs of another source', TMPFS.replace('agi share', 'agi share2'), ['cluster-share.other-mount']],
    ['no mount', 'true', ['cluster-share.not-mounted']],
    ['the local directory, bound', 'mount --bind "$1/local" "$1/share"', ['cluster-share.same']],
    [
      'a part of the local directory, bound',
      'mount --bind "$1/local/inner" "$1/share"',
      ['cluster-share.nested'],
    ],
    [
      'a directory of the same file system, bound',
      'mount --bind "$1/other" "$1/share"',
      ['cluster-share.other-mount'],
    ],
    [
      'a part of the local directory, bound inside the share',
      `${TMPFS}; mkdir "$1/share/in"; mount --bind "$1/local/inner" "$1/share/in"`,
      ['cluster-share.nested'],
    ],
    [
      'a part of the share, bound inside the local directory',
      `${TMPFS}; mkdir "$1/share/part"; mount --bind "$1/share/part" "$1/local/inner"`,
      ['cluster-share.nested'],
    ],
    [
      'another directory, bound inside the share',
      `${TMPFS}; mkdir "$1/share/in"; mount --bind "$1/other" "$1/share/in"`,
      [],
    ],
    [
      'a type of FUSE with a dash in its name',
      TMPFS,
      ['cluster-share.other-mount'],
      { type: 'fuse.ceph-fuse' },
    ],
    [
      'a mount under the one that was meant',
      `${TMPFS}; mount --bind "$1/other" "$1/share"`,
      ['cluster-share.other-mount'],
    ],
    [
      'a mount whose name begins alike',
      'mkdir "$1/share-old"; mount -t tmpfs "agi share" "$1/share-old"',
      ['cluster-share.not-mounted'],
    ],
    [
      'an overlay over the local directory',
      'mount -t tmpfs t "$1/upper"; mkdir "$1/upper/u" "$1/upper/w"; mount -t overlay o -o "lowerdir=$1/local,upperdir=$1/upper/u,workdir=$1/upper/w" "$1/share"',
      ['cluster-share.other-mount'],
    ],
  ])(
    '%s',
    { timeout: 60_000, ...leftOut(!namespaces && !requiresReal && 'no mount namespaces') },
    async (_what, script, codes, more = {}) => {
      // In a namespace that maps one user, those who own the directories above are nobody's.
      if (codes.length === 0 && process.getuid?.() !== 0)
        return expect(await judgeMounted(script, more)).toEqual(['cluster-share.open']);
      const found = await judgeMounted(script, more);
      expect(found.slice(0, 1)).toEqual(codes);
    },
  );
});

describe('mountOf', () => {
  // proc_pid_mountinfo(5), its own example, and the escapes of the kernel's mangle().
  const TABLE = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '37 35 0:52 / /mnt/a\\040b\\134c rw shared:3 master:4 propagate_from:2 - fuse.sshfs u@h:/x\\040y rw,user_id=0',
  ].join('\n');
  it('reads zero or more optional fields, and what is escaped', () => {
    expect(mountOf(TABLE, '36')).toEqual({
      id: '36',
      device: '98:0',
      root: '/mnt1',
      point: '/mnt2',
      type: 'ext3',
      source: '/dev/root',
    });
    expect(mountOf(TABLE, '37')).toMatchObject({
      point: '/mnt/a b\\c',
      type: 'fuse.sshfs',
      source: 'u@h:/x y',
    });
    expect(mountOf(TABLE, '3')).toBeUndefined();
  });
});

describe('paths of a share', () => {
  it.each(
    '/ /etc /etc/ssh /usr/local /proc/self /proc/1 /dev/shm /home/a /home/a/.ssh /root/share /var /run/x ~ ~root ./x x/y /srv/-rf /srv/$HOME /srv/a//b /srv/../etc user@host:/x C:\\x \\\\host\\x'.split(
      ' ',
    ),
  )('%s is none', (path) => expect(wrongSharePath(path)).not.toBe(false));
  it.each(['/srv/a\nb', '/srv/\u202eab', '/srv/a b', ''])('%j is none', (path) =>
    expect(wrongSharePath(path)).not.toBe(false),
  );
  it.each(['/srv/agilab/share', '/home/agi/clustershare', '/mnt/share', '/dev/shm/share', '/data'])(
    '%s may be one',
    (path) => expect(wrongSharePath(path)).toBe(false),
  );
});

describe('whatever is asked', () => {
  it('is a decision with a code', async () => {
    const path = fc.oneof(
      fc.string(),
      fc.stringMatching(/^(?:\/[a-z.-]{0,5}){1,4}$/),
      fc.constantFrom('/', '/dev/shm', '/proc/self/fd'),
    );
    const request = fc.record({
      share: path,
      local: path,
      type: fc.constantFrom('tmpfs', 'ext4'),
      source: fc.string(),
      workers: fc.array(path),
      answer: fc.record({ file: fc.string(), token: fc.constant(TOKEN) }),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(request, fc.anything()), async (asked) => {
        const { decision, codes } = await judge(clusterShare, asked as ClusterShareRequest);
        expect(decision).not.toBe('allow');
        expect(codes[0]).toMatch(/^(?:cluster-share|guard)\.[a-z-]+$/);
        expect(codes).not.toContain('guard.rule-failed');
      }),
      { numRuns: 200 },
    );
  });
});
