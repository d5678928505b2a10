import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../src/catalogue.ts';

const readme = readFileSync('README.md', 'utf8');
const samples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
const expected = [
  /listen on 127\.0\.0\.1 port 8501\nbind\.wildcard /,
  /dask.*worker/s,
  /true \d+ first-seen/,
];

describe('the README', () => {
  it('has three samples', () => expect(samples).toHaveLength(expected.length));

  it.each(samples.map((code, n) => [n + 1, code] as const))(
    'sample %i runs and prints what it says',
    (n, code) => {
      // Inside the project, so that its dependencies are found; the subpaths stand for the sources.
      const directory = mkdtempSync(join(import.meta.dirname, '.sample-'));
      try {
        const sources = code.replaceAll(
          /'agilab-guardrails\/([a-z]+)'/g,
          (_all, room) => `'${resolve('src', room, 'index.ts')}'`,
        );
        writeFileSync(join(directory, 'sample.ts'), sources);
        const tsx = import.meta.resolve('tsx');
        const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', tsx, 'sample.ts'], {
          cwd: directory,
          encoding: 'utf8',
        });
        expect([status, stderr]).toEqual([0, '']);
        expect(stdout).toMatch(expected[n - 1] ?? /^$/);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );

  it('names every guard in SECURITY.md', () => {
    const security = readFileSync('SECURITY.md', 'utf8');
    for (const { id } of catalogue) expect(security).toContain(`\`${id}\``);
  });
});
