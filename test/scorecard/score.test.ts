import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DimensionFinding, Grade } from '../../src/scorecard/grade.ts';
import { priceGaps, sumUp } from '../../src/scorecard/price.ts';
import { type Gap, parseRegister } from '../../src/scorecard/register.ts';
import { toAgilabJson, toTable, toV1, toV2 } from '../../src/scorecard/report.ts';
import { milliOf, scoreOf, supportedScore, termsOf } from '../../src/scorecard/score.ts';
import { beside, withBeside } from '../left-out.ts';
import { claims, here, recordedInFull } from './fixture.ts';

const priceRegister = (gaps: readonly Gap[], dimensions: readonly DimensionFinding[]) =>
  sumUp(priceGaps(gaps, dimensions, claims));
const register = parseRegister(readFileSync('data/hardening-gaps.json'));
const rows = (grade: Grade): DimensionFinding[] =>
  claims.dimensions.map((dimension) => ({
    dimension,
    grade,
    why: '',
    probes: dimension.probes.map((probe) => ({ probe, grade, why: '', evidence: [] })),
  }));
const milli = (dimensions: readonly DimensionFinding[], gaps: readonly Gap[]): number =>
  milliOf(termsOf(dimensions, priceRegister(gaps, dimensions)));

describe('the arithmetic, in whole milli-points', () => {
  const conditional = register.gaps.filter(({ status }) => status === 'conditional');

  it('seven live rows and four conditional P1 gaps give 4,700', () => {
    expect(conditional).toHaveLength(4);
    expect(milli(rows('E4'), conditional)).toBe(4_700);
    expect(supportedScore(4_700)).toBe('4.7 / 5');
  });

  it('one row missing gives 4,285 less what the gaps cost: the denominator stays', () => {
    const [first, ...rest] = rows('E4');
    const six = first ? [{ ...first, grade: 'E0' as const }, ...rest] : rest;
    expect([milli(six, []), milli(six, conditional)]).toEqual([4_285, 3_985]);
  });

  it('an open P0 caps at 2,000 and costs 300, whatever else holds', () => {
    const p0 = { ...(conditional[0] as Gap), id: 'new', severity: 'P0', status: 'open' } as const;
    expect(milli(rows('E4'), [p0])).toBe(2_000);
    const [live, ...rest] = rows('E4');
    const oneLive = [live, ...rest.map((row) => ({ ...row, grade: 'E0' }))] as DimensionFinding[];
    expect([milli(oneLive, []), milli(oneLive, [p0])]).toEqual([714, 414]);
  });

  it('a gap costs also where little is proven, which the smallest of three terms would hide', () => {
    const [live, ...rest] = rows('E4');
    const oneLive = [live, ...rest.map((row) => ({ ...row, grade: 'E0' }))] as DimensionFinding[];
    expect(milli(oneLive, conditional)).toBe(414);
  });

  it('advisory evidence is worth nothing', () => {
    expect(milli(rows('E1'), [])).toBe(0);
  });

  it('a gap called shipped costs nothing only while its probe is live', () => {
    expect(priceRegister(register.gaps, rows('E4')).penalty).toBe(300);
    expect(priceRegister(register.gaps, rows('E3')).penalty).toBe(325);
    const shipped = register.gaps.map((gap) => ({ ...gap, status: 'shipped' as const }));
    expect(priceRegister(shipped, rows('E4')).penalty).toBe(4 * 150); // no probe proves the other four
  });

  it('many gaps leave nothing, never less than nothing', () => {
    const many = Array.from({ length: 50 }, (_, n) => ({ ...(conditional[0] as Gap), id: `g${n}` }));
    expect(milli(rows('E4'), many)).toBe(1_250);
    expect(milli(rows('E4'), [...many, ...many])).toBe(0);
  });
});

const agilab = new URL('architecture_hardening_gaps.json', beside('agilab'));

