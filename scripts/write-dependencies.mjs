// Writes data/dependencies.lock.json: npm installs the production packages anew, without scripts, and checks each tarball
// against package-lock.json; what then lies there is listed. Which package may run a script, and where it builds, is for
// people to decide: that is kept from the list as it was. `--check` only compares the list with package-lock.json.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOfPackage, digestTree } from '../dist/guards/release-proof/tree-digests.js';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const LIST = path('data/dependencies.lock.json');
const readJson = (file, fallback) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (fallback !== undefined && error.code === 'ENOENT') return fallback;
    throw error;
  }
};

const { packages } = readJson(path('package-lock.json'));
const wanted = Object.entries(packages)
  .filter(([name, { dev }]) => name !== '' && !dev)
  .map(([name, { version, integrity, optional }]) => ({
    path: name.slice('node_modules/'.length),
    version,
    integrity,
    ...(optional ? { optional } : {}),
  }));
const before = readJson(LIST, { packages: [] }).packages;

if (process.argv.includes('--check')) {
  const same = ({ path: name, version, integrity }) => `${name} ${version} ${integrity}`;
  if (wanted.map(same).join('\n') !== before.map(same).join('\n')) {
    process.stderr.write(
      'data/dependencies.lock.json differs from package-lock.json: run npm run dependencies\n',
    );
    process.exitCode = 1;
  }
} else {
  const directory = mkdtempSync(join(tmpdir(), 'dependencies-'));
  try {
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(path(name), join(directory, name));
    const words = ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'];
    execFileSync('npm', words, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
    const names = new Set(wanted.map((one) => one.path));
    const lines = [];
    for (const one of wanted) {
      const { installs, builds } = before.find((old) => old.path === one.path) ?? {};
      const tree = await digestTree(
        join(directory, 'node_modules', one.path),
        () => true,
        new AbortController().signal,
        (below) => names.has(`${one.path}/${below}`),
      );
      if (!tree)
        throw new Error(`${one.path} was not installed: it is for another platform, so list it there`);
      lines.push(JSON.stringify({ ...one, installs, builds, ...digestOfPackage(tree, builds) }));
    }
    const text = `{\n  "schema": "agilab.dependencies_lock.v1",\n  "packages": [\n    ${lines.join(',\n    ')}\n  ]\n}\n`;
    writeFileSync(LIST, text);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
