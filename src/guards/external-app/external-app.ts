// Guards an app that came as a git repository: its work tree is, file by file, the tree of the commit that somebody pinned, and
// nothing in .git would start a program of its own.
import * as z from 'zod';
import { type DirectoryFacts, observeDirectory } from '../../files/directory.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { shownPath } from '../shown-path.ts';
import { type GitDirectory, observeGitDirectory } from './git-directory.ts';
import { type CommitTree, ObjectFault, readCommit, type TreeEntry } from './git-objects.ts';
import { type AskedTag, observeSignedTag, type SignedTag } from './signed-tag.ts';
import { observeWorkTree, type WorkFile, type WorkTree } from './work-tree.ts';

export interface ExternalAppRequest {
  /** Absolute real path of the work tree. */
  readonly root: string;
  /** The pinned commit: 40 hex digits, from where the repository cannot reach. A branch or tag pins nothing. */
  readonly commit: string;
  /** A tag that must name this commit, and who may have signed it. */
  readonly signedTag?: AskedTag | undefined;
}

export interface ExternalAppFacts {
  readonly asked: ExternalAppRequest;
  readonly root: DirectoryFacts;
  readonly git: GitDirectory;
  readonly commit: CommitTree | undefined;
  readonly commitFault?: string;
  /** Absent when none was asked for. */
  readonly tag?: SignedTag | undefined;
  readonly work: WorkTree;
}

/** Names that git takes for a ref and every file system for a path, and no others. */
const TAG = /^(?!.*(?:\.\.|\.lock(?:\/|$)|\.(?:\/|$)))(?:[\w@][\w.@+-]*\/)*[\w@][\w.@+-]*$/;

const externalAppRequest: z.ZodType<ExternalAppRequest> = z.strictObject({
  root: absolutePath,
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  signedTag: z
    .strictObject({
      name: z.string().max(200).regex(TAG),
      allowedSigners: z.string().max(65_536),
    })
    .optional(),
});

async function read(
  root: string,
  commit: string,
  signal: AbortSignal,
): Promise<Pick<ExternalAppFacts, 'commit' | 'commitFault'>> {
  try {
    return { commit: await readCommit(`${root}/.git`, commit, signal) };
  } catch (error) {
    if (error instanceof ObjectFault) return { commit: undefined, commitFault: error.message };
    throw error;
  }
}

/** Looks at the repository; starts nothing. */
export async function observeExternalApp(
  asked: ExternalAppRequest,
  signal: AbortSignal,
): Promise<ExternalAppFacts> {
  const { root, commit, signedTag } = asked;
  const directory = await observeDirectory(root);
  const nothing: WorkTree = { files: [], openDirectory: false };
  if (!directory.plainPath || directory.stopped)
    return {
      asked,
      root: directory,
      git: { kind: 'missing', hook: false },
      commit: undefined,
      work: nothing,
    };
  const git = await observeGitDirectory(root);
  const found = git.kind === 'directory' ? await read(root, commit, signal) : { commit: undefined };
  const tag =
    signedTag && git.kind === 'directory'
      ? await observeSignedTag(`${root}/.git`, commit, signedTag)
      : undefined;
  return { asked, root: directory, git, ...found, tag, work: await observeWorkTree(root, signal) };
}

export const FILE_MODES: ReadonlySet<string> = new Set(['100644', '100755', '120000']);
/** git's own name under any case and with the characters that file systems drop (HFS+, NTFS), and ways out. */
const UNSAFE = /^(?:\.{1,2}|git~\d+|\.git[ .]*(?::.*)?|)$/i;

const folded = (path: string): string => path.normalize('NFC').toLowerCase().normalize('NFC');

function isUnsafe({ path }: TreeEntry): boolean {
  // Characters that HFS+ ignores make another spelling of .git.
  return path.split('/').some((name) => UNSAFE.test(name.replaceAll(/\p{Cf}/gu, '')) || name.includes('\\'));
}

/** What beside a HEAD makes git start programs, or look for them elsewhere. */
export const OBEYED: ReadonlySet<string> = new Set(['config', 'hooks', 'commondir']);