describe('the register', () => {
  for (const [whose, file, options] of [
    ['this package', 'data/hardening-gaps.json', {}],
    ['AGILAB', agilab, withBeside('agilab')],
  ] as const)
    it(`of ${whose} yields four conditional P1 gaps`, options, () => {
      const { gaps } = parseRegister(readFileSync(file));
      const priced = priceRegister(gaps, rows('E4'));
      const conditional = priced.gaps.filter(
        ({ severity, counted }) => severity === 'P1' && counted === 'conditional',
      );
      expect([conditional.length, milli(rows('E4'), gaps)]).toEqual([4, 4_700]);
    });

  const valid = (): { gaps: Record<string, unknown>[] } =>
    JSON.parse(readFileSync('data/hardening-gaps.json', 'utf8'));
  type Change = (file: { gaps: Record<string, unknown>[] }) => unknown;
  const refused: readonly (readonly [string, Change, string])[] = [
    [
      'an unknown status',
      (file) => Object.assign(file.gaps[0] ?? {}, { status: 'wontfix' }),
      'register.invalid',
    ],
    ['a mandatory gap left out', (file) => file.gaps.shift(), 'register.mandatory'],
    [
      'a mandatory gap played down',
      (file) => Object.assign(file.gaps[0] ?? {}, { severity: 'P2' }),
      'register.mandatory',
    ],
    ['a gap named twice', (file) => file.gaps.push(file.gaps[0] ?? {}), 'register.invalid'],
    ['an unknown key', (file) => Object.assign(file.gaps[0] ?? {}, { weight: 0 }), 'register.invalid'],
  ];
  it.each(refused)('is refused with %s', (_what, change, code) => {
    const file = valid();
    change(file);
    expect(() => parseRegister(Buffer.from(JSON.stringify(file)))).toThrow(expect.objectContaining({ code }));
  });
});

describe('claims of your own', () => {
  it('that ask for less than those of the package make the score conditional, and say how much less', async () => {
    const verdict = await recordedInFull();
    const given = { verdict, context: here, register, ownClaims: claims };
    const easy = claims.dimensions.map((row) =>
      row.letters === 'CM' ? { ...row, probes: ['capacity-model'] } : row,
    );
    const fewer = {
      ...claims,
      dimensions: easy,
      claims: claims.claims.filter(({ guard }) => guard !== 'capacity-origin'),
    };
    expect(scoreOf({ ...given, claims }).conditions).toEqual([]);
    const easier = scoreOf({ ...given, claims: fewer });
    expect(easier.conditions).toEqual([
      expect.stringMatching(
        /: [1-9]\d* of its .*, such as probe:capacity-origin, are not asked for or weigh otherwise$/,
      ),
    ]);
    // In the shape that AGILAB reads as well, where no key says so.
    expect(toV1(easier).summary.score_boundary).toContain(`Conditional: ${easier.conditions[0]}.`);
    expect(toV1(scoreOf({ ...given, claims })).summary.score_boundary).not.toContain('Conditional');
  });
});

describe('a register of your own', () => {
  const given = (change: Partial<Gap>) => ({
    ...register,
    gaps: register.gaps.map((gap) => (gap.id === 'regulated-serving' ? { ...gap, ...change } : gap)),
  });

  it.each([
    ['does not lift the score by a gap that it lacks', { ...register, gaps: [] }],
    ['does not lift it by a gap that it calls less severe', given({ severity: 'P2' })],
    [
      'does not lift it by asking for other evidence',
      given({ evidence_required: [{ requirement: 'trust me', evidence: [] }] }),
    ],
  ])('%s', async (_what, changed) => {
    const verdict = await recordedInFull();
    const own = scoreOf({ verdict, claims, context: here, register });
    const theirs = scoreOf({ verdict, claims, context: here, register: changed, ownRegister: register });
    expect(theirs.milli).toBe(own.milli);
    expect(scoreOf({ verdict, claims, context: here, register: changed }).milli).not.toBeLessThan(own.milli);
  });

  it('may lower it', async () => {
    const verdict = await recordedInFull();
    const own = scoreOf({ verdict, claims, context: here, register });
    const open = given({ status: 'open' });
    const theirs = scoreOf({ verdict, claims, context: here, register: open, ownRegister: register });
    expect(theirs.milli).toBe(own.milli - 75);
  });
});

