// A newcomer's guard: made by one command, it compiles, is drilled, mutated and claimed, in the places that are named for it
// and in no other.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

function copyOfProject(): string {
  const copy = mkdtempSync(join(tmpdir(), 'new-guard-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of ['src', 'data', 'scripts', 'package.json', 'tsconfig.json', 'biome.json', '.gitignore'])
    cpSync(part, join(copy, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  return copy;
}

const filesIn = (root: string): ReadonlyMap<string, string> =>
  new Map(
    ['src', 'data', 'scripts'].flatMap((part) =>
      readdirSync(join(root, part), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => [file.slice(root.length + 1), readFileSync(file, 'utf8')] as const),
    ),
  );

it('is drilled, mutated and claimed', { timeout: 180_000 }, () => {
  const copy = copyOfProject();
  const before = filesIn(copy);
  const run = (...argv: string[]): string =>
    execFileSync(process.execPath, argv, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const guardrails = (...argv: string[]): string => run('dist/node/main.js', ...argv);

  run('scripts/new-guard.mjs', 'tenant-isolation');
  // The declarations of the libraries are the same as before. In one thread it takes half of the processor time.
  run(
    resolve('node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.json',
    '--skipLibCheck',
    '--singleThreaded',
  );
  run('scripts/merge.mjs');
  run('scripts/write-build-info.mjs');
  guardrails('claims', '--write', 'tenant-isolation');
  const after = filesIn(copy);
  const touched = [...after].filter(([file, text]) => before.get(file) !== text).map(([file]) => file);
  expect(touched.toSorted()).toEqual([
    'data/claims.json',
    'src/catalogue.ts',
    'src/guards/tenant-isolation/tenant-isolation.ts',
    'src/proof/catalogue.ts',
    'src/proof/drills/tenant-isolation/tenant-isolation-proof.ts',
  ]);

  const written = touched.filter((file) => file.startsWith('src/'));
  expect(() => run(resolve('node_modules/@biomejs/biome/bin/biome'), 'ci', ...written)).not.toThrow(); // as `npm run check` asks

  const drilled = JSON.parse(guardrails('drill', 'tenant-isolation', '--mutants', '--json')) as {
    drills: { passed: boolean }[];
    mutants: { mutant: string; passed: boolean }[];
  };
  expect(drilled.drills.map(({ passed }) => passed)).toEqual([true, true]);
  expect(drilled.mutants.map(({ mutant, passed }) => [mutant, passed])).toEqual([
    ['tenant-isolation.empty', true],
    ['facts', true],
  ]);
  const asked = guardrails('check', 'tenant-isolation', '--json', '{"name":"a"}');
  expect(JSON.parse(asked)).toMatchObject({ decision: 'allow', grant: { name: 'a' } });
  expect(after.get('data/claims.json')).toContain('"tenant-isolation"');
});

it('reaches the claims of one guard by `npm run claims -- GUARD`', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(scripts.claims).toMatch(/ claims --write$/); // npm appends the words to the last command
});
