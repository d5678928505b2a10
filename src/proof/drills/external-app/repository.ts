// A repository with one commit, made without git, and a drill on it.
import * as fs from 'node:fs';
import { existsSync } from 'node:fs';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
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

async function makeRepository(root: string, program: string): Promise<Repository> {
  const { default: git } = await import('isomorphic-git');
  const place = { fs, dir: root };
  await mkdir(join(root, 'src'), { recursive: true, mode: 0o700 });
  await git.init({ ...place, defaultBranch: 'main' });
  await writeFile(join(root, '.gitignore'), 'ignored/\n', { mode: 0o600 });
  await writeFile(join(root, 'README.md'), '# An app\n', { mode: 0o600 });
  await writeFile(join(root, 'src/run.py'), 'print(42)\n', { mode: 0o600 });
  await writeFile(join(root, 'src/tool'), '#!/bin/sh\n', { mode: 0o700 });
  await symlink('src/run.py', join(root, 'run'));
  for (const filepath of ['.gitignore', 'README.md', 'src/run.py', 'src/tool', 'run'])
    await git.add({ ...place, filepath });
  const commit = await git.commit({ ...place, message: 'An app\n', author });
  const write: Repository['write'] = (type, object) =>
    git.writeObject({ ...place, type, object, format: 'content' });
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
    const directory = await realpath(site.directory); // the place for temporary files may be a link
    const mark = join(directory, 'a-program-ran');
    const program = join(directory, 'program');
    await writeFile(program, `#!/bin/sh\n: > '${mark}'\n`, { mode: 0o700 });
    site.onCleanup(() => {
      if (existsSync(mark)) throw new Error('a program of the repository ran');
    });
    const root = join(directory, 'app');
    await mkdir(root, { mode: 0o700 });
    const repository = await makeRepository(root, program);
    await change(repository);
    const { commit, signedTag } = repository;
    return { root, commit, ...(signedTag && { signedTag }) };
  };
  return { id, fault, expects, build };
}
