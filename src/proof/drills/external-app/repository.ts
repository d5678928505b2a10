// A repository with one commit, made without git, and a drill on it.
import * as fs from 'node:fs';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExternalAppRequest } from '../../../guards/external-app/external-app.ts';
import type { AskedTag } from '../../../guards/external-app/signed-tag.ts';
import type { Drill } from '../../proof.ts';

/** A repository with one commit. */
export interface Repository {
  readonly root: string;
  commit: string;
  /** A tag that is asked for as well. */
  signedTag?: AskedTag;
  /** A program that would leave a mark; the drill fails if it ever ran. */
  readonly program: string;
  /** Writes an object as it is, and returns its name. */
  readonly write: (type: 'blob' | 'tree' | 'commit' | 'tag', content: Buffer) => Promise<string>;
}

export type Change = (repository: Repository) => Promise<unknown>;

const author = { name: 'A Drill', email: 'drill@example.org', timestamp: 1_700_000_000, timezoneOffset: 0 };

/** Makes a repository in an empty directory; returns its commit. */
async function makeRepository(root: string): Promise<string> {
  const { default: git } = await import('isomorphic-git');
  const place = { fs, dir: root };
  await mkdir(join(root, 'src'), { mode: 0o700 });
  await git.init({ ...place, defaultBranch: 'main' });
  await writeFile(join(root, '.gitignore'), 'ignored/\n', { mode: 0o600 });
  await writeFile(join(root, 'README.md'), '# An app\n', { mode: 0o600 });
  await writeFile(join(root, 'src/run.py'), 'print(42)\n', { mode: 0o600 });
  await writeFile(join(root, 'src/tool'), '#!/bin/sh\n', { mode: 0o700 });
  await symlink('src/run.py', join(root, 'run'));
  for (const filepath of ['.gitignore', 'README.md', 'src/run.py', 'src/tool', 'run'])
    await git.add({ ...place, filepath });
  return await git.commit({ ...place, message: 'An app\n', author });
}

/** One entry below the root of a repository. */
interface Laid {
  readonly path: string;
  readonly mode: number;
  /** What a file holds or where a link leads; a directory has neither. */
  readonly bytes?: Buffer;
  readonly link?: string;
}

function entriesBelow(root: string): readonly Laid[] {
  const paths = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort(); // a directory before what is in it
  return paths.map((path) => {
    const at = join(root, path);
    const found = fs.lstatSync(at);
    const mode = found.mode & 0o777;
    if (found.isSymbolicLink()) return { path, mode, link: fs.readlinkSync(at) };
    return found.isFile() ? { path, mode, bytes: fs.readFileSync(at) } : { path, mode };
  });
}

interface Pattern {
  readonly commit: string;
  readonly entries: readonly Laid[];
}

async function makePattern(): Promise<Pattern> {
  const root = await mkdtemp(join(tmpdir(), 'guardrails-drill-'));
  try {
    const commit = await makeRepository(root);
    return { commit, entries: entriesBelow(root) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

let pattern: Promise<Pattern> | undefined;

/** Lays the repository below `root`. It is the same each time, and to make it takes longer than to judge it. */
async function layRepository(root: string, program: string): Promise<Repository> {
  const { default: git } = await import('isomorphic-git');
  pattern ??= makePattern();
  const { commit, entries } = await pattern;
  for (const { path, mode, bytes, link } of entries) {
    const at = join(root, path);
    if (link !== undefined) fs.symlinkSync(link, at);
    else if (bytes) fs.writeFileSync(at, bytes, { mode });
    else fs.mkdirSync(at, { mode });
  }
  const write: Repository['write'] = (type, object) =>
    git.writeObject({ fs, dir: root, type, object, format: 'content' });
  return { root, commit, program, write };
}

/** A drill on a repository that was changed. */
export function drill(
  id: string,
  fault: string,
  expects: string,
  change: Change = async () => {},
): Drill<ExternalAppRequest> {
  const build: Drill<ExternalAppRequest>['build'] = async (site) => {
    // An index holds times and inodes; objects are compressed, by whatever release of zlib is at hand.
    site.unread(/(?:^|\/)(?:\.git|elsewhere)\/(?:.*\/)?(?:index$|objects\/)/);
    const directory = site.directory;
    const mark = join(directory, 'a-program-ran');
    const program = join(directory, 'program');
    await writeFile(program, `#!/bin/sh\n: > '${mark}'\n`, { mode: 0o700 });
    site.onCleanup(() => {
      if (existsSync(mark)) throw new Error('a program of the repository ran');
    });
    const root = join(directory, 'app');
    await mkdir(root, { mode: 0o700 });
    const repository = await layRepository(root, program);
    await change(repository);
    const { commit, signedTag } = repository;
    return { root, commit, ...(signedTag && { signedTag }) };
  };
  return { id, fault, expects, build };
}
