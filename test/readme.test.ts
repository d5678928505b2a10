import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { proofs } from '../src/proof/catalogue.ts';

const readme = readFileSync('README.md', 'utf8');
const samples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
const expected = [
  /listen on 127\.0\.0\.1 port 8501\nbind\.wildcard /,
  /dask.*worker/s,
  /true \d+ first-seen/,
];

/** Where a subpath is not the index of a room of its name. */
const SUBPATHS: Readonly<Record<string, string>> = {
  drills: 'proof/index.ts',
  quote: 'ssh/commands.ts',
};

describe('the README', () => {
  it('has three samples', () => expect(samples).toHaveLength(expected.length));

  it('has samples that run one after the other, and all again, in one directory', {
    timeout: 120_000,
  }, () => {
    // Inside the project, so that its dependencies are found; the subpaths stand for the sources.
    const directory = mkdtempSync(join(import.meta.dirname, '.sample-'));
    const tsx = import.meta.resolve('tsx');
    try {
      for (const [n, code] of [...samples, ...samples].entries()) {
        const sources = code.replaceAll(
          /'agilab-guardrails\/([a-z]+)'/g,
          (_all, room: string) => `'${resolve('src', SUBPATHS[room] ?? `${room}/index.ts`)}'`,
        );
        writeFileSync(join(directory, 'sample.ts'), sources);
        const run = spawnSync(process.execPath, ['--import', tsx, 'sample.ts'], {
          cwd: directory,
          encoding: 'utf8',
        });
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
