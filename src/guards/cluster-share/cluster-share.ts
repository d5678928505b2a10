// Guards the directory that a cluster shares: it is a mount of its own of the expected kind, it is not the local directory
// under another name nor inside it, nobody else can change it, and a worker has read and written there just now.
import { timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import { type DirectoryFacts, observeDirectory, overlap } from '../../files/directory.ts';
import { distrust } from '../../files/rules.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { wrongSharePath } from './share-path.ts';

export interface ClusterShareRequest {
  /** Absolute real path of the share here (`AGI_CLUSTER_SHARE`). */
  readonly share: string;
  /** Absolute real path of what stays on this host (`AGI_LOCAL_SHARE`). */
  readonly local: string;
  /** What must be mounted, as in proc_pid_mountinfo(5): `fuse.sshfs` and `user@host:/srv/share`. */
  readonly type: string;
  readonly source: string;
  /** Where the workers have it. */
  readonly workers?: readonly string[] | undefined;
  /**
   * The answer of a worker: a file below the share in which it wrote `{"token": "..."}` after it had read that token,
   * 32 hex digits made for this once, from another file below the share. So bytes went both ways.
   */
  readonly answer: { readonly file: string; readonly token: string };
}

export interface ClusterShareFacts {
  readonly paths: { readonly share: string; readonly local: string; readonly workers: readonly string[] };
  readonly expected: { readonly type: string; readonly source: string };
  readonly share: DirectoryFacts;
  readonly local: DirectoryFacts;
  readonly answer: FileFacts;
  readonly answered: 'nothing' | 'another token' | 'the token';
}

/** A share that may be used, as one look found it. */
export interface VerifiedShare {
  readonly path: string;
  /** Device and inode. */
  readonly identity: string;
  readonly type: string;
  readonly source: string;
  readonly workers: readonly string[];
}

const clusterShareRequest: z.ZodType<ClusterShareRequest> = z.strictObject({
  share: path,
  local: path,
  type: z.string().regex(/^[\w.-]{1,64}$/),
  source: z.string().min(1).max(1_024),
  workers: z.array(path).max(1_024).optional(),
  answer: z.strictObject({
    file: z.string().regex(/^(?!\.{1,2}$)[\w.-]{1,255}$/),
    token: z.string().regex(/^[0-9a-f]{32}$/),
  }),
});

const MAX_ANSWER_BYTES = 4_096;

function tokenIn(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return undefined;
  try {
    const value = parseStrictJson(bytes, { maxBytes: MAX_ANSWER_BYTES, maxDepth: 4 });
    const token = z.looseObject({ token: z.string() }).safeParse(value);
    return token.success ? token.data.token : undefined;
  } catch {
    return undefined; // no answer in the agreed form
  }
}

const equal = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** What a name alone rules out is not touched: nobody but root may look into some of it. */
const placeToLook = (path: string): string => (wrongSharePath(path) === false ? path : '');

/** The only look: both directories, what is mounted there, and the answer of the worker. */
async function observeShare(request: ClusterShareRequest, signal: AbortSignal): Promise<ClusterShareFacts> {
  const { share, local, type, source, workers = [], answer } = request;
  const [shareAt, localAt] = [placeToLook(share), placeToLook(local)];
  const file = await observeFile(shareAt, answer.file, { maxBytes: MAX_ANSWER_BYTES, signal });
  const token = tokenIn(file.bytes);
  const { bytes: _bytes, ...found } = file;
  const answered =
    token === undefined ? 'nothing' : equal(token, answer.token) ? 'the token' : 'another token';
  return {
    paths: { share, local, workers },
    expected: { type, source },
    share: await observeDirectory(shareAt),
    local: await observeDirectory(localAt),
    answer: found,
    answered,
  };
}

const identityOf = ({ passed, stopped }: DirectoryFacts): string | undefined =>
  stopped ? undefined : passed.at(-1)?.identity;

const nested = ({ share, local }: ClusterShareFacts): boolean =>
  identityOf(share) !== undefined && identityOf(local) !== undefined && overlap(share, local);

/** On a mount that is neither the system's own nor that of the local directory. */
const isMounted = ({ share, local }: ClusterShareFacts): boolean =>
  share.mount !== undefined && share.mount.point !== '/' && share.mount.id !== local.mount?.id;

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** Who else may change a directory or put another in its place. */
function openToOthers({ passed, trustedOwners }: DirectoryFacts): boolean {
  return passed.some(({ uid, mode }, index) => {
    const open = (mode & WRITABLE_BY_OTHERS) !== 0;
    const sticky = (mode & STICKY) !== 0 && uid === 0 && index < passed.length - 1;
    return !trustedOwners.includes(uid) || (open && !sticky);
  });
}

const rules: readonly Rule<ClusterShareFacts>[] = [
  {
    code: 'cluster-share.path',
    remedy:
      'Choose a directory of its own, such as /srv/agilab/share: plain characters, below no directory of the system.',
    refuses: ({ paths: { share, local, workers } }) => {
      for (const [who, at] of [
        ['share', share],
        ['local directory', local],
      ] as const) {
        const why = wrongSharePath(at);
        if (why !== false) return `the ${who} ${why}`;
      }
      for (const [index, at] of workers.entries()) {
        const why = wrongSharePath(at);
        if (why !== false) return `the path of worker ${index + 1} ${why}`;
      }
      return false;
    },
  },
  {
    code: 'cluster-share.link',
    remedy: 'Name the real path (realpath DIR): a link can be pointed elsewhere.',
    refuses: ({ share, local }) =>
      [share, local].some(({ stopped }) => stopped?.kind === 'symlink') &&
      'a component of a path is a symbolic link',
  },
  {
    code: 'cluster-share.missing',
    remedy: 'Make both directories, and mount the share.',
    refuses: ({ share, local }) =>
      [share, local].some(({ stopped }) => stopped && stopped.kind !== 'symlink') &&
      'a component of a path is not there, or is no directory',
  },
  {
    code: 'cluster-share.same',
    remedy: 'Give the cluster a directory of its own: what workers write must not be what this host keeps.',
    refuses: ({ share, local }) => {
      const identity = identityOf(share);
      return identity !== undefined && identity === identityOf(local) && 'share and local directory are one';
    },
  },
  {
    code: 'cluster-share.nested',
    remedy: 'Put neither into the other, nor mount a part of one as the other.',
    refuses: (facts) => nested(facts) && 'one of share and local directory lies inside the other',
  },
  {
    code: 'cluster-share.not-mounted',
    remedy: 'Mount the share: without its mount, workers and manager see different directories.',
    refuses: (facts) =>
      identityOf(facts.share) !== undefined &&
      !isMounted(facts) &&
      'nothing of its own is mounted for the share',
  },
  {
    code: 'cluster-share.other-mount',
    remedy:
      'Unmount what is there and mount the share; compare findmnt --target DIR with the expected type and source.',
    refuses: (facts) => {
      const {
        share: { mount },
        expected,
      } = facts;
      return (
        isMounted(facts) &&
        mount !== undefined &&
        !(mount.type === expected.type && mount.source === expected.source) &&
        'something else than the expected file system is mounted for the share'
      );
    },
  },
  {
    code: 'cluster-share.open',
    remedy: 'Let this user or root own both directories and those above, and chmod go-w them.',
    refuses: ({ share, local }) =>
      (openToOthers(share) || openToOthers(local)) && 'others may change a directory or replace it',
  },
  {
    code: 'cluster-share.answer-untrusted',
    remedy:
      'Let the worker write its answer as a plain file that it alone may write, as the user of the share.',
    refuses: ({ answer }) => {
      const isThere = answer.file !== undefined || answer.stopped?.kind === 'symlink';
      const why = isThere && distrust(answer);
      return why !== false && `the answer of the worker is not to be believed: ${why}`;
    },
  },
  {
    code: 'cluster-share.no-answer',
    remedy:
      'Write a fresh token into the share and let a worker read it and write it back; see that both mount the same.',
    refuses: ({ answered }) => answered === 'nothing' && 'no worker has answered through the share',
  },
  {
    code: 'cluster-share.other-answer',
    remedy: 'Use a fresh name and token each time: caches and leftovers answer for a share that is gone.',
    refuses: ({ answered }) => answered === 'another token' && 'the answer in the share is to another token',
  },
];

function grant({ paths, share }: ClusterShareFacts): VerifiedShare {
  const identity = identityOf(share);
  if (identity === undefined || !share.mount) throw new TypeError('a grant needs a mounted share');
  const { type, source } = share.mount;
  return Object.freeze({
    path: paths.share,
    identity,
    type,
    source,
    workers: Object.freeze([...paths.workers]),
  });
}

/** Grants a {@link VerifiedShare}: apart from local data, mounted as expected, closed, and answered through. */
export const clusterShare: Guard<ClusterShareRequest, VerifiedShare> = defineHouseGuard({
  id: 'cluster-share',
  dimension: 'architecture_runtime_guardrails',
  request: clusterShareRequest,
  observe: observeShare,
  rules,
  grant,
  method: ({ answer }) => answer.method,
});
