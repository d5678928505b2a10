// What strict TypeScript users compile: no declaration that a subpath reaches names a module without declarations of its own.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

/** Dependencies that bring their types; ssh2's would have to be installed by hand. */
const TYPED = /^(?:node:|zod$)/;

it('reach no module whose types a user would have to install', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  const entries = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : join(target.types),
  );
  expect(entries.length).toBeGreaterThan(5);
  const seen = new Set<string>();
  const untyped: string[] = [];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'([^']+)'/g)) {
      if (target.startsWith('.')) visit(join(dirname(file), target.replace(/\.[jt]s$/, '.d.ts')));
      else if (!TYPED.test(target)) untyped.push(`${file}: ${target}`);
    }
  };
  entries.forEach(visit);
  expect(entries.filter((entry) => !existsSync(entry))).toEqual([]);
  expect(seen.size).toBeGreaterThan(50);
  expect(untyped).toEqual([]);
});
