// The host-key guard: every drill holds on a machine that has nothing but Node, every mutant is noticed, and nothing is left behind.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../../src/evidence/record.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { drillGuard, drillMutants } from '../../../src/proof/drill.ts';
import { hostKey, hostKeyAcceptNew } from '../../../src/ssh/host-key/host-key.ts';

const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };

describe('the host-key guard', () => {
  // A temporary directory of our own, so that what is left in it was left by these drills.
  // Mode 0700, a blank and a quote in its name: no drill may depend on another user reaching it.
  const own = mkdtempSync(join(tmpdir(), `host-key " '-`));
  const before = process.env['TMPDIR'];
  beforeAll(() => {
    process.env['TMPDIR'] = own;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(own, { recursive: true });
  });

  it('passes every drill, and every mutant fails one', { timeout: 120_000 }, async () => {
    const drills = await drillGuard(hostKey, journal);
    expect(drills.filter(({ passed }) => !passed)).toEqual([]);
    const mutants = await drillMutants(hostKey, drills, journal);
    expect(mutants.filter(({ passed }) => !passed)).toEqual([]);
    expect(readdirSync(own)).toEqual([]);
  });

  it('has a variant for first contact that lets only an unknown host pass, and is another policy', async () => {
    const strict = records[0]?.policyDigest;
    const drills = await drillGuard(hostKeyAcceptNew, journal);
    expect(drills.filter(({ passed }) => !passed)).toEqual([]);
    expect(records.at(-1)?.policyDigest).not.toBe(strict);
  });
});

it.each([
  '-oProxyCommand=x',
  'a b',
  'a\n',
  '',
  'h/../x',
  '[::1]',
  'ü.example',
  // What the resolver takes for an address is looked up under a name that no line has.
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '127.000.000.001',
  '127.0.0.1.',
])('takes no %j for a host', async (host) => {
  const decision = await judge(hostKey, { host, port: 22, knownHosts: ['/dev/null'] });
  expect(decision.codes).toEqual(['guard.request-invalid']);
});
