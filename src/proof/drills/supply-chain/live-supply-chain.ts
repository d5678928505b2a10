// The request about this very package: its own lock, and an SBOM that npm makes of it now. No report: a drill asks no network.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SupplyChainRequest } from '../../../guards/supply-chain/supply-chain.ts';
import { ownPackage } from '../../own-package.ts';
import { type DrillSite, DrillUnavailable } from '../../proof.ts';

const run = promisify(execFile);

const original = (path: string): Promise<Buffer> =>
  readFile(path).catch(() => {
    throw new DrillUnavailable('Run it in a clone of the repository, which has the lock: git clone, npm ci.');
  });

/** Returns the request about this package; the SBOM lies in the directory of the drill, beside copies of lock and manifest. */
export async function liveSupplyChain(site: DrillSite): Promise<SupplyChainRequest> {
  const root = site.directory;
  const cwd = await ownPackage();
  for (const name of ['package.json', 'package-lock.json'])
    await writeFile(join(root, name), await original(join(cwd, name)), { mode: 0o600 });
  // A second lock would win: the guard refuses one, so it must see it.
  const other = await readFile(join(cwd, 'npm-shrinkwrap.json')).catch(() => undefined);
  if (other) await writeFile(join(root, 'npm-shrinkwrap.json'), other, { mode: 0o600 });
  const options = { cwd: root, maxBuffer: 32 * 1024 * 1024 };
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--offline'];
  const { stdout } = await run('npm', words, options).catch(() => {
    throw new DrillUnavailable('Install npm 10 or newer, which makes an SBOM.');
  });
  await writeFile(join(root, 'sbom.json'), stdout, { mode: 0o600 });
  return { root, lock: { kind: 'npm', path: 'package-lock.json' }, sbom: 'sbom.json', reports: 'none' };
}
