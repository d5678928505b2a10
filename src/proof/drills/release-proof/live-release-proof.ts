// The request about this very package: its built code beside its sources compiled anew, and the packages under it.
import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ReleaseProofRequest } from '../../../guards/release-proof/release-proof.ts';
import { ownPackage } from '../../own-package.ts';
import { type DrillSite, DrillUnavailable } from '../../proof.ts';

const run = promisify(execFile);

/** Where an installed package lies among those it needs, or where it has them below itself. */
const modulesOf = (root: string): string =>
  basename(dirname(root)) === 'node_modules' ? dirname(root) : join(root, 'node_modules');

/** Returns the request about this package; builds it once more into the directory of the drill: both steps of `npm run build`. */
export async function liveReleaseProof(site: DrillSite): Promise<ReleaseProofRequest> {
  const root = await ownPackage();
  const directory = site.directory;
  const rebuilt = join(directory, 'rebuilt');
  const modules = modulesOf(root);
  const compiler = join(modules, 'typescript/bin/tsc');
  // Types leave nothing in what is written; `npm run check` asks for them.
  const compile = [compiler, '-p', join(root, 'tsconfig.json'), '--noCheck', '--outDir', rebuilt];
  await symlink(modules, join(directory, 'node_modules')); // what is merged names the way to zod: it is the same from here
  const merge = [join(root, 'scripts/merge.mjs'), rebuilt];
  const env = { ...process.env, GOGC: 'off' }; // the compiler is gone before its memory counts: to collect it takes as long as to compile
  for (const step of [compile, merge])
    await run(process.execPath, step, { env }).catch(() => {
      throw new DrillUnavailable('Install what builds it, in a clone of the repository: npm ci.');
    });
  return {
    built: join(root, 'dist'),
    rebuilt,
    modules,
    dependencies: join(root, 'data/dependencies.lock.json'),
  };
}
