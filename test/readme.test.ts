import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { proofs } from '../src/proof/catalogue.ts';

const readme = readFileSync('README.md', 'utf8');
const samples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
const expected = [
  /listen on 127\.0\.0\.1 port 8501\nbind\.wildcard /,
  /dask.*worker/s,
  /true \d+ first-seen/,
];

describe('the README', () => {
  it('has three samples', () => expect(samples).toHaveLength(expected.length));

  it('has samples that run one after the other, and all again, in one directory', {
    timeout: 120_000,
  }, () => {
    // Inside the project, so that the name of the package leads to what it exports.
    const directory = mkdtempSync(join(import.meta.dirname, '.sample-'));
    try {
      for (const [n, code] of [...samples, ...samples].entries()) {
        const { code: script } = transformSync(code, { loader: 'ts', target: 'node20' });
        writeFileSync(join(directory, 'sample.mjs'), script);
        const run = spawnSync(process.execPath, ['sample.mjs'], { cwd: directory, encoding: 'utf8' });
        expect([n, run.status, run.stderr]).toEqual([n, 0, '']);
        expect(run.stdout).toMatch(expected[n % expected.length] ?? /^$/);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('names every guard in SECURITY.md', () => {
    const security = readFileSync('SECURITY.md', 'utf8');
    for (const { guard } of proofs) expect(security).toContain(`\`${guard.id}\``);
  });
});
