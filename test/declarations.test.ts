// What strict TypeScript users compile: no declaration that a subpath reaches names a module without declarations of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** Dependencies that bring their types; ssh2's would have to be installed by hand. */
const TYPED = /^(?:node:|zod$)/;

it('reach no module whose types a user would have to install', { timeout: 120_000 }, () => {
  const out = mkdtempSync(join(tmpdir(), 'declarations-'));
  onTestFinished(() => rmSync(out, { recursive: true }));
  const tsc = resolve('node_modules/typescript/lib/tsc.js');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json', '--emitDeclarationOnly', '--outDir', out]);
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, string> };
  const entries = Object.values(exports)
    .filter((target) => target.endsWith('.js'))
    .map((target) => join(out, target.replace('./dist/', '').replace(/js$/, 'd.ts')));
  const seen = new Set<string>();
  const untyped: string[] = [];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'([^']+)'/g)) {
      if (target.startsWith('.')) visit(join(dirname(file), target.replace(/\.[jt]s$/, '.d.ts')));
      else if (!TYPED.test(target)) untyped.push(`${file.slice(out.length + 1)}: ${target}`);
    }
  };
  entries.forEach(visit);
  expect(entries.filter((entry) => !existsSync(entry))).toEqual([]);
  expect(seen.size).toBeGreaterThan(50);
  expect(untyped).toEqual([]);
});
