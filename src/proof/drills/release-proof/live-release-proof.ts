// The request about this very package: its built code beside its sources compiled anew, and the packages under it.
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReleaseProofRequest } from '../../../guards/release-proof/release-proof.ts';
import { type DrillSite, DrillUnavailable } from '../../proof.ts';

const run = promisify(execFile);

/** Where an installed package lies among those it needs, or where it has them below itself. */
const modulesOf = (root: string): string =>
  basename(dirname(root)) === 'node_modules' ? dirname(root) : join(root, 'node_modules');

/** Returns the request about this package; compiles its sources into the directory of the drill. */
export async function liveReleaseProof(site: DrillSite): Promise<ReleaseProofRequest> {
  const root = await realpath(fileURLToPath(new URL('../../../../', import.meta.url)));
  const rebuilt = join(await realpath(site.directory), 'rebuilt');
  const modules = modulesOf(root);
  const compiler = join(modules, 'typescript/bin/tsc');
  // Types leave nothing in what is written; `npm run check` asks for them.
  const argv = [compiler, '-p', join(root, 'tsconfig.json'), '--noCheck', '--outDir', rebuilt];
  await run(process.execPath, argv).catch(() => {
    throw new DrillUnavailable('Install the compiler, in a clone of the repository: npm ci.');
  });
  return {
    built: join(root, 'dist'),
    rebuilt,
    modules,
    dependencies: join(root, 'data/dependencies.lock.json'),
  };
}
