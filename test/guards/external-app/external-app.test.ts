// The guard of external apps on repositories that git itself made, loose and packed, and on whatever lies in a .git.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExternalAppRequest, externalApp } from '../../../src/guards/external-app/external-app.ts';
import { readCommit } from '../../../src/guards/external-app/git-objects.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../../ssh/support.ts';

let directory = '';
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'external-app-')));
});
afterAll(() => rm(directory, { recursive: true }));

const withoutGit = missing('git');
const who = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
};

/** Runs git without any config but the repository's own. */
const git = (root: string, ...words: readonly string[]): string =>
  execFileSync('git', ['-C', root, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      ...who,
    },
  });

async function repository(name: string): Promise<{ root: string; commit: string }> {
  const root = join(directory, name);
  await mkdir(join(root, 'a/b'), { recursive: true, mode: 0o700 });
  git(root, 'init', '--quiet', '--initial-branch=main');
  for (let n = 0; n < 40; n += 1)
    await writeFile(join(root, `a/b/file ${n} \u00e9.txt`), `${'line\n'.repeat(100)}${n}\n`, { mode: 0o600 });
  await writeFile(join(root, 'a/run'), '#!/bin/sh\n', { mode: 0o700 });
  await symlink('b', join(root, 'a/link'));
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message=one');
  await writeFile(join(root, 'a/b/file 0 \u00e9.txt'), `${'line\n'.repeat(100)}changed\n`, { mode: 0o600 });
  git(root, 'commit', '--quiet', '--all', '--message=two');
  return { root, commit: git(root, 'rev-parse', 'HEAD').trim() };
}

describe('what git made', leftOut(withoutGit), () => {
  it('is granted, loose or packed, and has the tree that git says', { timeout: 120_000 }, async () => {
    const { root, commit } = await repository('sound');
    const expected = git(root, 'ls-tree', '-r', '-z', '--full-tree', commit).split('\0').filter(Boolean);
    for (const pack of [false, true]) {
      if (pack) git(root, 'gc', '--quiet', '--aggressive', '--prune=now');
      const { entries } = await readCommit(join(root, '.git'), commit, AbortSignal.timeout(60_000));
      expect(entries.map(({ mode, oid, path }) => `${mode} blob ${oid}\t${path}`).toSorted()).toEqual(
        expected.toSorted(),
      );
      expect(await judge(externalApp, { root, commit })).toMatchObject({ codes: [], decision: 'allow' });
    }
  });

  it('is refused where git status says clean: an edit that is assumed unchanged', async () => {
    const { root, commit } = await repository('assumed');
    git(root, 'update-index', '--assume-unchanged', 'a/run');
    await writeFile(join(root, 'a/run'), '#!/bin/sh\nid\n');
    expect(git(root, 'status', '--porcelain')).toBe('');
    expect((await judge(externalApp, { root, commit })).codes).toEqual(['external-app.other-content']);
  });

  it('is refused at another commit than the pinned one', async () => {
    const { root } = await repository('older');
    const commit = git(root, 'rev-parse', 'HEAD~1').trim();
    expect((await judge(externalApp, { root, commit })).codes).toEqual(['external-app.other-content']);
  });
});

describe('whatever lies in a .git, and whatever is asked', () => {
  it('is answered by a refusal with a code', { timeout: 120_000 }, async () => {
    const root = join(directory, 'odd');
    const commit = 'ab'.repeat(20);
    await mkdir(join(root, '.git/objects/ab'), { recursive: true, mode: 0o700 });
    await mkdir(join(root, '.git/objects/pack'), { mode: 0o700 });
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('[core]\n\tbare = false\n', '[core', '[a "b"]\nc', '\0', 'x = y'),
    );
    const bytes = fc.uint8Array({ maxLength: 300 });
    const asked = fc.oneof({ weight: 3, arbitrary: fc.constant({ root, commit }) }, fc.anything());
    await fc.assert(
      fc.asyncProperty(text, bytes, bytes, asked, async (config, loose, pack, request) => {
        await writeFile(join(root, '.git/config'), config);
        await writeFile(join(root, '.git/objects/ab', 'ab'.repeat(19)), loose);
        for (const end of ['idx', 'pack'])
          await writeFile(join(root, `.git/objects/pack/pack-${commit}.${end}`), pack);
        const { decision, codes } = await judge(externalApp, request as ExternalAppRequest);
        expect(decision).not.toBe('allow');
        expect(codes[0]).toMatch(/^(?:guard|external-app)\./);
      }),
      { numRuns: 80 },
    );
  });
});
