// What closes a gap, and what a row is worth whose shipped gaps stand on the drills of others.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whyCheaper } from '../../src/scorecard/cheaper.ts';
import type { Claims } from '../../src/scorecard/claims.ts';
import type { DimensionFinding, Grade } from '../../src/scorecard/grade.ts';
import { type PricedGap, priceGaps } from '../../src/scorecard/price.ts';
import { type Gap, parseRegister, type Requirement } from '../../src/scorecard/register.ts';
import { restRows } from '../../src/scorecard/rests.ts';
import { claims as own } from './fixture.ts';

const register = parseRegister(readFileSync('data/hardening-gaps.json'));
const TENANTS = 'acme/tenants';
const drills = ['workspace', 'artifact', 'cache'].map((id) => ({ id, expects: `tenants.${id}` }));
const claims: Claims = {
  ...own,
  dimensions: own.dimensions.map((row) =>
    row.letters === 'GR' ? { ...row, probes: [...row.probes, TENANTS] } : row,
  ),
  claims: [
    ...own.claims,
    { guard: TENANTS, policyDigest: '0'.repeat(64), timeToLive: 60, drills, mutants: [] },
  ],
};
const rows = (grades: Readonly<Record<string, Grade>> = {}): readonly DimensionFinding[] =>
  claims.dimensions.map((dimension) => {
    const probes = dimension.probes.map((probe) => ({
      probe,
      grade: grades[probe] ?? ('E4' as const),
      why: 'so it is',
      evidence: [],
    }));
    return { dimension, grade: probes.map(({ grade }) => grade).sort()[0] ?? 'E0', why: '', probes };
  });

const named = (...ids: readonly string[]): readonly Requirement[] =>
  ids.map((id, n) => ({ requirement: `the ${n}th`, evidence: id === '' ? [] : [id] }));
const all = named(...drills.map(({ id }) => `drill:${TENANTS}/${id}`));
const tenants = (change: Partial<Gap>): readonly Gap[] =>
  register.gaps.map((gap) =>
    gap.id === 'tenant-isolation' ? { ...gap, status: 'shipped', evidence_required: all, ...change } : gap,
  );
const priced = (gaps: readonly Gap[], found = rows()): PricedGap | undefined =>
  priceGaps(gaps, found, claims).find(({ id }) => id === 'tenant-isolation');

describe('a gap that is called shipped', () => {
  it('costs nothing while every drill that it names is of a live probe that may speak for it', () => {
    expect(priced(tenants({}))).toMatchObject({ counted: 'shipped', penalty: 0 });
  });

  it.each([
    ['a probe that is not live', tenants({}), rows({ [TENANTS]: 'E3' }), 'is not live'],
    ['a requirement without a drill', tenants({ evidence_required: named('') }), rows(), 'no drill is named'],
    [
      'a drill that nobody claims',
      tenants({ evidence_required: named('drill:x/y') }),
      rows(),
      'nobody claims',
    ],
    [
      'a drill of this package',
      tenants({ evidence_required: named('drill:bind/star') }),
      rows(),
      'does not speak',
    ],
    [
      'one drill for two things',
      tenants({ evidence_required: named(`drill:${TENANTS}/cache`, `drill:${TENANTS}/cache`) }),
      rows(),
      'to show two things',
    ],
    [
      'one drill for two things, behind a gap that does the same with another',
      [
        { ...tenants({})[0], id: 'decoy', evidence_required: named('drill:a/b', 'drill:a/b') } as Gap,
        ...tenants({ evidence_required: named(`drill:${TENANTS}/cache`, `drill:${TENANTS}/cache`) }),
      ],
      rows(),
      'to show two things',
    ],
  ])('is open with %s', (_what, gaps, found, why) => {
    expect(priced(gaps, found)).toMatchObject({
      counted: 'open',
      penalty: 150,
      why: expect.stringContaining(why),
    });
  });
});

describe('a row that rests on others', () => {
  const rowOf = (letters: string, found: readonly DimensionFinding[]): DimensionFinding | undefined =>
    found.find(({ dimension }) => dimension.letters === letters);

  it('is worth no more than the weakest probe that a shipped gap names', () => {
    const found = rows({ 'capacity-origin': 'E2' });
    expect(rowOf('GR', found)?.grade).toBe('E4');
    expect(rowOf('GR', restRows(found, claims, register.gaps))).toMatchObject({
      grade: 'E2',
      why: 'rests on capacity-origin: so it is',
    });
    const honest = register.gaps.map((gap) => ({ ...gap, status: 'open' as const }));
    expect(rowOf('GR', restRows(found, claims, honest))?.grade).toBe('E4');
  });

  it('is worth no more than the weakest probe that the public text names, nothing where that is claimed nowhere', () => {
    const resting = (restsOn: readonly string[]): Claims => ({
      ...claims,
      dimensions: claims.dimensions.map((row) => (row.letters === 'RX' ? { ...row, restsOn } : row)),
    });
    const graded = (restsOn: readonly string[]): Grade | undefined => {
      const found = rows({ bind: 'E1' }).map((row, n) => ({
        ...row,
        dimension: resting(restsOn).dimensions[n] ?? row.dimension,
      }));
      return rowOf('RX', restRows(found, resting(restsOn), []))?.grade;
    };
    expect([graded([]), graded(['bind', 'journal']), graded(['imagined'])]).toEqual(['E4', 'E1', 'E0']);
  });
});

describe('a gap over time', () => {
  const before = priceGaps(tenants({}), rows(), claims).find(({ id }) => id === 'tenant-isolation');
  it.each([
    ['removed', undefined],
    ['less-severe', { severity: 'P2' as const }],
    ['asks-for-less', { evidence_required: all.slice(1) }],
    ['asks-for-less', { words: [], counted: 'open' as const }],
    ['asks-for-less', { evidence_required: all.map((each) => ({ ...each, evidence: ['drill:bind/star'] })) }],
    ['redated', { opened: '2031-01-01' }],
    [undefined, { evidence_required: [...all, { requirement: 'more', evidence: [] }] }],
  ])('%s', (kind, change) => {
    if (!before) throw new TypeError('the gap is there');
    expect(whyCheaper(before, change && { ...before, ...change })?.kind).toBe(kind);
  });
});
