// What a score may do over a baseline. Each test is a way in which a number was once talked up.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { type Baseline, parseBaseline, parseEarlier } from '../../src/scorecard/baseline.ts';
import type { TestFile } from '../../src/scorecard/claim-boundary/suite.ts';
import { type Claim, type Claims, parseClaims, writeClaims } from '../../src/scorecard/claims.ts';
import { type Gap, type GapRegister, parseRegister } from '../../src/scorecard/register.ts';
import { toStatement } from '../../src/scorecard/report.ts';
import { parseRetired, retire } from '../../src/scorecard/retired.ts';
import { type Score, type ScoreInput, scoreOf } from '../../src/scorecard/score.ts';
import { claims, fullRun, here, recorded, recordedInFull } from './fixture.ts';

const register = parseRegister(readFileSync('data/hardening-gaps.json'));
const OTHER_CODE = 'c'.repeat(64);

const scored = (verdict: JournalVerdict, change: Partial<ScoreInput> = {}): Score =>
  scoreOf({ verdict, claims, context: here, register, ...change });
/** A score as a baseline, after `change`. */
const baselineOf = (score: Score, change: (predicate: Predicate) => unknown = () => {}): Baseline => {
  const statement = JSON.parse(toStatement(score));
  change(statement.predicate);
  return parseBaseline(Buffer.from(JSON.stringify(statement)));
};
interface Predicate {
  scorer: { version: number };
  score: { milli: number };
  context: { codeDigest: string };
  probes: { probe: string; grade: string; evidence: string[] }[];
}
const withGap = (id: string, change: Partial<Gap>): GapRegister => ({
  ...register,
  gaps: register.gaps.map((gap) => (gap.id === id ? { ...gap, ...change } : gap)),
});

describe('a fall', () => {
  it('counts at once', async () => {
    const before = baselineOf(scored(await recordedInFull()));
    const now = scored((await recorded([])).verdict, { baseline: before });
    expect(now).toMatchObject({ milli: 0, movement: { unsupported: [] } });
  });

  it('is not undone by a baseline that was higher: field by field', async () => {
    const verdict = await recordedInFull();
    const p0: Gap = { ...(register.gaps[0] as Gap), id: 'new', severity: 'P0', status: 'open' };
    const worse = { ...register, gaps: [...register.gaps, p0] };
    const before = baselineOf(scored(verdict));
    const now = scored(verdict, { register: worse, baseline: before });
    expect(now.milli).toBe(scored(verdict, { register: worse }).milli);
    expect(now.milli).toBeLessThan(before.score.milli);
  });
});

