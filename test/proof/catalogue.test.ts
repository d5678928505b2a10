// Every guard is drilled, mutated and claimed. That the drills hold is shown by the built command, in
// test/cli/scorecard.test.ts.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue.ts';
import { proofs } from '../../src/proof/catalogue.ts';
import { claimedFixtures, claimsOf } from '../../src/proof/lock.ts';
import { tablesOf } from '../../src/proof/proof.ts';
import { parseStatements, restOnText } from '../../src/scorecard/claim-boundary/statements.ts';
import { parseClaims, writeClaims } from '../../src/scorecard/claims.ts';
import { ROWS } from '../../src/scorecard/dimensions.ts';

describe('the catalogues and the claims agree', () => {
  const agreed = readFileSync('data/claims.json', 'utf8');

  it('byte by byte: what is claimed is what the guards and their drills say (npm run claims writes it)', () => {
    const fixtures = claimedFixtures(parseClaims(Buffer.from(agreed)));
    const text = parseStatements(readFileSync('data/statements.json'));
    const row = 'architecture_claim_boundary';
    expect(agreed).toBe(writeClaims(restOnText(claimsOf(proofs, ROWS, fixtures), row, text)));
    expect(fixtures.size).toBe(proofs.reduce((sum, { drills }) => sum + drills.length, 0));
  });

  it('on which guards there are', () => {
    const drilled = parseClaims(Buffer.from(agreed)).claims.map(({ guard }) => guard);
    expect(new Set(drilled).size).toBe(drilled.length);
    // The self-test asks the kernel, not the world: a drill and no question for a caller.
    expect([...catalogue.keys()]).toEqual(drilled.filter((id) => id !== 'fail-closed'));
  });

  it('on their names', async () => {
    for (const [id, load] of catalogue) expect((await load()).id).toBe(id);
  });

  it.each(proofs.map((proof) => [proof.guard.id, proof] as const))(
    'on %s: each mutant has a name of its own, each code a drill, and something is allowed',
    (id, proof) => {
      const { guard, drills, brokenLooks } = proof;
      const looks = brokenLooks.map((look) => look.id);
      const mutants = [...guard.codes, ...looks, 'facts', ...tablesOf(proof).map((table) => table.id)];
      expect(new Set(mutants).size).toBe(mutants.length);
      const claim = parseClaims(Buffer.from(agreed)).claims.find((candidate) => candidate.guard === id);
      expect(claim?.mutants).toEqual(mutants);
      const expects = new Set(drills.map((drill) => drill.expects));
      expect([...guard.codes].filter((code) => !expects.has(code))).toEqual([]);
      expect(expects).toContain('allow');
      const rows = parseClaims(Buffer.from(agreed)).dimensions.filter(({ probes }) => probes.includes(id));
      expect(rows.map((row) => row.id)).toEqual([guard.dimension]);
    },
  );
});
