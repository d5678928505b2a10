// Every reason not to believe that what runs here is what was released: the built code first, then the packages under it.
import type { Rule } from '../../kernel/guard.ts';
import { shownPath } from '../shown-path.ts';
import type { DependenciesLock, LockedDependency } from './dependencies-lock.ts';
import { NOT_PLAIN, type TreeDigests } from './tree-digests.ts';

export interface InstalledPackage {
  readonly locked: LockedDependency;
  /** What its tarball should account for; `undefined` when the package is not installed. */
  readonly found: { readonly files: number; readonly digest: string } | undefined;
  /** Files that lie where its script builds. */
  readonly builtOnInstall: number;
  /** What its manifest says; `undefined` when there is none that can be read. */
  readonly manifest: { readonly version: string; readonly hasScript: boolean } | undefined;
}

export interface ReleaseProofFacts {
  /** All that could be loaded, as it lies in the package, and as its sources compile to now. */
  readonly built: TreeDigests | undefined;
  readonly rebuilt: TreeDigests | undefined;
  /** They are one directory, which equals itself whatever it holds. */
  readonly isOne: boolean;
  readonly lock: DependenciesLock | undefined;
  readonly lockFault?: string;
  readonly packages: readonly InstalledPackage[];
}

function eachPackage(
  code: string,
  remedy: string,
  wrong: (installed: InstalledPackage) => string | false,
): Rule<ReleaseProofFacts> {
  return {
    code,
    remedy,
    refuses: ({ packages }) => {
      for (const installed of packages) {
        const why = wrong(installed);
        if (why !== false) return `${installed.locked.path} ${why}`;
      }
      return false;
    },
  };
}

/** Returns the first path where two trees differ, and how. */
function difference(built: TreeDigests, rebuilt: TreeDigests): string | undefined {
  for (const [path, digest] of rebuilt) {
    if (!built.has(path)) return `${shownPath(path)} is missing`;
    if (digest === NOT_PLAIN) return `${shownPath(path)} is no plain file`;
    if (built.get(path) !== digest) return `${shownPath(path)} holds something else`;
  }
  const extra = [...built.keys()].find((path) => !rebuilt.has(path));
  return extra === undefined ? undefined : `${shownPath(extra)} comes from no source`;
}

const REBUILD = 'Build again from the sources that you reviewed: npm run build.';
const REINSTALL = 'Install again what the lock pins: npm ci --ignore-scripts. Find out who changed it first.';

export const releaseProofRules: readonly Rule<ReleaseProofFacts>[] = [
  {
    code: 'release-proof.not-built',
    remedy: REBUILD,
    refuses: ({ built, rebuilt }) =>
      !(built?.size && rebuilt?.size) && 'there is no built code, or nothing to hold it against',
  },
  {
    code: 'release-proof.not-rebuilt',
    remedy:
      'Compile the sources to a directory of its own, outside the built code, and name that as "rebuilt".',
    refuses: ({ isOne }) => isOne && 'the built code was to be held against itself',
  },
  {
    code: 'release-proof.not-from-source',
    remedy: REBUILD,
    refuses: ({ built, rebuilt }) => {
      const where = built?.size && rebuilt?.size ? difference(built, rebuilt) : undefined;
      return where !== undefined && `the built code is not what its sources compile to: ${where}`;
    },
  },
  {
    code: 'release-proof.lock-malformed',
    remedy: 'Restore data/dependencies.lock.json from the release.',
    refuses: ({ lockFault }) => lockFault !== undefined && `the list of dependencies is none: ${lockFault}`,
  },
  eachPackage(
    'release-proof.missing-package',
    REINSTALL,
    ({ locked, found }) => found === undefined && !locked.optional && 'is not installed',
  ),
  eachPackage(
    'release-proof.other-version',
    REINSTALL,
    ({ locked, found, manifest }) =>
      found !== undefined &&
      manifest?.version !== locked.version &&
      'is installed in another version than is listed',
  ),
  eachPackage('release-proof.other-files', REINSTALL, ({ locked, found }) => {
    if (found === undefined || found.digest === locked.digest) return false;
    if (found.files === locked.files) return 'holds other bytes, or other names, than its tarball';
    return `holds ${found.files} files, and its tarball held ${locked.files}`;
  }),
  eachPackage(
    'release-proof.install-script',
    'Do without the package, or let a review put it on the list of those that may run a script.',
    ({ locked, manifest }) =>
      manifest?.hasScript === true &&
      locked.installs !== true &&
      'runs a script when it is installed, without leave',
  ),
];
