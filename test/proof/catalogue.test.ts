import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue.ts';
import { mutantsOf } from '../../src/proof/drill.ts';
import { CLAIMS } from '../../src/scorecard/claims.ts';
import { DIMENSIONS } from '../../src/scorecard/dimensions.ts';

describe('the catalogue, the claims and the rows agree', () => {
  it('names every guard once', () => {
    const ids = catalogue.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(catalogue.map((guard) => [guard.id, guard] as const))('%s', (_id, guard) => {
    const drills = guard.drills.map(({ id, expects }) => [id, expects] as const);
    expect(new Set(drills.map(([id]) => id)).size).toBe(drills.length);
    const mutants = mutantsOf(guard).map(({ id }) => id);
    expect(new Set(mutants).size).toBe(mutants.length);
    expect(CLAIMS.get(guard.id)).toEqual({ drills: Object.fromEntries(drills), mutants });
    expect(drills.some(([, expects]) => expects === 'allow')).toBe(true);
    expect(DIMENSIONS.filter(({ probes }) => probes.includes(guard.id)).map(({ id }) => id)).toEqual([
      guard.dimension,
    ]);
    for (const { remedy } of guard.rules) expect(remedy).toMatch(/^\S.+[.]$/);
  });

  it('claims nothing for guards that do not exist', () => {
    const ids = catalogue.map(({ id }) => id);
    expect([...CLAIMS.keys()].filter((id) => !ids.includes(id))).toEqual([]);
  });
});
