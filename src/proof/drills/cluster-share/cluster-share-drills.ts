// Shares that are none. Every Linux has one mount that anybody may write to, /dev/shm: it stands for the share.
import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mountOf } from '../../../files/mounts.ts';
import type { ClusterShareRequest } from '../../../guards/cluster-share/cluster-share.ts';
import {
  HOMES,
  SYSTEM,
  VAR_SYSTEM,
  WHOLLY_SYSTEM,
  wrongSharePath,
} from '../../../guards/cluster-share/share-path.ts';
import { type Drill, DrillUnavailable } from '../../proof.ts';
import { TOKEN } from '../../random.ts';

const MEMORY = '/dev/shm';

/** What a drill finds laid out: a share on its own mount with the answer of a worker, and a local directory. */
interface Site {
  readonly share: string;
  readonly local: string;
  readonly request: ClusterShareRequest;
}

async function memoryMount(): Promise<{ readonly type: string; readonly source: string }> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const ids = table
    .split('\n')
    .filter((line) => line.split(' ')[4] === MEMORY)
    .map((line) => line.split(' ')[0] ?? '');
  const mount = mountOf(table, ids.at(-1) ?? ''); // later lines lie over earlier ones
  if (!mount) throw new DrillUnavailable(`Mount a tmpfs on ${MEMORY}.`);
  return mount;
}

/** Requires of the local directory what every drill but one of paths is built on. @throws DrillUnavailable */
function requireOwnPlace(local: string, share: string): void {
  if (wrongSharePath(local) === false && lstatSync(local).dev !== lstatSync(share).dev) return;
  throw new DrillUnavailable(
    `Set TMPDIR to a plain path that is no system's and not on ${MEMORY}, such as /tmp.`,
  );
}

function drill(
  id: string,
  fault: string,
  expects: string,
  /** May return a part of the request to ask otherwise. */
  spoil: (at: Site) => Promise<unknown> = async () => {},
): Drill<ClusterShareRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const { type, source } = await memoryMount();
      const share = await mkdtemp(join(MEMORY, 'guardrails-'));
      site.random('SHARE', share);
      site.random('TOKEN', TOKEN);
      site.random('SOURCE', /(?<="source":")[^"]*/g);
      site.onCleanup(() => rm(share, { recursive: true, force: true }));
      const local = join(site.directory, 'local');
      await mkdir(local, { mode: 0o700 });
      requireOwnPlace(local, share);
      const token = randomBytes(16).toString('hex');
      const answer = { file: 'answer.json', token };
      await writeFile(join(share, answer.file), JSON.stringify({ token }), { mode: 0o600 });
      const request = { share, local, type, source, answer };
      return {
        ...request,
        ...((await spoil({ share, local, request })) as Partial<ClusterShareRequest> | undefined),
      };
    },
  };
}

