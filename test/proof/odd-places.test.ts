// Where a temporary directory has an odd name or lies in an odd place, what cannot be built there is no failure, and no pass.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drillGuards } from '../../src/proof/drill-guards.ts';
import { bindProof } from '../../src/proof/drills/bind/bind-proof.ts';
import { clusterShareProof } from '../../src/proof/drills/cluster-share/cluster-share-proof.ts';
import { memoryJournal } from '../memory-journal.ts';

describe.each([
  ['a blank in its name', 'a b', 0o755],
  ['a long name', 'l'.repeat(100), 0o755],
  ['a closed directory above it', '.closed', 0o700],
])('below a temporary directory with %s', (_what, name, mode) => {
  const before = process.env['TMPDIR'];
  let above: string;
  beforeEach(() => {
    above = realpathSync(mkdtempSync(join(tmpdir(), 'odd-')));
    const odd = join(above, name);
    mkdirSync(odd);
    chmodSync(above, mode);
    process.env['TMPDIR'] = odd;
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(above, { recursive: true });
  });

  it('a drill holds, or is not run', { timeout: 60_000 }, async () => {
    const results = await drillGuards([bindProof, clusterShareProof], memoryJournal());
    expect(results.filter(({ passed, unavailable }) => !passed && unavailable === undefined)).toEqual([]);
    expect(results.some(({ unavailable }) => unavailable?.startsWith('Set TMPDIR'))).toBe(true);
  });
});
