// What Node loads of the package: few files that the build merged, of the same modules that bundlers take.
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observeCode } from '../src/guards/planes/code.ts';
import { type BuiltPackage, buildPackage } from './built-package.ts';

const MERGED = ['zod', '@noble/curves', '@noble/hashes'];

type Conditions = Readonly<Record<'types' | 'module' | 'default', string>>;
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, Conditions | string>>;
};
const subpaths = Object.entries(manifest.exports).flatMap(([subpath, to]) =>
  typeof to === 'string' ? [] : [{ subpath, ...to }],
);

function node(program: string): string {
  const argv = ['--input-type=module', '--eval', program];
  return execFileSync(process.execPath, argv, { encoding: 'utf8' }).trim();
}

const code = await observeCode({ directory: resolve('dist'), table: resolve('data/planes.json') });
const importsOf = new Map(code.modules.map((module) => [module.file, module]));

/** The files of dist that are loaded with this one, now or later, and what they use. */
function reachedFrom(file: string): { readonly files: Set<string>; readonly uses: Set<string> } {
  const files = new Set([file]);
  for (const each of files) for (const next of importsOf.get(each)?.imports ?? []) files.add(next);
  return { files, uses: new Set([...files].flatMap((each) => importsOf.get(each)?.uses ?? [])) };
}

it('exports to Node, of every subpath, what its module exports', () => {
  const said = node(`
    const names = async (path) => Object.keys(await import(path)).sort().join(' ');
    for (const { subpath, module, default: merged } of ${JSON.stringify(subpaths)})
      console.log(subpath, (await names(path(merged))) === (await names(path(module))));
    function path(below) { return ${JSON.stringify(pathToFileURL(resolve('.')).href)} + '/' + below; }`);
  expect(said.split('\n')).toEqual(subpaths.map(({ subpath }) => `${subpath} true`));
  for (const { types, module } of subpaths) expect(types).toBe(module.replace(/\.js$/, '.d.ts'));
});

it('leads nowhere but to merged files and what the build says of itself: there are no two copies of a module', () => {
  const merged = [...importsOf.keys()].filter((file) => file.startsWith('node/'));
  expect(merged.length).toBeGreaterThan(subpaths.length);
  const led = new Set(merged.flatMap((file) => importsOf.get(file)?.imports ?? []));
  const outside = [...led].filter((file) => !file.startsWith('node/'));
  expect(outside.sort()).toEqual(['evidence/build-info.js', 'zod.js']);
  const uses = new Set(merged.flatMap((file) => importsOf.get(file)?.uses ?? []));
  expect(MERGED.filter((name) => uses.has(name))).toEqual([]);
});

it('asks, to verify, for nothing that a browser has not', () => {
  const { uses } = reachedFrom('node/verify.js');
  expect([...uses]).toEqual([]);
});

it('keeps the notice of what it holds of others', () => {
  const kept = readFileSync('dist/node/LICENSES', 'utf8');
  for (const name of MERGED) expect(kept).toContain(readFileSync(`node_modules/${name}/LICENSE`, 'utf8'));
});

it('knows a grant by whatever subpath the guard and the question came', () => {
  const said = node(`
    const { quote, argv, remoteCommand } = await import('agilab-guardrails/quote');
    const { enforce, isGranted } = await import('agilab-guardrails/guards');
    const root = await import('agilab-guardrails');
    const { evidence, ssh } = { evidence: await import('agilab-guardrails/evidence'), ssh: await import('agilab-guardrails/ssh') };
    const granted = await enforce(remoteCommand, argv(['true']), { journal: { append: async () => {} } });
    console.log(root.isGranted(remoteCommand, granted), isGranted(ssh.remoteCommand, granted), root.CodedError === evidence.CodedError);`);
  expect(said).toBe('true true true');
});

describe('a copy of the package', () => {
  let copy: BuiltPackage;
  beforeAll(() => {
    copy = buildPackage();
  });
  afterAll(() => copy.remove());

  const said = (): { readonly checked: string; readonly agrees: boolean; readonly codeDigest: string } =>
    JSON.parse(
      node(`const { runningCode } = await import(${JSON.stringify(join(copy.root, 'dist/node/evidence.js'))});
        console.log(JSON.stringify(runningCode()));`),
    );
  const mergedFile = (start: string): string => {
    const name = readdirSync(join(copy.root, 'dist/node')).find((each) => each.startsWith(start));
    return join(copy.root, 'dist/node', name ?? 'none');
  };

  it('is what was built, and no longer when a merged file is another, or there is one more', () => {
    const fresh = said();
    expect(fresh).toMatchObject({ checked: 'both', agrees: true });
    const core = mergedFile('core-');
    appendFileSync(core, '\n');
    const edited = said();
    expect(edited).toMatchObject({ checked: 'both', agrees: false });
    expect(edited.codeDigest).not.toBe(fresh.codeDigest);
    copyFileSync(join('dist/node', basename(core)), core);
    writeFileSync(join(copy.root, 'dist/node/more.js'), '');
    expect(said()).toMatchObject({ agrees: false });
    rmSync(join(copy.root, 'dist/node/more.js'));
  });

  it('is built anew to the same bytes, whatever its folder is called', () => {
    copy.build();
    const read = (root: string): ReadonlyMap<string, string> =>
      new Map(
        readdirSync(join(root, 'dist/node')).map((name) => [
          name,
          readFileSync(join(root, 'dist/node', name), 'utf8'),
        ]),
      );
    expect(read(copy.root)).toEqual(read('.'));
  });
});