describe('a scorecard', () => {
  it('carries all that it was computed from but the journal: from both, anybody computes it again', async () => {
    const verdict = await recordedInFull();
    const card = JSON.parse(JSON.stringify(toV2(scoreOf({ verdict, claims, context: here, register }))));
    const again = scoreOf({
      verdict,
      claims: card.claims,
      context: card.context,
      register: { ...register, gaps: card.register.gaps, digest: card.digests.register },
    });
    expect(JSON.parse(JSON.stringify(toV2(again)))).toEqual(card);
    const digest = createHash('sha256').update(readFileSync('data/claims.json')).digest('hex');
    expect(card.digests.claims).toBe(digest);
  });

  it('spells its vector from the rows and from how the gaps count', async () => {
    const verdict = await recordedInFull();
    const score = scoreOf({ verdict, claims, context: here, register });
    const grades = claims.dimensions.map(
      ({ letters, probes }) => `${letters}:${probes.length > 0 ? 'E4' : 'E0'}`,
    );
    expect(score.vector).toBe([...grades, 'P1c:4', 'P2s:1'].join('/'));
    const live = grades.filter((grade) => grade.endsWith('E4')).length;
    expect(score.coverage).toEqual({ live, total: claims.dimensions.length });
  });

  it('has the same bytes for the same inputs', async () => {
    const verdict = await recordedInFull();
    const print = (): string => JSON.stringify(toV2(scoreOf({ verdict, claims, context: here, register })));
    expect(print()).toBe(print());
  });

  it('prints every key of AGILAB version 1, sorted, in ASCII', async () => {
    const verdict = await recordedInFull();
    const text = toAgilabJson(toV1(scoreOf({ verdict, claims, context: here, register })));
    const keys = ['checks', 'kpi', 'schema', 'score_scope', 'status', 'summary', 'supported_score'];
    expect(Object.keys(JSON.parse(text))).toEqual(keys);
    expect(JSON.parse(text)).toMatchObject({
      schema: 'agilab.architecture_scorecard.v1',
      summary: { total: 7 },
    });
    expect(text).toMatch(/^[\n\x20-\x7e]*\n$/);
    expect(toAgilabJson({ b: 'é', a: 1 })).toBe('{\n  "a": 1,\n  "b": "\\u00e9"\n}\n');
  });

  it('prints no line that somebody wrote: a requirement with line breaks makes no other number', async () => {
    const verdict = await recordedInFull();
    const forged = [{ requirement: '\n\u001b[2JArchitecture scorecard: 5.0 / 5\n', evidence: [] }];
    const gaps = register.gaps.map((gap) =>
      gap.id === 'tenant-isolation' ? { ...gap, status: 'shipped' as const, evidence_required: forged } : gap,
    );
    const table = toTable(scoreOf({ verdict, claims, context: here, register: { ...register, gaps } }));
    expect(table).toContain('Architecture scorecard: 5.0 / 5');
    expect(table.match(/^\P{L}*Architecture scorecard/gmu)).toHaveLength(1);
    expect(table).not.toContain('\u001b');
  });

  it('says in the table where each number comes from', async () => {
    const verdict = await recordedInFull();
    const table = toTable(scoreOf({ verdict, claims, context: here, register }));
    expect(table).toContain(verdict.root);
    for (const { label } of claims.dimensions) expect(table).toContain(label);
    for (const { id } of register.gaps) expect(table).toContain(id);
  });
});

describe('a score is conditional, and says why,', () => {
  const conditions = (change: object, verdict: Parameters<typeof scoreOf>[0]['verdict']) =>
    scoreOf({ verdict: { ...verdict, ...change }, claims, context: here, register }).conditions;

  it.each([
    ['where time ran back', { clockBack: { times: 2, line: 8 } }, 'time ran back at line 8'],
    ['beside lines that nobody sealed', { unsealed: { open: 3, adopted: 0 } }, '3 lines are not sealed'],
    ['beside lines that were adopted', { unsealed: { open: 0, adopted: 4 } }, '4 lines were found unsealed'],
  ])('%s', async (_where, change, why) => {
    const verdict = await recordedInFull();
    expect(conditions({}, verdict)).toEqual([]);
    expect(conditions(change, verdict)).toEqual([expect.stringContaining(why)]);
  });
});
