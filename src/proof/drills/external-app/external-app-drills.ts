// Repositories that are not what they seem, made without git: plants that start a program with the next git command, borrowed
// objects, and work trees that `git status` calls clean.

import * as fs from 'node:fs';
import { appendFile, chmod, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ExternalAppRequest, OBEYED } from '../../../guards/external-app/external-app.ts';
import type { Drill } from '../../proof.ts';
import { type Change, drill } from './repository.ts';
import { signedTagDrills } from './signed-tag-drills.ts';

/** Adds to the repository's own config. */
const config =
  (text: (program: string) => string): Change =>
  ({ root, program }) =>
    appendFile(join(root, '.git/config'), text(program));
const put =
  (path: string, text: string, mode = 0o600): Change =>
  async ({ root }) => {
    await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(root, path), text, { mode });
  };

const plants: readonly (readonly [id: string, fault: string, text: (program: string) => string])[] = [
  ['filter', 'a filter that status and diff start', (p) => `[filter "x"]\n\tclean = ${p}\n\tsmudge = ${p}\n`],
  ['external-diff', 'a program that diff starts', (p) => `[diff]\n\texternal = ${p}\n`],
  ['textconv', 'a converter that show starts', (p) => `[diff "x"]\n\ttextconv = ${p}\n`],
  [
    'gpg-program',
    'a program that log starts to show signatures',
    (p) => `[gpg]\n\tprogram = ${p}\n[log]\n\tshowSignature = true\n`,
  ],
  ['ext-remote', 'a remote that is a command', (p) => `[remote "origin"]\n\turl = ext::${p}\n`],
  ['ext-protocol', 'leave for remotes that are commands', () => '[protocol "ext"]\n\tallow = always\n'],
  [
    'upload-pack',
    'a partial clone whose remote starts a program',
    (p) => `[remote "origin"]\n\tpromisor = true\n\tuploadpack = ${p}\n`,
  ],
  ['fsmonitor', 'a monitor that status starts', (p) => `[core]\n\tfsmonitor = ${p}\n`],
  ['fsmonitor-on-one-line', 'the same on the line of its section', (p) => `[core] fsmonitor = ${p}\n`],
  ['hooks-path', 'hooks in another place', () => '[core]\n\thooksPath = src\n'],
  ['include', 'a config that takes in another', () => '[include]\n\tpath = ../src/config\n'],
  [
    'include-if',
    'a config that takes in another under a condition',
    () => '[includeIf "gitdir:/"]\n\tpath = ../src/config\n',
  ],
  ['ssh-command', 'a program instead of ssh', (p) => `[core]\n\tsshCommand = ${p}\n`],
  ['credential-helper', 'a program that asks for credentials', (p) => `[credential]\n\thelper = !${p}\n`],
  ['alias', 'a command that is a program', (p) => `[alias]\n\tst = !${p}\n`],
  ['worktree', 'a work tree in another place', () => '[core]\n\tworktree = /tmp\n'],
  [
    'option-as-remote',
    'a remote that ssh would read as an option',
    (p) => `[remote "o"]\n\turl = ssh://-oProxyCommand=${p}/x\n`,
  ],
  [
    'continued-line',
    'a value that goes on in the next line',
    (p) => `[user]\n\tname = a\\\n[core]\n\tfsmonitor = ${p}\n`,
  ],
];