/** Whether a directory of the commit is a bare repository to git, which obeys what lies there in every directory below. */
function hasRepository(entries: ReadonlyMap<string, TreeEntry>): boolean {
  const names = new Set(
    [...entries.keys()].flatMap((path) => {
      const parts = folded(path).split('/');
      return parts.map((_name, at) => parts.slice(0, at + 1).join('/'));
    }),
  );
  return [...names].some(
    (name) => name.endsWith('/head') && [...OBEYED].some((other) => names.has(name.replace(/head$/, other))),
  );
}

/** A rule over the names of the commit beside those of the work tree. */
function compare(
  code: string,
  remedy: string,
  wrong: (
    entries: ReadonlyMap<string, TreeEntry>,
    files: ReadonlyMap<string, WorkFile>,
  ) => string | undefined,
): Rule<ExternalAppFacts> {
  return {
    code,
    remedy,
    refuses: ({ commit, work }) => {
      if (!commit) return false;
      const entries = new Map(commit.entries.map((entry) => [entry.path, entry]));
      return wrong(entries, new Map(work.files.map((file) => [file.path, file]))) ?? false;
    },
  };
}

/** A rule over the tag, where one was asked for. */
const ofTag = (
  code: string,
  remedy: string,
  wrong: (tag: SignedTag) => string | false,
): Rule<ExternalAppFacts> => ({ code, remedy, refuses: ({ tag }) => tag !== undefined && wrong(tag) });

const CLONE = 'Clone it anew into a fresh directory, and check out the pinned commit there.';
const UNSET = 'Look at what it sets before any git runs there; then clone anew with a plain config.';
const SIGN = 'Ask for the tag to be signed anew: git -c gpg.format=ssh tag --sign NAME COMMIT.';
const PIN = 'Take the commit from where you keep your pins, and fetch it: git fetch origin COMMIT.';

