// A drill whose files nobody could trust where it would put them is not built there: no failure, and no pass.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DrillUnavailable } from '../../src/proof/proof.ts';
import { trustedDirectory } from '../../src/proof/trusted-directory.ts';
import { siteIn } from '../drill-site.ts';

function siteBelow(mode: number): string {
  const above = realpathSync(mkdtempSync(join(tmpdir(), `trusted " '-`)));
  onTestFinished(() => rmSync(above, { recursive: true }));
  const directory = join(above, 'site');
  mkdirSync(directory);
  chmodSync(above, mode);
  return directory;
}
const at = (directory: string): Promise<string> => trustedDirectory(siteIn(directory));

it('is the directory itself below one of our own, whatever its name', async () => {
  const directory = siteBelow(0o700);
  expect(await at(directory)).toBe(directory);
});

it.each([0o777, 0o770])('is none below a directory of ours with mode %o', async (mode) => {
  await expect(at(siteBelow(mode))).rejects.toThrow(DrillUnavailable);
});
