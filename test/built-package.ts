// A copy of this package, built: what users run. The sources under a TypeScript loader are graded lower, and rightly so.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CliResult } from './cli/run-cli.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PARTS =
  'dist src data docs scripts README.md SECURITY.md CONTRIBUTING.md package.json package-lock.json tsconfig.json'.split(
    ' ',
  );
// What runs, and nothing else: types are asked for by `npm run check`, and no test changes them.
const CODE_ONLY = '--noCheck --declaration false --declarationMap false --sourceMap false'.split(' ');

export interface BuiltPackage {
  readonly root: string;
  /** Builds again what a test changed below `src`; its types are not checked. @throws Error when it is no TypeScript. */
  build(): void;
  /** Runs `guardrails ...args` of this copy in `cwd`; `env` joins the environment. */
  guardrails(args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>): CliResult;
  remove(): void;
}

function run(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): CliResult {
  const [program, ...args] = argv;
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS'));
  const { status, stdout, stderr } = spawnSync(program ?? '', args, {
    cwd,
    encoding: 'utf8',
    env: { ...clean, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: status, stdout, stderr };
}

/** Copies the package, built as it is, to a scratch directory; what `change` edits there is built again. */
export function buildPackage(change?: (root: string) => void): BuiltPackage {
  const root = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  run(['cp', '-R', ...PARTS, root], ROOT); // thousands of files: `cpSync` of Node takes four times as long
  run(['chmod', '-R', 'go-w', '.'], root); // as npm installs it, whatever the umask of this checkout was
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const build = (): void => {
    for (const argv of [
      [join(ROOT, 'node_modules/.bin/tsc'), '-p', 'tsconfig.json', ...CODE_ONLY],
      [process.execPath, 'scripts/merge.mjs', 'dist'],
      [process.execPath, 'scripts/write-build-info.mjs'],
    ]) {
      const { code, stdout, stderr } = run(argv, root);
      if (code !== 0) throw new Error(`the copy could not be built: ${stdout}${stderr}`);
    }
  };
  if (change) {
    change(root);
    build();
  }
  return {
    root,
    build,
    guardrails: (args, cwd, env) =>
      run([process.execPath, join(root, 'dist/node/main.js'), ...args], cwd, env),
    remove: () => {
      rmSync(join(root, 'node_modules')); // the link, not what it names
      rmSync(root, { recursive: true, force: true });
    },
  };
}
