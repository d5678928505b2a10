// The place of a drill: made when the drill asks for it, gone with it, and never made again behind the take-down.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSite } from '../../src/proof/site.ts';

it('has no directory until a drill asks for it', async () => {
  const site = openSite();
  expect(site.fixture.directory).toBeUndefined();
  const { directory } = site;
  expect(site.fixture.directory).toBe(directory);
  expect(site.directory).toBe(directory);
  expect(existsSync(directory)).toBe(true);
  expect(await site.takeDown(10_000)).toBeUndefined();
  expect(existsSync(directory)).toBe(false);
});

it('loses its directory last, whenever that was made', async () => {
  const site = openSite();
  const seen: boolean[] = [];
  let file = '';
  site.onCleanup(() => void seen.push(existsSync(file)));
  file = join(site.directory, 'file');
  writeFileSync(file, '');
  expect(await site.takeDown(10_000)).toBeUndefined();
  expect(seen).toEqual([true]);
});

it('makes none for a drill that was given up', async () => {
  const site = openSite();
  await site.takeDown(10_000);
  expect(() => site.directory).toThrow('the drill has ended');
});