const rules: readonly Rule<ExternalAppFacts>[] = [
  {
    code: 'external-app.not-a-directory',
    remedy: 'Name the work tree by its real path (realpath DIR).',
    refuses: ({ root: { plainPath, stopped } }) =>
      !(plainPath && stopped === undefined) && 'the work tree is no directory, or is reached through a link',
  },
  {
    code: 'external-app.open',
    remedy: 'Let root or this user own the work tree and all above it, and chmod -R go-w.',
    refuses: ({ root: { passed, trustedOwners }, work }) => {
      const above = passed.some(({ uid, mode }, index) => {
        const sticky = index < passed.length - 1 && (mode & 0o1000) !== 0 && uid === 0;
        return !trustedOwners.includes(uid) || ((mode & 0o022) !== 0 && !sticky);
      });
      const open = above || work.openDirectory || work.files.some((file) => file.open);
      return open && 'others own or may write a file of the app, or a directory from / down to it';
    },
  },
  {
    code: 'external-app.no-repository',
    remedy: CLONE,
    refuses: ({ git, root: { plainPath, stopped } }) =>
      git.kind === 'missing' && plainPath && stopped === undefined && 'there is no .git',
  },
  {
    code: 'external-app.git-elsewhere',
    remedy: CLONE,
    refuses: ({ git }) => git.kind === 'elsewhere' && '.git is no directory, and leads to another place',
  },
  {
    code: 'external-app.config',
    remedy: UNSET,
    refuses: ({ git: { configFault } }) =>
      configFault !== undefined && `the config is no plain clone's: ${configFault}`,
  },
  {
    code: 'external-app.hook',
    remedy: UNSET,
    refuses: ({ git }) => git.hook && 'there is a hook that git would run',
  },
  {
    code: 'external-app.borrowed-objects',
    remedy: CLONE,
    refuses: ({ git: { borrowed } }) =>
      borrowed !== undefined && `objects come from elsewhere, or stand for others (${borrowed})`,
  },
  {
    code: 'external-app.no-commit',
    remedy: PIN,
    refuses: ({ commitFault }) =>
      commitFault !== undefined && `the pinned commit is not whole here: ${commitFault}`,
  },
  ofTag(
    'external-app.no-tag',
    'Fetch it: git fetch origin tag NAME. A tag without --annotate or --sign is no object.',
    ({ fault }) => fault !== undefined && `the signed tag is not whole here: ${fault}`,
  ),
  ofTag(
    'external-app.other-tag',
    'Ask for a signed tag of this name and of the pinned commit.',
    ({ namesOther }) => namesOther !== undefined && `the tag itself names another ${namesOther}`,
  ),
  ofTag(
    'external-app.allowed-signers',
    'Write each line as ssh-keygen(1) says: principals, namespaces="git", times in UTC (20260101Z), type, key.',
    ({ listFault }) => listFault !== undefined && `the list of allowed signers cannot be read: ${listFault}`,
  ),
  ofTag(
    'external-app.no-signature',
    SIGN,
    ({ signatureFault }) => signatureFault !== undefined && `what ends the tag ${signatureFault}`,
  ),
  ofTag(
    'external-app.other-signer',
    'Do not use it; or ask the signer by another way, and add the key to the list.',
    ({ notAllowed }) => notAllowed !== undefined && `the key that claims to have signed ${notAllowed}`,
  ),
  ofTag(
    'external-app.forged-signature',
    'Do not use this repository.',
    ({ isForged }) =>
      isForged === true && 'the signature is not of this tag, or not by the key that it names',
  ),
  compare('external-app.unsafe-name', 'Do not use this repository.', (entries) => {
    const bad = [...entries.values()].find(isUnsafe);
    return bad && 'the commit has a name that stands for .git, or leads out of the tree';
  }),
  compare('external-app.repository-inside', 'Do not use this repository.', (entries) =>
    hasRepository(entries)
      ? 'a directory of the commit is a repository to git, with a config or hooks of its own'
      : undefined,
  ),
  compare('external-app.submodule', 'Pin what is needed as an app of its own.', (entries) => {
    const bad = [...entries.values()].find(({ mode }) => !FILE_MODES.has(mode));
    return bad && `${shownPath(bad.path)} is a submodule, or of a kind that is unknown here`;
  }),
  compare('external-app.colliding-names', 'Do not use this repository.', (entries) => {
    const seen = new Set([...entries.keys()].map(folded));
    return seen.size < entries.size
      ? 'two names of the commit are one where case or form does not count'
      : undefined;
  }),
  compare('external-app.link-out', 'Do not use this repository.', (_entries, files) => {
    const bad = [...files.values()].find(({ leadsOut }) => leadsOut);
    return bad && `the link ${shownPath(bad.path)} leads out of the work tree`;
  }),
  compare('external-app.missing-file', CLONE, (entries, files) => {
    const gone = [...entries.keys()].find((path) => !files.has(path));
    return gone === undefined ? undefined : `${shownPath(gone)} of the commit is not there`;
  }),
  compare('external-app.extra-file', CLONE, (entries, files) => {
    const extra = [...files.keys()].find((path) => !entries.has(path));
    return extra === undefined ? undefined : `${shownPath(extra)} is not in the commit`;
  }),
  compare('external-app.other-content', CLONE, (entries, files) => {
    const bad = [...entries.values()].find(
      ({ path, oid }) => files.has(path) && files.get(path)?.oid !== oid,
    );
    return bad && `${shownPath(bad.path)} holds something else than in the commit`;
  }),
  compare('external-app.other-mode', CLONE, (entries, files) => {
    const bad = [...entries.values()].find(
      ({ path, mode }) => files.has(path) && files.get(path)?.mode !== mode,
    );
    return bad && `${shownPath(bad.path)} is of another kind, or runs where it should not`;
  }),
];

/** An app that is the tree of a pinned commit. */
export interface PinnedApp {
  readonly root: string;
  readonly commit: string;
  /** SHA-1 of its tree, hex. */
  readonly tree: string;
  readonly files: number;
  /** Who may have signed the tag, as the list names them: the principals of each line with its key. */
  readonly signers?: readonly string[];
}

/** Grants a {@link PinnedApp} when work tree and commit are one. */
export const externalApp: Guard<ExternalAppRequest, PinnedApp> = defineHouseGuard({
  id: 'external-app',
  dimension: 'architecture_runtime_guardrails',
  request: externalAppRequest,
  observe: observeExternalApp,
  rules,
  grant: ({ commit, asked, tag }) => {
    if (!commit) throw new TypeError('a grant needs a commit');
    return Object.freeze({
      root: asked.root,
      commit: asked.commit,
      tree: commit.tree,
      files: commit.entries.length,
      ...(tag?.principals && { signers: Object.freeze([...tag.principals]) }),
    });
  },
  subject: ({ asked }) => ({ kind: 'git-commit', name: asked.commit }),
  method: ({ root }) => root.method,
});
