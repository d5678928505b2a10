// What lies below a directory is listed up to a bound: somebody may name a whole file system.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { entriesBelow } from '../../../src/guards/planes/entries-below.ts';

it('lists all that lies below, follows no link, and stops at its bound', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'guardrails-test-')));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'a/b'), { recursive: true });
  await writeFile(join(root, 'a/b/file'), '');
  await symlink('/', join(root, 'a/link'));
  const names = (await entriesBelow(root, 4))?.map(({ name }) => name).sort();
  expect(names).toEqual(['a', 'b', 'file', 'link']);
  expect(await entriesBelow(root, 3)).toBeUndefined();
  expect(await entriesBelow('/', 1_000)).toBeUndefined();
  await expect(entriesBelow(join(root, 'none'), 1)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(entriesBelow(root, 4, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
});
