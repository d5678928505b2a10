// What the code says of itself: as built, as changed since, and where the files around it are not ours.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningCode } from '../../src/evidence/identity.ts';
import { scratch } from './support.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const FILES = ['identity', 'build-info', 'code-digest', 'coded-error', 'sha256'].map(
  (name) => `src/evidence/${name}.ts`,
);

function run(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout;
}

/** A package with the modules of identity alone, built as ours is. */
async function packaged(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'guardrails-test-'));
  for (const file of [...FILES, 'scripts/write-build-info.mjs', 'tsconfig.json', 'package.json'])
    cpSync(join(ROOT, file), join(root, file));
  const types = join(ROOT, 'node_modules/@types');
  run(root, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--typeRoots', types);
  run(root, 'scripts/write-build-info.mjs');
  return root;
}

function said(root: string, module = 'dist/evidence/identity.js', ...flags: readonly string[]): RunningCode {
  const program = `import { runningCode } from ${JSON.stringify(join(root, module))};
    console.log(JSON.stringify(runningCode()));`;
  return JSON.parse(run(ROOT, ...flags, '--input-type=module', '-e', program)) as RunningCode;
}

let built: string;
let fresh: RunningCode;
beforeAll(async () => {
  built = await packaged();
  fresh = said(built);
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

/** A copy of the package, changed; scratch directories go with each test. */
async function changed(change: (root: string) => void): Promise<string> {
  const root = await scratch();
  cpSync(built, root, { recursive: true });
  change(root);
  return root;
}

it('is the same digest whether the sources or the build are running, and both agree', async () => {
  const root = await changed(() => {});
  expect(said(root)).toEqual(fresh);
  expect(fresh).toMatchObject({ name: 'agilab-guardrails', checked: 'both', agrees: true });
  expect(said(root, 'src/evidence/identity.ts', '--import', 'tsx')).toEqual(fresh);
});

it.each<[string, (root: string) => void]>([
  ['a file of dist was edited', (root) => appendFileSync(join(root, 'dist/evidence/coded-error.js'), '\n')],
  ['a source was edited', (root) => appendFileSync(join(root, 'src/evidence/coded-error.ts'), '\n')],
  ['a file was added to dist', (root) => writeFileSync(join(root, 'dist/more.js'), '')],
  [
    'packages of another place lie beside the build',
    (root) => symlinkSync(tmpdir(), join(root, 'dist/node_modules')),
  ],
  ['a file of no kind was added to dist', (root) => writeFileSync(join(root, 'dist/main'), '')],
  ['a source was removed', (root) => rmSync(join(root, 'src/evidence/coded-error.ts'))],
])('notices that %s', async (_what, change) => {
  const now = said(await changed(change));
  expect(now).toMatchObject({ checked: 'both', agrees: false });
  expect(now.codeDigest).not.toBe(fresh.codeDigest);
});

it.each<[string, (path: string) => void]>([
  ['does more than to say it', (path) => appendFileSync(path, 'process.title;\n')],
  ['is gone', (path) => rmSync(path)],
])('agrees with no build whose word on itself %s', async (_what, change) => {
  const root = await changed((at) => change(join(at, 'dist/evidence/build-info.js')));
  expect(said(root, 'src/evidence/identity.ts', '--import', 'tsx')).toMatchObject({ agrees: false });
});

it('counts neither declarations nor source maps, which do not run', async () => {
  const root = await changed((at) => appendFileSync(join(at, 'dist/evidence/identity.d.ts'), '\n'));
  expect(said(root)).toEqual(fresh);
});

it('says which folder it looked at where the other is not there', async () => {
  const noSources = await changed((root) => rmSync(join(root, 'src'), { recursive: true }));
  expect(said(noSources)).toMatchObject({ checked: 'dist', agrees: true });
  const noBuild = await changed((root) => rmSync(join(root, 'dist'), { recursive: true }));
  expect(said(noBuild, 'src/evidence/identity.ts', '--import', 'tsx')).toMatchObject({
    checked: 'src',
    agrees: 'unknown',
  });
});

it('never takes the package of a user who bundled or vendored it for its own', async () => {
  const vendored = await changed((root) =>
    writeFileSync(join(root, 'package.json'), '{"name":"theirs","version":"9.9.9"}'),
  );
  const moved = await changed((root) => {
    mkdirSync(join(root, 'lib'));
    cpSync(join(root, 'dist/evidence'), join(root, 'lib/evidence'), { recursive: true });
  });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const notLookedAt = { name: 'agilab-guardrails', version, checked: 'no', agrees: 'unknown' };
  expect(said(vendored)).toMatchObject(notLookedAt);
  expect(said(moved, 'lib/evidence/identity.js')).toMatchObject(notLookedAt);
});

it('loads where import.meta is empty, as in a CommonJS bundle', async () => {
  const root = await changed((at) => {
    const path = join(at, 'dist/evidence/identity.js');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('import.meta.url', '({}).url'));
  });
  expect(said(root)).toMatchObject({ checked: 'no' });
});
