// A small package that says no more than it names evidence for, with the locks of its text and its tests.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { countSuite } from '../../../scorecard/claim-boundary/count-suite.ts';
import { writeSuite } from '../../../scorecard/claim-boundary/suite.ts';
import { writeStatements } from '../../../scorecard/claim-boundary/write-statements.ts';
import { type Claims, writeClaims } from '../../../scorecard/claims.ts';

/** Path below the package, and text, of each file. */
export type Files = Map<string, string>;

const README = `<!-- no-claim: title -->
# A tool

## What it does
<!-- claim: bind -->

It refuses every wildcard.

| what | how |
|---|---|
| a star | refused <!-- claim: bind/star --> |

- An item of a list, which a test shows. <!-- claim: test/a.test.ts -->
- Another item.

## How fast
<!-- figures: npm run bench -->

It is 3.5 times faster than its peer.

## Use
<!-- no-claim: howto -->

\`\`\`sh
npx tool
\`\`\`

## What it is not
<!-- no-claim: denial -->

It is not tamper-proof, and nobody certified it.

## Limits
<!-- no-claim: limits -->

It does not keep tenants apart.
`;

const TEST = `import { expect, it } from 'vitest';
import { holds } from './helper.ts';

it('adds', () => {
  expect(1 + 1).toBe(2);
  expect(1 + 2).toBe(3);
});
it('asks a helper', () => holds(2));
it.each([1, 2])('counts %s', (n: number) => {
  expect(n).toBeGreaterThan(0);
});
`;

const HELPER = `import { expect } from 'vitest';
export const holds = (n: number): void => {
  expect(n).toBe(2);
};
`;

const CLAIMS: Claims = {
  schema: 'agilab.guard_claims.v1',
  dimensions: [{ id: 'a-row', letters: 'AR', label: 'A row', weight: 1, probes: ['bind'] }],
  claims: [
    {
      guard: 'bind',
      policyDigest: '0'.repeat(64),
      timeToLive: 86_400,
      drills: [{ id: 'star', expects: 'bind.wildcard' }],
      mutants: [],
    },
  ],
};

const gap = (id: string, severity: string, words: readonly string[], status = 'conditional'): object => ({
  id,
  severity,
  status,
  owner: 'a team',
  opened: '2001-02-03',
  reviewed: '2001-02-03',
  surface: 'a surface',
  production_boundary: 'a boundary',
  words,
  evidence_required: [{ requirement: 'one', evidence: [] }],
});

const REGISTER = {
  schema: 'agilab.architecture_hardening_gaps.v2',
  scope: 'a drill',
  gaps: [
    gap('tenant-isolation', 'P1', ['tenants', 'multi-tenant']),
    gap('enterprise-auth-rbac', 'P1', []),
    gap('production-rollback', 'P1', []),
    gap('regulated-serving', 'P1', []),
    gap('capacity-model-signature', 'P2', ['signed models'], 'shipped'),
  ],
};

/** Returns the files of the package without its locks. */
export function sampleFiles(): Files {
  return new Map([
    ['README.md', README],
    ['SECURITY.md', '# Security\n<!-- no-claim: howto -->\n\nTell us.\n'],
    ['CONTRIBUTING.md', '# Contributing\n<!-- no-claim: howto -->\n\nSend a change.\n'],
    ['docs/guide.md', '<!-- claim: bind -->\nIt guides.\n'],
    [
      'package.json',
      JSON.stringify({ name: 'a-tool', description: 'A tool', scripts: { bench: 'bench', test: 'vitest' } }),
    ],
    ['test/a.test.ts', TEST],
    ['test/helper.ts', HELPER],
    ['data/claims.json', writeClaims(CLAIMS)],
    ['data/hardening-gaps.json', JSON.stringify(REGISTER)],
  ]);
}

type Texts = readonly (readonly [path: string, text: string])[];

/** The same lock for the same files, which most drills share, is written once. */
function once(write: (texts: Texts) => string): (texts: Texts) => string {
  const written = new Map<string, string>();
  return (texts) => {
    const key = JSON.stringify(texts);
    const lock = written.get(key) ?? write(texts);
    written.set(key, lock);
    return lock;
  };
}

const lockOfText = once(writeStatements);
const lockOfTests = once((tests) =>
  writeSuite([...countSuite(new Map(tests.map(([path, text]) => [path.slice('test/'.length), text])))]),
);

/** Adds the locks of what the files say and assert now. */
export function lockFiles(files: Files): void {
  files.set('data/statements.json', lockOfText([...files].filter(([path]) => path.endsWith('.md'))));
  files.set('data/suite.json', lockOfTests([...files].filter(([path]) => path.startsWith('test/'))));
}

/** Writes the files below a directory. */
export async function layFiles(root: string, files: Files): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(root, path), text, { mode: 0o600 });
  }
}
