// Releases that are not what they say: built code and installed packages, small ones, made for real and then changed.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DependenciesLock, LockedDependency } from '../../../guards/release-proof/dependencies-lock.ts';
import { INSTALL_SCRIPTS, type ReleaseProofRequest } from '../../../guards/release-proof/release-proof.ts';
import { digestOfPackage, digestTree } from '../../../guards/release-proof/tree-digests.ts';
import type { Drill } from '../../proof.ts';

type Files = Readonly<Record<string, string>>;

const CODE: Files = {
  'index.js': 'export const answer = 42;\n',
  'index.d.ts': 'export declare const answer = 42;\n',
  'evidence/build-info.js': 'export const BUILD = {"name":"built"};\n',
};

const manifest = (name: string, more: object = {}): string =>
  JSON.stringify({ name, version: '1.0.0', ...more });
const PACKAGES: Readonly<Record<string, Files>> = {
  plain: { 'package.json': manifest('plain'), 'lib/plain.js': 'module.exports = 1;\n', LICENSE: 'MIT\n' },
  'plain/node_modules/inner': { 'package.json': manifest('inner'), 'inner.js': '2;\n' },
  '@scope/native': {
    'package.json': manifest('@scope/native', { scripts: { install: 'node-gyp rebuild' } }),
    'binding.gyp': '{}\n',
    'src/native.cc': 'int x;\n',
  },
};

async function lay(directory: string, files: Files): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true, mode: 0o700 });
    await writeFile(join(directory, file), text, { mode: 0o600 });
  }
}

interface Fault {
  /** Changes what lies there once the list was written. Paths: built, rebuilt, modules. */
  readonly after?: (at: (path: string) => string) => Promise<unknown>;
  /** Changes the list. */
  readonly list?: (packages: LockedDependency[]) => LockedDependency[];
  /** Packages in place of the sound ones of the same name. */
  readonly others?: Readonly<Record<string, Files>>;
  /** Changes the text of the list. */
  readonly edit?: (text: string) => string;
}

const SCRIPT = { installs: true, builds: ['build/'] };

function drill(
  id: string,
  fault: string,
  expects: string,
  { after, list, others, edit }: Fault = {},
): Drill<ReleaseProofRequest> {
  const build: Drill<ReleaseProofRequest>['build'] = async (site) => {
    const root = site.directory;
    const at = (path: string): string => join(root, path);
    await lay(at('built'), CODE);
    await lay(at('rebuilt'), CODE);
    for (const [name, files] of Object.entries({ ...PACKAGES, ...others }))
      await lay(at(`modules/${name}`), files);
    const packages: LockedDependency[] = [];
    for (const path of Object.keys(PACKAGES)) {
      const isOther = (below: string): boolean => `${path}/${below}` in PACKAGES;
      const tree = await digestTree(at(`modules/${path}`), () => true, AbortSignal.timeout(60_000), isOther);
      const integrity = `sha512-${Buffer.alloc(64).toString('base64')}`;
      const script = path === '@scope/native' ? SCRIPT : {};
      packages.push({ path, version: '1.0.0', integrity, ...script, ...digestOfPackage(tree ?? new Map()) });
    }
    const lock: DependenciesLock = {
      schema: 'agilab.dependencies_lock.v1',
      packages: list ? list(packages) : packages,
    };
    const text = JSON.stringify(lock);
    await writeFile(at('dependencies.json'), edit ? edit(text) : text, { mode: 0o600 });
    await after?.(at);
    return {
      built: at('built'),
      rebuilt: at('rebuilt'),
      modules: at('modules'),
      dependencies: at('dependencies.json'),
    };
  };
  return { id, fault, expects, build };
}

const put =
  (path: string, text: string): NonNullable<Fault['after']> =>
  (at) =>
    lay(dirname(at(path)), { [path.slice(path.lastIndexOf('/') + 1)]: text });
const remove =
  (path: string): NonNullable<Fault['after']> =>
  (at) =>
    rm(at(path), { recursive: true });