export const clusterShareDrills: readonly Drill<ClusterShareRequest>[] = [
  drill('sound', 'none: a mount of its own, answered through', 'allow'),
  drill('sound-workers', 'none: and the same on the workers', 'allow', async () => ({
    workers: ['/srv/agilab/share', '/home/agi/clustershare'],
  })),

  drill('system', 'the keys of a system', 'cluster-share.path', async () => ({ share: '/etc/ssh' })),
  drill('root', 'everything', 'cluster-share.path', async () => ({ share: '/' })),
  drill('process', 'the files of a process', 'cluster-share.path', async () => ({ local: '/proc/self' })),
  drill('memory', 'the mount that every program writes to', 'cluster-share.path', async () => ({
    share: MEMORY,
  })),
  ...[...SYSTEM].map((name) =>
    drill(`top-${name}`, 'a directory of the system', 'cluster-share.path', async () => ({
      share: `/${name}`,
    })),
  ),
  ...[...WHOLLY_SYSTEM].map((name) =>
    drill(`below-${name}`, 'something below a directory of the system', 'cluster-share.path', async () => ({
      share: `/${name}/shared/data`,
    })),
  ),
  ...[...HOMES].map((name) =>
    drill(`in-${name}`, 'the home of a user', 'cluster-share.path', async () => ({ share: `/${name}/agi` })),
  ),
  ...[...VAR_SYSTEM].map((name) =>
    drill(
      `in-var-${name}`,
      'jobs and records of a system, on the workers',
      'cluster-share.path',
      async () => ({
        workers: [`/var/${name}/share`],
      }),
    ),
  ),
  drill('hidden', 'a hidden directory at the top, on the workers', 'cluster-share.path', async () => ({
    workers: ['/.agilab'],
  })),
  drill('worker-keys', 'the keys of a user, on the workers', 'cluster-share.path', async () => ({
    workers: ['/srv/share', '/home/agi/.ssh'],
  })),
  drill('worker-option', 'an option, on the workers', 'cluster-share.path', async () => ({
    workers: ['/srv/-rf'],
  })),
  drill('worker-variable', 'a variable of a shell, on the workers', 'cluster-share.path', async () => ({
    workers: ['$HOME/share'],
  })),
  drill('worker-parent', 'a way up, on the workers', 'cluster-share.path', async () => ({
    workers: ['/srv/share/../../etc'],
  })),

  drill(
    'linked',
    'a link to the local directory in place of the share',
    'cluster-share.link',
    async ({ share, local }) => {
      const at = `${share}-link`;
      await symlink(local, at);
      await rename(at, join(share, 'link'));
      return { share: join(share, 'link') };
    },
  ),
  drill('missing', 'a share that is not there', 'cluster-share.missing', async ({ share }) => ({
    share: join(share, 'not-there'),
  })),
  drill('file', 'a file in place of the local directory', 'cluster-share.missing', async ({ local }) => {
    await rm(local, { recursive: true });
    await writeFile(local, '');
  }),
  drill('same', 'the share is the local directory', 'cluster-share.same', async ({ share }) => ({
    local: share,
  })),
  drill('local-inside', 'the local directory inside the share', 'cluster-share.nested', async ({ share }) => {
    await mkdir(join(share, 'local'), { mode: 0o700 });
    return { local: join(share, 'local') };
  }),
  {
    ...drill(
      'mounted-inside',
      'a part of the local directory mounted inside the share',
      'cluster-share.nested',
      async ({ share, local }) => {
        await mkdir(join(local, 'part'), { mode: 0o700 });
        await mkdir(join(share, 'part'), { mode: 0o700 });
        await symlink(share, join(dirname(local), 'to-share'));
      },
    ),
    elsewhere: {
      needs: 'unshare (util-linux), and user and mount namespaces',
      room: 'guards',
      within: (directory) => [
        ...'unshare --map-root-user --mount sh -ec'.split(' '),
        'mount --bind "$1/local/part" "$1/to-share/part"; shift; exec "$@"',
        'sh',
        directory,
      ],
    },
  },
  drill(
    'share-inside',
    'the share inside the local directory',
    'cluster-share.nested',
    async ({ share, request }) => {
      await mkdir(join(share, 'share'), { mode: 0o700 });
      await writeFile(join(share, 'share', 'answer.json'), JSON.stringify({ token: request.answer.token }), {
        mode: 0o600,
      });
      return { local: share, share: join(share, 'share') };
    },
  ),
  drill(
    'not-mounted',
    'a plain directory, as when the mount failed',
    'cluster-share.not-mounted',
    async ({ local, request }) => {
      const share = join(dirname(local), 'share');
      await mkdir(share, { mode: 0o700 });
      await writeFile(join(share, 'answer.json'), JSON.stringify({ token: request.answer.token }), {
        mode: 0o600,
      });
      return { share };
    },
  ),
  drill('other-type', 'another file system than the expected one', 'cluster-share.other-mount', async () => ({
    type: 'fuse.sshfs',
  })),
  drill('other-source', 'the right kind from another place', 'cluster-share.other-mount', async () => ({
    source: 'agi@elsewhere:/srv/share',
  })),
  drill('open', 'a share that everybody may write', 'cluster-share.open', async ({ share }) =>
    chmod(share, 0o777),
  ),
  drill('open-local', 'a local directory that everybody may write', 'cluster-share.open', async ({ local }) =>
    chmod(local, 0o777),
  ),
  drill(
    'answer-linked',
    'a link in place of the answer',
    'cluster-share.answer-untrusted',
    async ({ share }) => {
      await rename(join(share, 'answer.json'), join(share, 'real.json'));
      await symlink('real.json', join(share, 'answer.json'));
    },
  ),
  drill(
    'answer-open',
    'an answer that everybody may write',
    'cluster-share.answer-untrusted',
    async ({ share }) => chmod(join(share, 'answer.json'), 0o666),
  ),
  drill('no-answer', 'no worker has answered', 'cluster-share.no-answer', async ({ share }) =>
    rm(join(share, 'answer.json')),
  ),
  drill('answer-torn', 'half an answer', 'cluster-share.no-answer', async ({ share }) =>
    writeFile(join(share, 'answer.json'), '{"token": "'),
  ),
  drill('answer-old', 'the answer to the time before', 'cluster-share.other-answer', async ({ share }) =>
    writeFile(join(share, 'answer.json'), JSON.stringify({ token: '0'.repeat(32) })),
  ),
];
