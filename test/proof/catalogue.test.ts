// Every guard is drilled, mutated and claimed; and the drills hold on this machine.
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue.ts';
import { proofs } from '../../src/proof/catalogue.ts';
import { drillGuard } from '../../src/proof/drill.ts';
import { CLAIMS } from '../../src/scorecard/claims.ts';
import { DIMENSIONS } from '../../src/scorecard/dimensions.ts';
import { memoryJournal } from '../memory-journal.ts';
import { missing } from '../ssh/support.ts';

/** Programs without which some drills of a guard cannot be built. */
const NEEDS: Readonly<Record<string, string>> = { 'process-stop': 'setsid' };

describe('the catalogues, the claims and the rows agree', () => {
  it('on which guards there are', () => {
    const drilled = proofs.map(({ guard }) => guard.id);
    expect(new Set(drilled).size).toBe(drilled.length);
    expect([...CLAIMS.keys()].toSorted()).toEqual(drilled.toSorted());
    // The self-test asks the kernel, not the world: a drill and no question for a caller.
    expect(catalogue.map(({ id }) => id)).toEqual(drilled.filter((id) => id !== 'fail-closed'));
  });

  it.each(proofs.map((proof) => [proof.guard.id, proof] as const))(
    'on %s',
    (id, { guard, drills, brokenLooks }) => {
      const mutants = [...guard.codes, ...brokenLooks.map((look) => look.id)];
      expect(new Set(mutants).size).toBe(mutants.length);
      const expected = Object.fromEntries(drills.map((drill) => [drill.id, drill.expects]));
      expect(CLAIMS.get(id)).toEqual({ drills: expected, mutants });
      const expects = new Set(drills.map((drill) => drill.expects));
      expect([...guard.codes].filter((code) => !expects.has(code))).toEqual([]);
      expect(expects).toContain('allow');
      expect(DIMENSIONS.filter(({ probes }) => probes.includes(id)).map((row) => row.id)).toEqual([
        guard.dimension,
      ]);
    },
  );
});

describe('the drills hold, and every mutant is caught', () => {
  for (const proof of proofs) {
    const { guard, drills, brokenLooks } = proof;
    const without = missing(NEEDS[guard.id] ?? 'sh');
    it.skipIf(without)(without || guard.id, { timeout: 120_000 }, async () => {
      const results = await drillGuard(proof, memoryJournal(), { mutants: true });
      expect(results.filter(({ passed }) => !passed)).toEqual([]);
      expect(results).toHaveLength(drills.length + guard.codes.length + brokenLooks.length);
    });
  }
});
