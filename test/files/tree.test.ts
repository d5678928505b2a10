// The look at a tree, against `find` and `sha256sum`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fdWalk, pathWalk } from '../../src/files/descent.ts';
import { observeTree, type TreeOptions } from '../../src/files/tree.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'tree-')));
afterAll(() => rmSync(root, { recursive: true }));
const BOUNDS: TreeOptions = {
  maxEntries: 100,
  maxDepth: 8,
  maxFileBytes: 1_000_000,
  maxTotalBytes: 2_000_000,
};

mkdirSync(join(root, 'all/a/b/empty'), { recursive: true });
writeFileSync(join(root, 'all/a/b/x.bin'), Buffer.alloc(700_000, 7));
writeFileSync(join(root, 'all/a.txt'), 'text');
writeFileSync(join(root, 'all/ \n$(x)'), 'an odd name');
symlinkSync('/etc', join(root, 'all/link'));
execFileSync('mkfifo', [join(root, 'all/pipe')]);

describe.each([fdWalk, pathWalk])('$name', (method) => {
  const look = (options: Partial<TreeOptions> = {}, folder = ['all']) =>
    observeTree(root, folder, { ...BOUNDS, ...options }, method);

  it('finds what find finds, and follows nothing', async () => {
    const found = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], {
      cwd: join(root, 'all'),
    })
      .toString()
      .split('\0')
      .filter((path) => path !== '');
    const { entries, complete } = await look();
    expect(entries.map(({ path }) => path).toSorted()).toEqual(found.toSorted());
    expect(complete).toBe(true);
    const kinds = Object.fromEntries(
      entries.map(({ path, facts }) => [path, facts.stopped?.kind ?? facts.file?.kind ?? 'directory']),
    );
    expect(kinds).toMatchObject({ link: 'symlink', pipe: 'other', a: 'directory', 'a/b/empty': 'directory' });
  });

  it('hashes as sha256sum does, and keeps only what was asked for', async () => {
    const { entries } = await look({ keep: new Map([['a.txt', 10]]) });
    for (const { path, facts } of entries) {
      if (facts.digest === undefined) continue;
      const [sum] = execFileSync('sha256sum', ['--zero', path], {
        cwd: join(root, 'all'),
        encoding: 'utf8',
      }).split(' ');
      expect(facts).toMatchObject({ digest: sum, unchanged: true });
      expect(facts.bytes?.toString()).toBe(path === 'a.txt' ? 'text' : undefined);
    }
    expect(entries.filter(({ facts }) => facts.digest !== undefined)).toHaveLength(3);
  });

  it.each<[string, Partial<TreeOptions>]>([
    ['entries', { maxEntries: 3 }],
    ['depth', { maxDepth: 2 }],
    ['bytes', { maxTotalBytes: 1_000 }],
  ])('says that it is not complete when the bound of %s was met', async (_what, bound) => {
    expect((await look(bound)).complete).toBe(false);
  });

  it('leaves a file over its bound unread', async () => {
    const { entries } = await look({ maxFileBytes: 1_000 });
    const big = entries.find(({ path }) => path === 'a/b/x.bin');
    expect(big?.facts).toMatchObject({ file: { size: 700_000 }, maxBytes: 1_000 });
    expect(big?.facts.digest).toBeUndefined();
  });

  it('ends at a link and at a path that could leave the root', async () => {
    expect((await look({}, ['all', 'link'])).place.stopped).toEqual({ at: 'directory', kind: 'symlink' });
    expect((await look({}, ['all', '..'])).place.plainPath).toBe(false);
  });
});
