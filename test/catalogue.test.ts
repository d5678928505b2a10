import { describe, expect, it } from 'vitest';
import { catalogue } from '../src/catalogue.ts';
import { CLAIMS } from '../src/scorecard/claims.ts';
import { DIMENSIONS } from '../src/scorecard/dimensions.ts';

describe('the catalogue, the claims and the rows agree', () => {
  it('names every guard once', () => {
    const ids = catalogue.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(catalogue.map((guard) => [guard.id, guard] as const))('%s', (_id, guard) => {
    const codes = guard.rules.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect([...(CLAIMS.get(guard.id) ?? [])].sort()).toEqual([...codes].sort());
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