describe('a rise', () => {
  const sunk = (predicate: Predicate): unknown =>
    Object.assign(predicate.probes.find(({ probe }) => probe === 'bind') ?? {}, { grade: 'E2' });
  const otherCode = (predicate: Predicate): unknown =>
    Object.assign(predicate.context, { codeDigest: OTHER_CODE });

  it('counts on new evidence for changed code', async () => {
    const before = baselineOf(scored((await recorded([])).verdict), otherCode);
    const now = scored(await recordedInFull(), { baseline: before });
    expect(now.movement.unsupported).toEqual([]);
    expect(now.milli).toBeGreaterThan(before.score.milli);
  });

  it('does not count on evidence that the baseline already had, whatever changed', async () => {
    const verdict = await recordedInFull();
    const real = scored(verdict);
    const before = baselineOf(real, (predicate) => [sunk(predicate), otherCode(predicate)]);
    const now = scored(verdict, { baseline: before });
    expect(now.movement.unsupported).toEqual(['bind rose from E2 to E4 without new evidence']);
    expect(now.milli).toBeLessThan(real.milli);
  });

  it('does not count by running unchanged code once more', async () => {
    const before = baselineOf(scored(await recordedInFull()), sunk);
    const now = scored((await recorded(fullRun())).verdict, { baseline: before });
    expect(now.movement.unsupported).toEqual([
      'bind rose from E2 to E4 without changed code or a closed gap',
    ]);
  });

  it('does not come from a row more, which makes the others weigh less, unless a signed entry says so', async () => {
    const [bind, ...others] = claims.claims.filter(({ guard }) => ['bind', 'routes'].includes(guard));
    const [easy] = others;
    if (!bind || !easy) throw new Error('both are claimed');
    const row = (id: string, letters: string, weight: number, probes: string[]) => ({
      id,
      letters,
      label: id,
      weight,
      probes,
    });
    const drafts = fullRun().filter(({ guard }) => guard.id === 'routes');
    const { verdict } = await recorded(drafts.map((draft) => ({ ...draft, dimension: 'easy' })));
    const hard = [row('hard', 'HA', 1, ['bind'])];
    const before = baselineOf(scored(verdict, { claims: { ...claims, dimensions: hard, claims: [bind] } }));
    const changed = { ...before, context: { ...before.context, codeDigest: 'f'.repeat(64) } };
    const more = {
      ...claims,
      dimensions: [...hard, row('easy', 'EA', 1_000, ['routes'])],
      claims: [bind, easy],
    };
    const given = { claims: more, baseline: changed };
    expect(scored(verdict, { ...given, baseline: undefined }).milli).toBeGreaterThan(before.score.milli);
    const score = scored(verdict, given);
    expect([score.milli, score.movement.unsupported]).toEqual([
      before.score.milli,
      [expect.stringContaining('weight:easy')],
    ]);
    const retired = parseRetired(
      Buffer.from(retire(['weight:easy'], 'a row of our own, by intent', 'a'.repeat(64), here.now)),
    );
    expect(scored(verdict, { ...given, retired }).movement.unsupported).toEqual([]);
  });

  it('does not count in a row that is new, or that nothing proved, without changed code', async () => {
    const verdict = await recordedInFull();
    const [bind] = claims.claims.filter(({ guard }) => guard === 'bind');
    const [row] = claims.dimensions.filter(({ probes }) => probes.includes('bind'));
    if (!bind || !row) throw new Error('bind is claimed');
    const alone = { ...row, probes: ['bind'] };
    const empty = { ...row, id: 'empty', letters: 'EM', probes: [] };
    const asked = (dimensions: Claims['dimensions']): Claims => ({ ...claims, dimensions, claims: [bind] });
    const elsewhere = [
      { ...alone, probes: [] },
      { ...empty, probes: ['bind'] },
    ];
    for (const [was, is] of [
      [asked([empty]), asked([empty, alone])],
      [asked([{ ...alone, probes: [] }]), asked([alone])],
      [asked([alone, empty]), asked(elsewhere)],
    ] as const) {
      const none = was.dimensions.some(({ probes }) => probes.length > 0) ? was.claims : [];
      const before = baselineOf(scored(verdict, { claims: { ...was, claims: none } }));
      const now = scored(verdict, { claims: is, baseline: before });
      expect([now.milli <= before.score.milli, now.movement.unsupported.length > 0]).toEqual([true, true]);
    }
  });

  it('never lifts the total over the baseline beside anything unsupported', async () => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict), (predicate) => {
      sunk(predicate);
      predicate.score.milli = 1;
    });
    expect(scored(verdict, { baseline: before }).milli).toBe(1);
  });

  it.each([
    [
      'of another version and shape',
      { schema: 'agilab.architecture_scorecard.v9', scorer: { version: 99 } },
      'by version 99',
    ],
    ['that does not say', { schema: 'agilab.architecture_scorecard.v2' }, 'by version unknown'],
  ])(
    'over a baseline of a scorer %s is not comparable, and no usage error',
    async (_what, predicate, why) => {
      const verdict = await recordedInFull();
      const earlier = { ...JSON.parse(toStatement(scored(verdict))), predicate };
      const { movement } = scored(verdict, { baseline: parseEarlier(Buffer.from(JSON.stringify(earlier))) });
      expect(movement).toMatchObject({
        from: undefined,
        unsupported: [expect.stringContaining(`not comparable: the baseline was scored ${why}`)],
      });
    },
  );

  it('over a baseline of another scorer is not comparable', async () => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict), ({ scorer }) => Object.assign(scorer, { version: 1 }));
    expect(scored(verdict, { baseline: before }).movement.unsupported).toEqual([
      expect.stringContaining('not comparable'),
    ]);
  });
});

