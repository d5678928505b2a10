// The host-key guard: every drill holds on a machine that has nothing but Node, every mutant is noticed, and nothing is left behind.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionOf } from '../../../src/kernel/define.ts';
import { policyDigest } from '../../../src/kernel/draft.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { drillGuard } from '../../../src/proof/drill.ts';
import { hostKeyDrills } from '../../../src/proof/drills/host-key/host-key-drills.ts';
import { hostKeyProof } from '../../../src/proof/drills/host-key/host-key-proof.ts';
import { defineHouseProof } from '../../../src/proof/proof.ts';
import { hostKey, hostKeyAcceptNew } from '../../../src/ssh/host-key/host-key.ts';
import { unknown } from '../../../src/ssh/host-key/host-key-rules.ts';
import { memoryJournal } from '../../memory-journal.ts';

const journal = memoryJournal();

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
    const results = await drillGuard(hostKeyProof, journal, { mutants: true });
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(readdirSync(own)).toEqual([]);
  });

  it('has a variant for first contact that lets only an unknown host pass, and is another policy', async () => {
    const drills = hostKeyDrills.map((drill) =>
      drill.expects === unknown.code ? { ...drill, expects: 'allow' } : drill,
    );
    const proof = defineHouseProof({ guard: hostKeyAcceptNew, drills });
    const acceptNew = await drillGuard(proof, journal);
    expect(acceptNew.filter(({ passed }) => !passed)).toEqual([]);
    expect(policyDigest(definitionOf(hostKeyAcceptNew))).not.toBe(policyDigest(definitionOf(hostKey)));
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
