// ssh2 brings native files and a fifth of a second of start-up. Who does not dial must not pay for it, and no public
// type may name it, or every user of the package would need its types.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const textOf = (name: string): string => readFileSync(join('src', name), 'utf8');

it('is imported as a value in one place of the product, when it is needed', () => {
  const importers = sources.filter((name) =>
    /import\('ssh2'\)\)|^import (?!type).*'ssh2'/m.test(textOf(name)),
  );
  expect(importers.filter((name) => !name.startsWith('proof/'))).toEqual(['ssh/transport/ssh2.ts']);
  expect(importers.filter((name) => /^import (?!type).*'ssh2'/m.test(textOf(name)))).toEqual([]);
});

it('is not loaded with the room', () => {
  const program = `
    const { createRequire } = await import('node:module');
    await import('./dist/ssh/index.js');
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('ssh2'));
    console.log(JSON.stringify(loaded));
    await import('ssh2');
    console.log(Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('ssh2')));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect(out).toBe('[]\ntrue\n'); // the second line: the look would have seen it
});