describe('what is gone since the baseline', () => {
  const A_TEST: TestFile = { path: 'a.test.ts', tests: 2, assertions: 5, digest: 'a'.repeat(64) };
  const suite: readonly TestFile[] = [
    A_TEST,
    { path: 'helper.ts', tests: 0, assertions: 0, digest: 'b'.repeat(64) },
  ];
  const less = (change: (claim: Claim) => Partial<Claim>): Claims => ({
    ...claims,
    claims: claims.claims.map((claim) => (claim.guard === 'bind' ? { ...claim, ...change(claim) } : claim)),
  });
  const rows = (change: (rows: Claims['dimensions']) => Claims['dimensions']): Claims => ({
    ...claims,
    dimensions: change(claims.dimensions),
  });
  const withoutBind: Claims = {
    ...rows((all) => all.map((row) => ({ ...row, probes: row.probes.filter((probe) => probe !== 'bind') }))),
    claims: claims.claims.filter(({ guard }) => guard !== 'bind'),
  };
  const withoutRow: Claims = {
    ...rows((all) => all.filter(({ letters }) => letters !== 'CB')),
    claims: claims.claims.filter(
      ({ guard }) => !claims.dimensions.find(({ letters }) => letters === 'CB')?.probes.includes(guard),
    ),
  };
  const cases: readonly (readonly [string, Claims])[] = [
    ['drill:bind/star', less(({ drills }) => ({ drills: drills.filter(({ id }) => id !== 'star') }))],
    [
      'drill:bind/star',
      less(({ drills }) => ({
        drills: drills.map((drill) => (drill.id === 'star' ? { ...drill, expects: 'allow' } : drill)),
      })),
    ],
    [
      'mutant:bind/bind.wildcard',
      less(({ mutants }) => ({ mutants: mutants.filter((id) => id !== 'bind.wildcard') })),
    ],
    [
      'state:bind/star',
      less(({ drills }) => ({
        drills: drills.map((drill) => (drill.id === 'star' ? { ...drill, fixture: 'a'.repeat(64) } : drill)),
      })),
    ],
    ['age:bind', less(({ timeToLive }) => ({ timeToLive: timeToLive + 1 }))],
    ['probe:bind', withoutBind],
    ['row:architecture_claim_boundary', withoutRow],
    [
      'weight:architecture_claim_boundary',
      rows((all) => all.map((row) => ({ ...row, weight: row.letters === 'CB' ? 1 : 10 }))),
    ],
  ];
  it.each(cases.slice(0, -1))('%s costs its row, and is named', async (id, now) => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict));
    const score = scored(verdict, { claims: now, baseline: before });
    expect(score.movement.unsupported).toEqual([expect.stringContaining(`${id} is gone`)]);
    expect(score.milli).toBeLessThanOrEqual(before.score.milli);
    expect(scored(verdict, { claims: now }).milli).toBeGreaterThanOrEqual(score.milli);
    expect(score.dimensions).toHaveLength(claims.dimensions.length);
  });

  it('is found when live rows weigh more than before', async () => {
    const { verdict } = await recorded(fullRun().filter(({ guard }) => guard.id !== 'bind'));
    const before = baselineOf(scored(verdict));
    const heavier = rows((all) =>
      all.map((row) => ({ ...row, weight: row.probes.includes('bind') || row.restsOn ? 1 : 100 })),
    );
    expect(scored(verdict, { claims: heavier }).milli).toBeGreaterThan(before.score.milli);
    const score = scored(verdict, { claims: heavier, baseline: before });
    expect([score.milli, score.movement.unsupported.length > 0]).toEqual([before.score.milli, true]);
  });

  it.each(cases.slice(0, 6))('%s may be retired, with a reason', async (id, now) => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict));
    const unsupported = (made: number): readonly string[] => {
      const entries = retire([id], 'replaced by a better one', 'a'.repeat(64), made);
      const retired = parseRetired(Buffer.from(entries));
      return scored(verdict, { claims: now, baseline: before, retired }).movement.unsupported;
    };
    expect(unsupported(here.now)).toEqual([]);
    // What an entry was made for, a later baseline knows: what goes under that name then is another thing.
    expect(unsupported(here.now - 1)).toEqual([expect.stringContaining(`${id} is gone`)]);
  });

  it.each([
    ['asserts less', (file: TestFile) => [{ ...file, assertions: file.assertions - 1 }]],
    ['declares a test less', (file: TestFile) => [{ ...file, tests: file.tests - 1 }]],
    ['is gone', () => []],
  ])(
    'a file of tests that %s, with its list written anew, costs the row of public text',
    async (_how, less) => {
      const verdict = await recordedInFull();
      const before = baselineOf(scored(verdict, { suite }));
      const hollow = suite.flatMap((file) => (file.path === 'a.test.ts' ? less(file) : [file]));
      const now = scored(verdict, { suite: hollow, baseline: before });
      expect(now.movement.unsupported).toEqual([expect.stringContaining('tests:a.test.ts is gone')]);
      expect(now.milli).toBeLessThan(before.score.milli);
      const entries = parseRetired(
        Buffer.from(
          retire(['tests:a.test.ts'], 'what it showed is shown elsewhere', 'a'.repeat(64), here.now),
        ),
      );
      expect(scored(verdict, { suite: hollow, baseline: before, retired: entries }).milli).toBe(
        before.score.milli,
      );
    },
  );

  it('is no rise where a test asserts more, or one is added', async () => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict, { suite }));
    const more = [
      ...suite.map((file) => ({ ...file, assertions: file.assertions + 1 })),
      { ...A_TEST, path: 'b.test.ts' },
    ];
    const now = scored(verdict, { suite: more, baseline: before });
    expect([now.milli, now.movement.unsupported]).toEqual([before.score.milli, []]);
  });

  it('is not retired without one, or by a name of nothing', () => {
    for (const bad of [retire(['drill:bind/star'], '', ''), retire(['bind'], 'a good reason, really', '')])
      expect(() => parseRetired(Buffer.from(bad))).toThrow(
        expect.objectContaining({ code: 'retired.invalid' }),
      );
  });

  it('does not depend on the order in which claims are written', async () => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict));
    const shuffled = { ...claims, claims: claims.claims.toReversed() };
    const read = parseClaims(Buffer.from(writeClaims(shuffled)));
    expect(scored(verdict, { claims: read, baseline: before }).movement.unsupported).toEqual([]);
  });
});

