// Guards the belief that what runs here is what was released: the built code is what the sources compile to, and every file of
// every production package is the one that came in its tarball.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { buildInfoIn } from '../../evidence/code-digest.ts';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { readBounded } from '../../evidence/files.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { dependenciesLock, type LockedDependency } from './dependencies-lock.ts';
import { type InstalledPackage, type ReleaseProofFacts, releaseProofRules } from './release-proof-rules.ts';
import { digestOfPackage, digestTree, type TreeDigests } from './tree-digests.ts';

export interface ReleaseProofRequest {
  /** Absolute path of the built code. */
  readonly built: string;
  /** Absolute path of the same sources, compiled just now by somebody who is believed. */
  readonly rebuilt: string;
  /** Absolute path of the node_modules in which the production packages lie. */
  readonly modules: string;
  /** Absolute path of the list, `agilab.dependencies_lock.v1`. */
  readonly dependencies: string;
}

const releaseProofRequest: z.ZodType<ReleaseProofRequest> = z.strictObject({
  built: absolutePath,
  rebuilt: absolutePath,
  modules: absolutePath,
  dependencies: absolutePath,
});

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_MANIFEST_BYTES = 1_048_576;

/**
 * All that Node or a compiler could load, whatever its name: a package that lies beside the code comes before the one above
 * it. Source maps name the way back to the sources, which depends on where the code was built to.
 */
const isCompiled = (file: string): boolean => !file.endsWith('.map') && file !== BUILD_INFO;

/** Written by the build about itself, after it compiled. */
const BUILD_INFO = 'evidence/build-info.js';

/** The built code; what the build says of itself stands beside it only where it could do something. */
async function readBuilt(built: string, signal: AbortSignal): Promise<TreeDigests | undefined> {
  const tree = await digestTree(built, isCompiled, signal);
  try {
    const said = await readBounded(join(built, BUILD_INFO), { maxBytes: 4_096 });
    if (buildInfoIn(said.toString('utf8'))) return tree;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return tree;
  }
  return tree && new Map([...tree, [BUILD_INFO, 'no data']]);
}

async function readLock(file: string): Promise<Pick<ReleaseProofFacts, 'lock' | 'lockFault'>> {
  try {
    const limits = { maxBytes: MAX_LOCK_BYTES };
    const { success, data } = dependenciesLock.safeParse(
      parseStrictJson(await readBounded(file, limits), limits),
    );
    return success ? { lock: data } : { lock: undefined, lockFault: 'it departs from its format' };
  } catch (error) {
    return { lock: undefined, lockFault: error instanceof CodedError ? error.message : errnoOf(error) };
  }
}

const packageJson = z.object({
  version: z.string(),
  scripts: z.record(z.string(), z.unknown()).optional(),
  gypfile: z.boolean().optional(),
});
/** What npm runs when it installs a package from a registry. */
export const INSTALL_SCRIPTS: ReadonlySet<string> = new Set(['preinstall', 'install', 'postinstall']);

async function readManifest(directory: string): Promise<InstalledPackage['manifest']> {
  try {
    const bytes = await readBounded(join(directory, 'package.json'), { maxBytes: MAX_MANIFEST_BYTES });
    const { version, scripts = {}, gypfile } = packageJson.parse(JSON.parse(bytes.toString('utf8')));
    return {
      version,
      hasScript: gypfile === true || [...INSTALL_SCRIPTS].some((name) => Object.hasOwn(scripts, name)),
    };
  } catch {
    return undefined;
  }
}

async function lookAt(
  modules: string,
  locked: LockedDependency,
  all: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<InstalledPackage> {
  const directory = join(modules, locked.path);
  // A package inside this one is looked at by itself if it is listed. If not, its files are too many here.
  const isOther = (below: string): boolean => all.has(`${locked.path}/${below}`);
  const tree = await digestTree(directory, () => true, signal, isOther);
  if (!tree) return { locked, found: undefined, builtOnInstall: 0, manifest: undefined };
  const manifest = await readManifest(directory);
  // npm runs node-gyp for a package with a binding.gyp and no script of its own.
  const hasScript = manifest?.hasScript === true || tree.has('binding.gyp');
  const found = digestOfPackage(tree, locked.builds);
  const builtOnInstall = tree.size - found.files;
  return { locked, found, builtOnInstall, manifest: manifest && { ...manifest, hasScript } };
}

/** Whether two paths lead to one directory, by links or mounts too. What is not there is not one. */
async function isOne(...paths: readonly string[]): Promise<boolean> {
  const seen = await Promise.all(paths.map((each) => stat(each, { bigint: true }).catch(() => undefined)));
  const [first] = seen;
  return first !== undefined && seen.every((one) => one?.dev === first.dev && one.ino === first.ino);
}

/** Looks at both builds and at every listed package. */
export async function observeRelease(
  { built, rebuilt, modules, dependencies }: ReleaseProofRequest,
  signal: AbortSignal,
): Promise<ReleaseProofFacts> {
  const read = await readLock(dependencies);
  const listed = read.lock?.packages ?? [];
  const all = new Set(listed.map((one) => one.path));
  const packages: InstalledPackage[] = [];
  for (const locked of listed) packages.push(await lookAt(modules, locked, all, signal));
  return {
    built: await readBuilt(built, signal),
    rebuilt: await digestTree(rebuilt, isCompiled, signal),
    isOne: await isOne(built, rebuilt),
    ...read,
    packages,
  };
}

/** A release that is what it says. */
export interface BuiltRelease {
  /** Compiled files that equal what the sources compile to. */
  readonly compiled: number;
  /** Production packages that are installed. */
  readonly packages: number;
  /** Files of theirs that equal those of their tarballs. */
  readonly files: number;
  /** Files that an install script built: nobody vouches for them here. */
  readonly builtOnInstall: number;
}

function grant({ built, packages }: ReleaseProofFacts): BuiltRelease {
  const installed = packages.filter(({ found }) => found !== undefined);
  const sum = (count: (one: InstalledPackage) => number): number =>
    installed.reduce((total, one) => total + count(one), 0);
  return Object.freeze({
    compiled: built?.size ?? 0,
    packages: installed.length,
    files: sum(({ found }) => found?.files ?? 0),
    builtOnInstall: sum((one) => one.builtOnInstall),
  });
}

/** Grants a {@link BuiltRelease} when code and packages are what was released. */
export const releaseProof: Guard<ReleaseProofRequest, BuiltRelease> = defineHouseGuard({
  id: 'release-proof',
  dimension: 'architecture_supply_chain_release_proof',
  request: releaseProofRequest,
  observe: observeRelease,
  rules: releaseProofRules,
  grant,
});