export const releaseProofDrills: readonly Drill<ReleaseProofRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill('built-on-install', 'none: what an install script built, where it may', 'allow', {
    after: put('modules/@scope/native/build/native.node', 'ELF'),
  }),
  drill('optional-absent', 'none: an optional package of another platform', 'allow', {
    list: (packages) =>
      packages.map((one) => (one.path === '@scope/native' ? { ...one, optional: true } : one)),
    after: remove('modules/@scope/native'),
  }),

  drill('no-build', 'no built code', 'release-proof.not-built', { after: remove('built') }),
  drill('nothing-to-hold', 'nothing to hold the built code against', 'release-proof.not-built', {
    after: async (at) => {
      await remove('rebuilt')(at);
      await mkdir(at('rebuilt'));
    },
  }),
  drill('held-against-itself', 'built code that is held against itself', 'release-proof.not-rebuilt', {
    after: async (at) => {
      await remove('rebuilt')(at);
      await symlink(at('built'), at('rebuilt'));
    },
  }),
  drill('linked-in-both', 'a link in both, to other code', 'release-proof.not-from-source', {
    after: async (at) => {
      for (const path of ['built/linked.js', 'rebuilt/linked.js']) await symlink('/etc/hostname', at(path));
    },
  }),
  drill('edited-build', 'built code that was edited', 'release-proof.not-from-source', {
    after: put('built/index.js', 'export const answer = 43;\n'),
  }),
  drill('added-module', 'a module that comes from no source', 'release-proof.not-from-source', {
    after: put('built/extra.js', 'export {};\n'),
  }),
  drill('missing-module', 'a module that was taken away', 'release-proof.not-from-source', {
    after: remove('built/index.js'),
  }),
  drill('edited-types', 'declarations that were edited', 'release-proof.not-from-source', {
    after: put('built/index.d.ts', 'export declare const answer: any;\n'),
  }),
  drill(
    'package-beside',
    'a package beside the code, by a name of no kind',
    'release-proof.not-from-source',
    {
      after: async (at) => {
        await put('built/node_modules/plain/package.json', '{"main":"./main"}')(at);
        await put('built/node_modules/plain/main', 'module.exports = 2;\n')(at);
      },
    },
  ),
  drill('packages-linked', 'a link to other packages beside the code', 'release-proof.not-from-source', {
    after: (at) => symlink(at('modules'), at('built/node_modules')),
  }),
  drill('build-info-runs', 'code in what the build says of itself', 'release-proof.not-from-source', {
    after: put('built/evidence/build-info.js', 'export const BUILD = {"name":"built"};\nprocess.title;\n'),
  }),
  drill('linked-module', 'a module that is a link', 'release-proof.not-from-source', {
    after: async (at) => {
      await remove('built/index.js')(at);
      await symlink(at('rebuilt/index.js'), at('built/index.js'));
    },
  }),

  drill('no-list', 'no list of dependencies', 'release-proof.lock-malformed', {
    after: remove('dependencies.json'),
  }),
  drill('empty-list', 'a list that lists nothing', 'release-proof.lock-malformed', { list: () => [] }),
  drill('twofold-list', 'a list that names a package twice', 'release-proof.lock-malformed', {
    list: (packages) => [...packages, ...packages],
  }),
  drill('path-out', 'a list that leads out of node_modules', 'release-proof.lock-malformed', {
    edit: (text) => text.replace('"path":"plain"', '"path":"../plain"'),
  }),
  drill('missing-package', 'a package that is not installed', 'release-proof.missing-package', {
    after: remove('modules/plain/node_modules/inner'),
  }),
  drill('other-version', 'another version of a package', 'release-proof.other-version', {
    after: put('modules/plain/package.json', manifest('plain', { version: '1.0.1' })),
  }),
  drill('edited-package', 'a file of a package that was edited', 'release-proof.other-files', {
    after: put('modules/plain/lib/plain.js', 'module.exports = 2;\n'),
  }),
  drill('renamed-file', 'a file of a package under another name', 'release-proof.other-files', {
    after: async (at) => {
      await remove('modules/plain/LICENSE')(at);
      await put('modules/plain/COPYING', 'MIT\n')(at);
    },
  }),
  drill('missing-file', 'a file of a package that is gone', 'release-proof.other-files', {
    after: remove('modules/plain/LICENSE'),
  }),
  drill('extra-file', 'a file in a package that came in no tarball', 'release-proof.other-files', {
    after: put('modules/plain/lib/extra.js', 'x\n'),
  }),
  drill('planted-package', 'a package planted inside another one', 'release-proof.other-files', {
    after: put('modules/plain/node_modules/planted/index.js', 'x\n'),
  }),
  drill('linked-file', 'a file of a package that is a link to the same bytes', 'release-proof.other-files', {
    after: async (at) => {
      await remove('modules/plain/LICENSE')(at);
      await put('LICENSE', 'MIT\n')(at);
      await symlink(at('LICENSE'), at('modules/plain/LICENSE'));
    },
  }),
  drill('built-elsewhere', 'what an install script left where it may not', 'release-proof.other-files', {
    after: put('modules/@scope/native/src/native.node', 'ELF'),
  }),
  drill(
    'script-without-leave',
    'a package that runs a script without leave',
    'release-proof.install-script',
    {
      list: (packages) => packages.map(({ installs: _leave, ...one }) => one),
    },
  ),
  ...[...INSTALL_SCRIPTS].map((name) =>
    drill(`script-${name}`, `a package with a script of the name ${name}`, 'release-proof.install-script', {
      others: {
        plain: { ...PACKAGES['plain'], 'package.json': manifest('plain', { scripts: { [name]: 'x' } }) },
      },
    }),
  ),
];