describe('a gap', () => {
  it.each([
    ['removed', { ...register, gaps: register.gaps.filter(({ id }) => id !== 'regulated-serving') }],
    ['made less severe', withGap('regulated-serving', { severity: 'P2' })],
    [
      'given other evidence to ask for',
      withGap('regulated-serving', { evidence_required: [{ requirement: 'trust me', evidence: [] }] }),
    ],
  ])('%s costs what it cost', async (_how, changed) => {
    const verdict = await recordedInFull();
    const before = scored(verdict);
    const now = scored(verdict, { register: changed, baseline: baselineOf(before) });
    expect(now.register.penalty).toBe(before.register.penalty);
    expect(now.movement.unsupported).toHaveLength(1);
  });

  it('does not get cheaper in two steps: open, called shipped without proof, then conditional', async () => {
    const verdict = await recordedInFull();
    const open = scored(verdict, { register: withGap('regulated-serving', { status: 'open' }) });
    const called = scored(verdict, {
      register: withGap('regulated-serving', { status: 'shipped' }),
      baseline: baselineOf(open),
    });
    expect(called.register.penalty).toBe(open.register.penalty);
    const conditional = scored(verdict, { baseline: baselineOf(called) });
    expect(conditional.register.penalty).toBe(open.register.penalty);
    expect(conditional.movement.unsupported).toEqual([
      'gap regulated-serving went from open to conditional without proof',
    ]);
  });

  it('that gets dearer costs at once, also where the baseline knew it otherwise', async () => {
    const verdict = await recordedInFull();
    const before = scored(verdict);
    const dearer = withGap('regulated-serving', {
      status: 'open',
      evidence_required: [{ requirement: 'something else', evidence: [] }],
    });
    const now = scored(verdict, { register: dearer, baseline: baselineOf(before) });
    expect(now.register.penalty).toBe(before.register.penalty + 75);
  });
});

describe('a baseline from another machine', () => {
  it('is compared, and said to be from there', async () => {
    const verdict = await recordedInFull();
    const before = baselineOf(scored(verdict), ({ context }) =>
      Object.assign(context, { machine: 'another' }),
    );
    const { conditions, movement } = scored(verdict, { baseline: before });
    expect([conditions, movement.unsupported]).toEqual([[expect.stringContaining('another machine')], []]);
    expect(scored(verdict, { baseline: baselineOf(scored(verdict)) }).conditions).toEqual([]);
  });
});

describe('a baseline that is none', () => {
  const valid = (verdict: JournalVerdict) => JSON.parse(toStatement(scored(verdict)));
  it.each([
    ['another predicate', { predicateType: 'urn:other' }],
    ['no predicate', { predicate: null }],
    ['a bare scorecard', { _type: undefined }],
  ])('is refused: %s', async (_what, change) => {
    const statement = { ...valid((await recorded([])).verdict), ...change };
    for (const parse of [parseBaseline, parseEarlier])
      expect(() => parse(Buffer.from(JSON.stringify(statement)))).toThrow(
        expect.objectContaining({ code: 'baseline.invalid' }),
      );
  });
});