const treeOf = (...entries: readonly (readonly [mode: string, name: string, oid: string])[]): Buffer =>
  Buffer.concat(
    entries.flatMap(([mode, name, oid]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
  );

/** Pins a commit whose tree holds one file under these names. */
const withTree =
  (...names: readonly (readonly [mode: string, name: string])[]): Change =>
  async (repository) => {
    const blob = await repository.write('blob', Buffer.from('x\n'));
    const tree = await repository.write(
      'tree',
      treeOf(...names.map(([mode, name]) => [mode, name, blob] as const)),
    );
    const who = 'A Drill <drill@example.org> 1700000000 +0000';
    const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nodd\n`;
    repository.commit = await repository.write('commit', Buffer.from(text));
  };

/** Pins a commit with these files in a directory. */
const withDirectory =
  (...names: readonly string[]): Change =>
  async (repository) => {
    const blob = await repository.write('blob', Buffer.from('x\n'));
    const below = treeOf(...names.map((name) => ['100644', name, blob] as const));
    const tree = treeOf(['40000', 'docs', await repository.write('tree', below)]);
    const who = 'A Drill <drill@example.org> 1700000000 +0000';
    const head = `tree ${await repository.write('tree', tree)}\nauthor ${who}\ncommitter ${who}\n\nodd\n`;
    repository.commit = await repository.write('commit', Buffer.from(head));
  };

const objectPath = (oid: string): string => join('.git/objects', oid.slice(0, 2), oid.slice(2));

export const externalAppDrills: readonly Drill<ExternalAppRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill(
    'cloned',
    'none: a config as clone writes it',
    'allow',
    config(
      () =>
        '[remote "origin"]\n\turl = https://git.example.org/app.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n',
    ),
  ),
  drill(
    'sample-hooks',
    'none: the samples of hooks that git brings',
    'allow',
    put('.git/hooks/pre-commit.sample', '#!/bin/sh\n'),
  ),

  drill('no-such-place', 'a work tree that does not exist', 'external-app.not-a-directory', ({ root }) =>
    rm(root, { recursive: true }),
  ),
  drill('linked-tree', 'a work tree that is a link', 'external-app.not-a-directory', async ({ root }) => {
    await rename(root, `${root}-real`);
    await symlink('app-real', root);
  }),
  drill('open-file', 'a file that anyone may write', 'external-app.open', ({ root }) =>
    chmod(join(root, 'src/run.py'), 0o666),
  ),
  drill('open-above', 'anyone may replace the work tree', 'external-app.open', ({ root }) =>
    chmod(dirname(root), 0o777),
  ),
  {
    id: 'dot-dot',
    fault: 'a path that leaves the work tree and comes back',
    expects: 'external-app.not-a-directory',
    build: async (site) => {
      const request = await drill('sound', 'none', 'allow').build(site);
      return { ...request, root: `${request.root}/../app` };
    },
  },
  drill('open-directory', 'a directory that anyone may write', 'external-app.open', ({ root }) =>
    chmod(join(root, 'src'), 0o777),
  ),
  drill('no-git', 'no repository', 'external-app.no-repository', ({ root }) =>
    rm(join(root, '.git'), { recursive: true }),
  ),
  drill(
    'git-file',
    'a .git that is a file and names another place',
    'external-app.git-elsewhere',
    async ({ root }) => {
      await rename(join(root, '.git'), join(root, '../elsewhere'));
      await writeFile(join(root, '.git'), 'gitdir: ../elsewhere\n', { mode: 0o600 });
    },
  ),
  drill('git-link', 'a .git that is a link', 'external-app.git-elsewhere', async ({ root }) => {
    await rename(join(root, '.git'), join(root, '../elsewhere'));
    await symlink('../elsewhere', join(root, '.git'));
  }),

  ...plants.map(([id, fault, text]) => drill(id, fault, 'external-app.config', config(text))),
  drill('no-config', 'no config at all', 'external-app.config', ({ root }) =>
    unlink(join(root, '.git/config')),
  ),
  drill('linked-config', 'a config that is a link', 'external-app.config', async ({ root }) => {
    await rename(join(root, '.git/config'), join(root, '../config'));
    await symlink('../../config', join(root, '.git/config'));
  }),
  drill(
    'config-of-worktree',
    'a monitor in the config of the work tree',
    'external-app.config',
    put('.git/config.worktree', '[core]\n\tfsmonitor = x\n'),
  ),
  drill(
    'attributes',
    'attributes beside the commit',
    'external-app.config',
    put('.git/info/attributes', '* filter=x\n'),
  ),
  drill('hook', 'a hook', 'external-app.hook', put('.git/hooks/post-index-change', '#!/bin/sh\n', 0o700)),

  drill(
    'alternates',
    'objects of another repository',
    'external-app.borrowed-objects',
    put('.git/objects/info/alternates', '/srv/objects\n'),
  ),
  drill(
    'http-alternates',
    'objects of another repository, by their locator',
    'external-app.borrowed-objects',
    put('.git/objects/info/http-alternates', 'https://example.org/objects\n'),
  ),
  drill(
    'commondir',
    'objects and names of another work tree',
    'external-app.borrowed-objects',
    put('.git/commondir', '/srv/app/.git\n'),
  ),
  drill(
    'grafts',
    'commits with other parents',
    'external-app.borrowed-objects',
    put('.git/info/grafts', '\n'),
  ),
  drill(
    'replace',
    'an object that stands for another',
    'external-app.borrowed-objects',
    put(`.git/refs/replace/${'a'.repeat(40)}`, `${'b'.repeat(40)}\n`),
  ),
  drill(
    'packed-replace',
    'the same among packed refs',
    'external-app.borrowed-objects',
    put('.git/packed-refs', `${'b'.repeat(40)} refs/replace/${'a'.repeat(40)}\n`),
  ),
  drill(
    'promisor',
    'a pack whose rest is somewhere else',
    'external-app.borrowed-objects',
    put('.git/objects/pack/pack-0.promisor', ''),
  ),
  drill('linked-objects', 'objects in another place', 'external-app.borrowed-objects', async ({ root }) => {
    await rename(join(root, '.git/objects'), join(root, '../objects'));
    await symlink('../../objects', join(root, '.git/objects'));
  }),

  drill('absent-commit', 'a commit that is not there', 'external-app.no-commit', async (repository) => {
    repository.commit = 'a'.repeat(40);
  }),
  drill(
    'tree-as-commit',
    'the name of a tree in place of a commit',
    'external-app.no-commit',
    async (repository) => {
      repository.commit = await repository.write('tree', treeOf());
    },
  ),
  drill(
    'swapped-object',
    'another commit under the name of the pinned one',
    'external-app.no-commit',
    async (repository) => {
      const other = await repository.write('commit', Buffer.from(`tree ${'0'.repeat(40)}\n\nother\n`));
      const pinned = join(repository.root, objectPath(repository.commit));
      await rm(pinned, { force: true });
      await rename(join(repository.root, objectPath(other)), pinned);
    },
  ),

  ...[...OBEYED].map((name) =>
    drill(
      `inside-${name}`,
      'a directory that git takes for a repository',
      'external-app.repository-inside',
      withDirectory('HEAD', name),
    ),
  ),
  drill(
    'inside-any-case',
    'the same on a file system where case does not count',
    'external-app.repository-inside',
    withDirectory('Config', 'Head'),
  ),
  drill(
    'dot-git',
    'a commit with a file called .GIT',
    'external-app.unsafe-name',
    withTree(['100644', '.GIT']),
  ),
  drill(
    'hidden-dot-git',
    'the same with a character that shows nothing',
    'external-app.unsafe-name',
    withTree(['100644', '.g\u200cit']),
  ),
  drill(
    'short-name',
    'the same by its short name of Windows',
    'external-app.unsafe-name',
    withTree(['100644', 'GIT~1']),
  ),
  drill(
    'way-out',
    'a commit with a name that leads out',
    'external-app.unsafe-name',
    withTree(['100644', '..']),
  ),
  drill('submodule', 'a commit with a submodule', 'external-app.submodule', withTree(['160000', 'module'])),
  drill(
    'same-in-other-case',
    'two names that differ in case',
    'external-app.colliding-names',
    withTree(['100644', 'README'], ['100644', 'readme']),
  ),
  drill(
    'same-in-other-form',
    'two names that differ in Unicode form',
    'external-app.colliding-names',
    withTree(['100644', '\u00e9'], ['100644', 'e\u0301']),
  ),

  drill('link-out', 'a link out of the work tree', 'external-app.link-out', async ({ root }) => {
    await unlink(join(root, 'run'));
    await symlink('../../etc/passwd', join(root, 'run'));
  }),
  drill('missing-file', 'a file of the commit that is gone', 'external-app.missing-file', ({ root }) =>
    unlink(join(root, 'README.md')),
  ),
  drill(
    'extra-file',
    'a file that is not in the commit',
    'external-app.extra-file',
    put('src/extra.py', 'x\n'),
  ),
  drill(
    'ignored-file',
    'a file that the repository ignores',
    'external-app.extra-file',
    put('ignored/extra.py', 'x\n'),
  ),
  drill(
    'excluded-file',
    'a file that only this clone ignores',
    'external-app.extra-file',
    async (repository) => {
      await put('.git/info/exclude', 'extra.py\n')(repository);
      await put('extra.py', 'x\n')(repository);
    },
  ),
  drill(
    'nested-repository',
    'another repository inside',
    'external-app.extra-file',
    put('src/nested/.git/HEAD', 'x\n'),
  ),
  drill('edited', 'a file that was edited', 'external-app.other-content', put('src/run.py', 'print(43)\n')),
  drill(
    'edited-with-old-times',
    'an edit of the same size under the old times',
    'external-app.other-content',
    async ({ root }) => {
      const path = join(root, 'src/run.py');
      const { atime, mtime } = fs.statSync(path);
      await writeFile(path, 'print(43)\n');
      await utimes(path, atime, mtime);
    },
  ),
  drill(
    'link-to-another',
    'a link that leads to another file',
    'external-app.other-content',
    async ({ root }) => {
      await unlink(join(root, 'run'));
      await symlink('src/tool', join(root, 'run'));
    },
  ),
  drill('made-executable', 'a file that runs where it should not', 'external-app.other-mode', ({ root }) =>
    chmod(join(root, 'src/run.py'), 0o700),
  ),
  drill(
    'file-for-link',
    'a file that holds what a link said',
    'external-app.other-mode',
    async ({ root }) => {
      await unlink(join(root, 'run'));
      await writeFile(join(root, 'run'), 'src/run.py', { mode: 0o600 });
    },
  ),
  drill(
    'long-packed-refs',
    'more packed refs than anyone reads, one of which stands for another object',
    'external-app.borrowed-objects',
    put(
      '.git/packed-refs',
      `${`${'b'.repeat(40)} refs/tags/t\n`.repeat(20_000)}${'b'.repeat(40)} refs/replace/${'a'.repeat(40)}\n`,
    ),
  ),
  ...signedTagDrills,
];
