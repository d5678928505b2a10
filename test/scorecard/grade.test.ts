import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CodedError } from '../../src/evidence/coded-error.ts';
import { FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { loadingOptions } from '../../src/evidence/loading-options.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft, Probe } from '../../src/evidence/record.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import type { GradingContext } from '../../src/scorecard/age.ts';
import type { Claims } from '../../src/scorecard/claims.ts';
import { gradeDimensions } from '../../src/scorecard/grade.ts';
import { SCORED } from '../../src/scorecard/look.ts';
import { lostSince } from '../../src/scorecard/lost.ts';
import { drawDrills } from '../../src/scorecard/replay-draw.ts';
import { bytesOf, inMemory } from '../evidence/support.ts';
import {
  claims,
  drillDraft,
  fullRun,
  here,
  liveDraft,
  mutantDraft,
  recorded,
  recordedInFull,
  runUnder,
} from './fixture.ts';

const DAY = 24 * 60 * 60 * 1_000;
const rowsOf = (
  verdict: Parameters<typeof gradeDimensions>[0],
  context: GradingContext = here,
  against: Claims = claims,
) =>
  Object.fromEntries(
    gradeDimensions(verdict, against, context).map(({ dimension, grade, why }) => [
      dimension.letters,
      { grade, why },
    ]),
  );

describe('a row is worth what its weakest probe has shown', () => {
  it('is live when every claim was drilled and every mutant killed in the newest run', async () => {
    const verdict = await recordedInFull();
    expect(rowsOf(verdict)).toMatchObject({ RG: { grade: 'E4' }, RX: { grade: 'E4' }, CM: { grade: 'E4' } });
  });

  it('is nothing, and says so, when nobody has built it', async () => {
    const verdict = await recordedInFull();
    const empty = { id: 'nobody', letters: 'NB', label: 'Nobody built it', weight: 1, probes: [] };
    const dimensions = [...claims.dimensions, empty];
    expect(rowsOf(verdict, here, { ...claims, dimensions })['NB']).toEqual({
      grade: 'E0',
      why: 'not built yet: no probe proves this row',
    });
  });

  it('is nothing on an empty journal', async () => {
    const { verdict } = await recorded([]);
    expect(Object.values(rowsOf(verdict)).every(({ grade }) => grade === 'E0')).toBe(true);
  });

  it('of capacity models falls with either claim: integrity does not stand in for origin', async () => {
    const origin = (draft: DecisionDraft): boolean => draft.guard.id === 'capacity-origin';
    const without = await recorded(fullRun('CM').filter((draft) => !origin(draft)));
    expect(rowsOf(without.verdict)['CM']).toEqual({
      grade: 'E0',
      why: 'capacity-origin: no drill of it is in the journal',
    });
    const racy = fullRun('CM').map((draft) =>
      origin(draft) ? { ...draft, method: 'path-walk' as const } : draft,
    );
    expect(rowsOf((await recorded(racy)).verdict)['CM']).toMatchObject({ grade: 'E3' });
  });

  type Finding = ReturnType<typeof gradeDimensions>[number];
  type DrillRecord = DecisionDraft;
  /** For each guard, what is graded once a line of its own is gone: the guard alone, or the whole would take quadratic time. */
  async function eachGuard(
    work: (
      claim: Claims['claims'][number],
      grade: (isGone: (record: DrillRecord) => boolean) => Finding,
    ) => void,
  ): Promise<void> {
    const verdict = await recordedInFull();
    for (const claim of claims.claims) {
      const rows = claims.dimensions.filter(({ probes }) => probes.includes(claim.guard));
      const alone = rows.map((row) => ({ ...row, probes: [claim.guard], restsOn: [] }));
      const own = verdict.lines.filter(
        ({ record }) =>
          record.mode === 'run' || ('guard' in record && [claim.guard, 'canary'].includes(record.guard.id)),
      );
      work(claim, (isGone) => {
        const lines = own.filter(({ record }) => !('probe' in record && isGone(record as DrillRecord)));
        const only = { ...claims, dimensions: alone, claims: [claim] };
        return gradeDimensions({ ...verdict, lines }, only, here)[0] as Finding;
      });
    }
  }

  it('falls to nothing when any one claimed drill is missing', async () => {
    await eachGuard(({ guard, drills }, grade) => {
      for (const { id } of drills)
        expect(grade(({ mode, probe }) => mode === 'drill' && probe?.drill === id)).toMatchObject({
          grade: 'E0',
          why: expect.stringContaining(`the drill ${id} does not show`),
        });
      expect([guard, grade(() => false).grade]).toEqual([guard, 'E4']);
    });
  });

  it('falls to E3 when any one claimed mutant is missing', async () => {
    await eachGuard(({ mutants }, grade) => {
      for (const mutant of mutants)
        expect(grade(({ mode, probe }) => mode === 'mutant' && probe?.mutant === mutant)).toMatchObject({
          grade: 'E3',
          why: expect.stringContaining(`mutant ${mutant}`),
        });
    });
  });
});

describe('a claim', () => {
  const withoutDrills = (of: string, gone: (expects: string) => boolean): Claims => ({
    ...claims,
    claims: claims.claims.map((claim) =>
      claim.guard === of ? { ...claim, drills: claim.drills.filter(({ expects }) => !gone(expects)) } : claim,
    ),
  });

  it.each([
    ['nothing that must be refused', (expects: string) => expects !== 'allow', 'refused'],
    ['nothing that must be allowed', (expects: string) => expects === 'allow', 'allowed'],
    ['nothing at all', () => true, 'allowed'],
  ])('of %s is emptied, whatever the journal holds', async (_what, gone, kind) => {
    const verdict = await recordedInFull();
    expect(rowsOf(verdict, here, withoutDrills('bind', gone))['RG']).toEqual({
      grade: 'E0',
      why: `bind: its claim is emptied: nothing in it must be ${kind}`,
    });
  });

  it('may be of rows and guards of your own', async () => {
    const { verdict } = await recorded(
      [
        drillDraft('acme/door', 'allow'),
        drillDraft('acme/door', 'door.open'),
        drillDraft('acme/door', 'door.open', { observed: 'allow', mutant: 'door.open' }),
      ].map((draft) => ({ ...draft, dimension: 'acme_doors' })),
    );
    const own: Claims = {
      schema: 'agilab.guard_claims.v1',
      dimensions: [{ id: 'acme_doors', letters: 'AD', label: 'Doors', weight: 1, probes: ['acme/door'] }],
      claims: [
        {
          guard: 'acme/door',
          policyDigest: '0'.repeat(64),
          timeToLive: 3_600,
          drills: [
            { id: 'allow', expects: 'allow' },
            { id: 'door.open', expects: 'door.open' },
          ],
          mutants: ['door.open'],
        },
      ],
    };
    expect(rowsOf(verdict, here, own)).toMatchObject({ AD: { grade: 'E4' } });
  });
});

describe('what keeps evidence from counting in full', () => {
  const code = 'bind.wildcard';

  it('a drill that came out differently: nothing', async () => {
    const { verdict } = await recorded([
      ...fullRun('RG'),
      drillDraft('bind', code, { observed: 'allow', passed: false }),
    ]);
    expect(rowsOf(verdict)['RG']).toMatchObject({ grade: 'E0', why: expect.stringContaining('saw allow') });
  });

  it('a record that calls itself passed although its decision says otherwise: nothing', async () => {
    const lie = { ...drillDraft('bind', code), decision: 'allow' as const, codes: [] };
    expect(rowsOf((await recorded([...fullRun('RG'), lie])).verdict)['RG']).toMatchObject({ grade: 'E0' });
  });

  it('a claim without any mutant: E3', async () => {
    const none = { ...claims, claims: claims.claims.map((claim) => ({ ...claim, mutants: [] })) };
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, here, none)['CM']).toMatchObject({
      grade: 'E3',
      why: expect.stringContaining('its claim names no mutant'),
    });
  });

  it('mutants never run, or one that survived: E3', async () => {
    const withoutMutants = fullRun('RG').filter(({ mode }) => mode !== 'mutant');
    expect(rowsOf((await recorded(withoutMutants)).verdict)['RG']).toMatchObject({ grade: 'E3' });
    const survivor = mutantDraft('bind', code, { observed: code, passed: false });
    expect(rowsOf((await recorded([...fullRun('RG'), survivor])).verdict)['RG']).toMatchObject({
      grade: 'E3',
    });
  });

  it('not drilled again in the newest run: E3', async () => {
    const remote = fullRun().filter(
      ({ dimension }) => dimension === 'architecture_remote_execution_hardening',
    );
    const rows = rowsOf((await recorded(fullRun(), remote)).verdict);
    expect(rows).toMatchObject({ RG: { grade: 'E3' }, RX: { grade: 'E4' } });
  });

  it('older than a day by the clock that nobody can set: E2, and from the future: nothing', async () => {
    const verdict = await recordedInFull();
    const later = { ...here, monotonic: here.monotonic + DAY * 1_000 };
    expect(rowsOf(verdict, later)['RG']).toMatchObject({ grade: 'E2' });
    const earlier = { ...here, monotonic: 0 };
    expect(rowsOf(verdict, earlier)['RG']).toMatchObject({ grade: 'E0' });
    // Setting the wall clock neither ages nor refreshes what was recorded since this host was started.
    for (const now of [here.now - 2 * DAY, here.now + 2 * DAY])
      expect(rowsOf(verdict, { ...here, now })['RG']).toMatchObject({ grade: 'E4' });
    const otherBoot = { ...here, boot: 'another' };
    expect(rowsOf(verdict, { ...otherBoot, now: here.now + DAY })['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(verdict, { ...otherBoot, now: here.now - DAY })['RG']).toMatchObject({ grade: 'E0' });
  });

  it('mutants of another run than the drills: E3', async () => {
    const drills = fullRun('RG').filter(({ mode }) => mode !== 'mutant');
    const { verdict } = await recorded(fullRun('RG'), drills);
    expect(rowsOf(verdict)['RG']).toEqual({
      grade: 'E3',
      why: 'fail-closed: its mutants were not run with it',
    });
  });

  it('a mutant that was noticed by a drill of nobody, or by an error: E3', async () => {
    const without = fullRun('RG').filter(({ probe }) => probe?.mutant !== code);
    const byNobody = mutantDraft('bind', code, { drill: 'unheard-of' });
    const byError = {
      ...mutantDraft('bind', code, { observed: 'guard.timeout' }),
      decision: 'error' as const,
    };
    for (const odd of [byNobody, byError])
      expect(rowsOf((await recorded([...without, odd])).verdict)['RG']).toEqual({
        grade: 'E3',
        why: `bind: its mutant ${code} was not caught`,
      });
  });

  it('a failure of the same code in another run of today: E3, by name, sealed or not', async () => {
    const flaky = drillDraft('bind', code, { drill: 'star', observed: 'allow', passed: false });
    const { verdict } = await recorded([flaky], fullRun('RG'));
    const named = { grade: 'E3', why: 'bind: its drill star failed in another run of the same code' };
    expect(rowsOf(verdict)['RG']).toEqual(named);
    const unsealed = await recorded(fullRun('RG'), [flaky]);
    const [first] = unsealed.verdict.lines;
    const lines = unsealed.verdict.lines.map((line) => ({
      ...line,
      sealed: line.record.run === first?.record.run,
    }));
    expect(rowsOf({ ...unsealed.verdict, lines })['RG']).toEqual(named);
    const byOtherCode = { ...flaky, guard: { ...flaky.guard, codeDigest: '1'.repeat(64) } };
    expect(rowsOf((await recorded([byOtherCode], fullRun('RG'))).verdict)['RG']).toMatchObject({
      grade: 'E4',
    });
    const notHere = drillDraft('bind', code, { observed: 'drill.unavailable', passed: false });
    expect(rowsOf((await recorded([notHere], fullRun('RG'))).verdict)['RG']).toMatchObject({ grade: 'E4' });
  });

  it('a sealed run counts although somebody added passes of a later run behind it', async () => {
    const { verdict } = await recorded(fullRun('RG'), fullRun('RG'));
    const [first] = verdict.lines;
    const lines = verdict.lines.map((line) => ({ ...line, sealed: line.record.run === first?.record.run }));
    expect(rowsOf({ ...verdict, lines })['RG']).toMatchObject({ grade: 'E4' });
    expect(
      rowsOf({ ...verdict, lines: lines.map((line) => ({ ...line, sealed: false })) })['RG'],
    ).toMatchObject({ grade: 'E1' });
  });

  it('a refusal that was decided as allow: nothing', async () => {
    const lie = { ...drillDraft('bind', code), decision: 'allow' as const };
    expect(rowsOf((await recorded([...fullRun('RG'), lie])).verdict)['RG']).toMatchObject({ grade: 'E0' });
  });

  it('a drill that must fail and passed: nothing; none in the run: E3', async () => {
    const passing = drillDraft('canary', 'allow', { drill: 'must-fail' });
    expect(rowsOf((await recorded([...fullRun('RG'), passing])).verdict)['RG']).toEqual({
      grade: 'E0',
      why: 'fail-closed: a drill that must fail passed in the same run',
    });
    const verdict = await recordedInFull();
    const lines = verdict.lines.filter(
      ({ record }) => !(record.mode === 'drill' && record.guard.id === 'canary'),
    );
    expect(rowsOf({ ...verdict, lines })['RG']).toEqual({
      grade: 'E3',
      why: 'fail-closed: no drill that must fail was in the same run',
    });
  });

  it('a drill that shows something else when it is run again: nothing', async () => {
    const verdict = await recordedInFull();
    const [drawn] = drawDrills(verdict, claims, 1, new Set(['bind'])).filter(({ guard }) => guard === 'bind');
    if (!drawn) throw new Error('bind is drilled');
    const again = (seen: string) =>
      gradeDimensions(verdict, claims, here, [{ ...drawn, seen, built: drawn.fixture }]).find(
        ({ dimension }) => dimension.letters === 'RG',
      );
    expect(again(drawn.recorded)?.grade).toBe('E4');
    expect(again('drill.unavailable')).toMatchObject({
      grade: 'E0',
      why: `bind: ${drawn.drill}: its record says ${drawn.recorded}, run again it shows drill.unavailable`,
    });
  });

  it('other rules than are claimed, or another row: nothing', async () => {
    const otherRules = fullRun('RG').map((draft) => ({ ...draft, policyDigest: '1'.repeat(64) }));
    expect(rowsOf((await recorded(otherRules)).verdict)['RG']).toEqual({
      grade: 'E0',
      why: 'fail-closed: judged by other rules than are claimed',
    });
    const otherRow = fullRun('CM').map((draft) => ({ ...draft, dimension: 'architecture_claim_boundary' }));
    expect(rowsOf((await recorded(otherRow)).verdict)['CM']).toMatchObject({
      grade: 'E0',
      why: 'capacity-model: recorded for another row',
    });
  });

  it.each([
    ['--import', { flags: ['--import', './patch.mjs'] }],
    ['--require', { nodeOptions: '--max-old-space-size=4096  --require=/tmp/x.js' }],
    ['--loader', { flags: ['--loader=./l.mjs'] }],
    ['-r', { flags: ['-r', 'x'] }],
    ['--conditions', { flags: ['--conditions=evil'] }],
  ])('a run of Node under %s: E3', async (flag, change) => {
    const verdict = await recordedInFull();
    expect(rowsOf(runUnder(verdict, { flags: [], nodeOptions: '', ...change }))['RG']).toEqual({
      grade: 'E3',
      why: `fail-closed: recorded under node ${flag}, which can change any guard`,
    });
  });

  // The last: Node itself is linked against libraries that this one looks for in other places first.
  it.each(['LD_PRELOAD', 'NODE_PATH', 'OPENSSL_MODULES', 'LD_LIBRARY_PATH'])(
    'a run under %s, which loads code: E3',
    async (name) => {
      const { verdict } = await recorded(fullRun());
      const under = runUnder(verdict, loadingOptions({ execArgv: [], env: { [name]: '/tmp/x' } }));
      expect(rowsOf(under)['RG']).toEqual({
        grade: 'E3',
        why: `fail-closed: recorded under ${name}, which can change any guard`,
      });
    },
  );

  it.each([
    ['NODE_OPTIONS', [], `${'--no-warnings '.repeat(142).padEnd(2_000)} --require=/tmp/x.js`],
    ['flags', [...Array(32).fill('--no-warnings'), '--require=/tmp/x.js'], ''],
  ])('a run under %s that no record holds as a whole: E3', async (_what, execArgv, NODE_OPTIONS) => {
    const { verdict } = await recorded(fullRun());
    const under = runUnder(verdict, loadingOptions({ execArgv, env: { NODE_OPTIONS } }));
    expect(rowsOf(under)['RG']?.grade).toBe('E3');
  });

  it('a run of Node with more memory and fewer warnings: live', async () => {
    const verdict = await recordedInFull();
    const roomy = runUnder(verdict, { flags: ['--no-warnings'], nodeOptions: '--max-old-space-size=4096' });
    expect(rowsOf(roomy)['RG']).toMatchObject({ grade: 'E4' });
  });

  it('code that was not looked at, is not what was built, or of which nothing is said: E2', async () => {
    const verdict = await recordedInFull();
    const [run] = verdict.lines.flatMap(({ record }) => (record.mode === 'run' ? [record] : []));
    if (!run) throw new Error('a journal begins with its run');
    for (const change of [{ checked: 'no' }, { agrees: false }, { codeDigest: '1'.repeat(64) }] as const)
      expect(rowsOf(runUnder(verdict, { code: { ...run.code, ...change } }))['RG']).toMatchObject({
        grade: 'E2',
      });
    const lines = verdict.lines.filter(({ record }) => record.mode !== 'run');
    expect(rowsOf({ ...verdict, lines })['RG']).toMatchObject({ grade: 'E2' });
  });

  it('another machine of the same name: E2; no machine id on either side: only this very boot', async () => {
    const verdict = await recordedInFull();
    expect(rowsOf(runUnder(verdict, { machine: 'f'.repeat(32) }))['RG']).toMatchObject({
      grade: 'E2',
      why: 'fail-closed: recorded on another host',
    });
    const nameless = runUnder(verdict, { machine: 'unknown' });
    expect(rowsOf(nameless)['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(nameless, { ...here, machine: 'unknown' })['RG']).toMatchObject({ grade: 'E4' });
    const rebooted = { ...here, machine: 'unknown', boot: 'another' };
    expect(rowsOf(nameless, rebooted)['RG']).toMatchObject({ grade: 'E2' });
  });

  it('mutants that were added by somebody without the key: E3', async () => {
    const { directory, signer } = await recorded(fullRun('RG').filter(({ mode }) => mode !== 'mutant'));
    const journal = await openJournal({ directory }).catch((error: CodedError) => error.code);
    expect(journal).toBe('journal.foreign-key'); // nor can they continue it; so they write the lines themselves
    const files = await readJournal(directory);
    const lines = (await bytesOf(files)).toString().trimEnd().split('\n');
    for (const draft of fullRun('RG').filter(({ mode }) => mode === 'mutant')) {
      const last = lines.at(-1) ?? '';
      const prev = createHash('sha256').update(last).digest('hex');
      const record = { ...JSON.parse(last), ...draft, seq: lines.length, prev, run: 'forged' };
      lines.push(encodeLine(record)?.line ?? '');
    }
    const verdict = await verifyJournal(inMemory(lines, files.checkpoint), {
      pins: [{ vkey: signer.vkey, host: here.host }],
    });
    expect(verdict).toMatchObject({
      ok: false,
      problems: [],
      unsealed: { open: fullRun('RG').filter(({ mode }) => mode === 'mutant').length },
    });
    expect(rowsOf(runUnder(verdict))['RG']).toMatchObject({ grade: 'E3' });
    const adopting = await (async () => {
      await writeFile(join(directory, FIRST_SEGMENT), `${lines.join('\n')}\n`);
      await (await openJournal({ directory, signer })).close();
      return verifyJournal(await readJournal(directory), { pins: [{ vkey: signer.vkey, host: here.host }] });
    })();
    expect(rowsOf(runUnder(adopting))['RG']).toMatchObject({ grade: 'E3' });
  });

  it('files that could only be looked at by path: E3', async () => {
    const racy = fullRun('CM').map((draft) =>
      draft.guard.id === 'capacity-model' ? { ...draft, method: 'path-walk' as const } : draft,
    );
    expect(rowsOf((await recorded(racy)).verdict)['CM']).toMatchObject({ grade: 'E3' });
  });

  it('drilled before this host was last started: E3', async () => {
    const verdict = await recordedInFull();
    expect(rowsOf(verdict, { ...here, boot: 'another' })['RG']).toMatchObject({ grade: 'E3' });
  });

  it('another host or other code: E2', async () => {
    const verdict = await recordedInFull();
    expect(rowsOf(verdict, { ...here, machine: 'elsewhere' })['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(verdict, { ...here, codeDigest: '1'.repeat(64) })['RG']).toMatchObject({ grade: 'E2' });
  });

  it('a key that is not pinned, or no signature at all: E1', async () => {
    const { directory } = await recorded(fullRun('RG'));
    const files = await readJournal(directory);
    expect(rowsOf(await verifyJournal(files, { pins: [] }))['RG']).toMatchObject({ grade: 'E1' });
    expect(
      rowsOf(await verifyJournal({ ...(await readJournal(directory)), checkpoint: undefined }, { pins: [] }))[
        'RG'
      ],
    ).toMatchObject({
      grade: 'E1',
    });
  });

  it('any bad line: nothing, for every row', async () => {
    const { directory, signer } = await recorded(fullRun());
    const files = await readJournal(directory);
    const pins = [{ vkey: signer.vkey, host: here.host }];
    const text = (await bytesOf(files)).toString();
    const edited = Buffer.from(text.replace('made for a test', 'made for a jest'));
    const rows = rowsOf(await verifyJournal(inMemory(edited, files.checkpoint), { pins }));
    expect(Object.values(rows).every(({ grade }) => grade === 'E0')).toBe(true);
    expect(rows['RG']?.why).toContain('journal.broken-chain at line 2');
  });
});

it('is the same from the lines alone that a score is computed from', async () => {
  const { directory, signer, verdict } = await recorded(fullRun());
  const journal = await openJournal({ directory, signer });
  await journal.append({ ...drillDraft('acme/own', 'allow'), probe: undefined, mode: 'enforce' }, '');
  await journal.close();
  const pins = [{ vkey: signer.vkey, host: here.host }];
  const options = { pins, keepLines: SCORED };
  const fewer = runUnder(await verifyJournal(await readJournal(directory), options));
  expect(fewer.size).toBe(verdict.size + 2); // the decision, and the run that it was made in
  expect(fewer.lines).toHaveLength(verdict.lines.length + 1);
  expect(rowsOf(fewer)).toEqual(rowsOf(verdict));
});

describe('a drill that takes a place which not every machine has', () => {
  const rare = 'overlay';
  const over = (
    draft: DecisionDraft,
    probe: Partial<Probe>,
    decision: DecisionDraft['decision'],
  ): DecisionDraft => {
    const changed = { ...draft.probe, passed: false, ...probe } as Probe;
    return { ...draft, decision, codes: [changed.observed], probe: changed, replay: { argv: ['x'] } };
  };
  const run = (
    change: (draft: DecisionDraft) => readonly DecisionDraft[],
    drill = rare,
  ): readonly DecisionDraft[] =>
    fullRun('CM').flatMap((draft) =>
      draft.guard.id === 'capacity-model' && draft.mode === 'drill' && draft.probe?.drill === drill
        ? change(draft)
        : [draft],
    );
  const unbuilt = (draft: DecisionDraft): readonly DecisionDraft[] => [
    over(draft, { observed: 'drill.unavailable' }, 'error'),
  ];
  const rowWith = async (drafts: readonly DecisionDraft[]): Promise<unknown> =>
    rowsOf((await recorded(drafts)).verdict)['CM'];
  const findingOf = async (drafts: readonly DecisionDraft[]): Promise<unknown> =>
    gradeDimensions((await recorded(drafts)).verdict, claims, here)
      .flatMap(({ probes }) => probes)
      .find(({ probe }) => probe === 'capacity-model');

  it('takes nothing where it could not be built, and the grade names it', async () => {
    const why = expect.stringMatching(/; not built here: overlay$/);
    expect(await findingOf(run(unbuilt))).toMatchObject({ grade: 'E4', why });
  });

  it('counts where it was built and did not hold', async () => {
    const failed = (draft: DecisionDraft): readonly DecisionDraft[] => [
      over(draft, { observed: 'model.other-device' }, 'refuse'),
    ];
    expect(await rowWith(run(failed))).toMatchObject({
      grade: 'E0',
      why: expect.stringContaining('saw model.other-device'),
    });
  });

  it('must have been tried', async () => {
    expect(await rowWith(run(() => []))).toMatchObject({
      grade: 'E0',
      why: expect.stringContaining('drill overlay'),
    });
  });

  it('excuses no other drill', async () => {
    expect(await rowWith(run(unbuilt, 'model-symlink'))).toMatchObject({ grade: 'E0' });
  });

  it('is neither the good state nor the bad one that a claim must have', async () => {
    const verdict = await recordedInFull();
    const emptied = (allowed: boolean): unknown => {
      const claimed = claims.claims.map((claim) => ({
        ...claim,
        drills: claim.drills.map((drill) =>
          (drill.expects === 'allow') === allowed ? { ...drill, needs: 'luck' } : drill,
        ),
      }));
      return rowsOf(verdict, here, { ...claims, claims: claimed })['CM'];
    };
    for (const allowed of [true, false])
      expect(emptied(allowed)).toMatchObject({ grade: 'E0', why: expect.stringContaining('emptied') });
  });

  it('asks for less than the same drill everywhere, and a baseline notices', () => {
    const rarer = (needs: string | undefined): Claims => ({
      ...claims,
      claims: claims.claims.map((claim) => ({
        ...claim,
        drills: claim.drills.map((drill) => (drill.id === 'star' ? { ...drill, needs } : drill)),
      })),
    });
    expect(lostSince(claims, rarer('luck'), [])).toMatchObject([{ id: 'drill:bind/star' }]);
    expect(lostSince(rarer('luck'), claims, [])).toEqual([]);
  });
});

describe('a drill counts in the state that it is named for', () => {
  const rename = (fixtureDigest: string | undefined) =>
    fullRun('RG').map((draft) =>
      draft.guard.id === 'bind' && draft.probe?.drill === 'star'
        ? { ...draft, replay: { argv: ['x'], ...(fixtureDigest && { fixtureDigest }) } }
        : draft,
    );
  it.each([
    ['another', 'ab'.repeat(32)],
    ['none that is named', undefined],
  ])('and is nothing in %s', async (_which, digest) => {
    const { verdict } = await recorded(rename(digest));
    expect(rowsOf(verdict)['RG']).toEqual({
      grade: 'E0',
      why: 'bind: the drill star built another state than is claimed',
    });
  });

  it('whatever it built, where nothing is claimed of it', async () => {
    const { verdict } = await recorded(rename(undefined));
    const without = claims.claims.map((claim) => ({
      ...claim,
      drills: claim.drills.map(({ id, expects }) => ({ id, expects })),
    }));
    expect(rowsOf(verdict, here, { ...claims, claims: without })['RG']).toMatchObject({ grade: 'E4' });
  });

  it('and built it again when it was run again', async () => {
    const verdict = await recordedInFull();
    const drawn = drawDrills(verdict, claims, 1).slice(0, 1);
    const again = (built: string | undefined): unknown =>
      gradeDimensions(
        verdict,
        claims,
        here,
        drawn.map((each) => ({ ...each, seen: each.recorded, built })),
      )
        .flatMap(({ probes }) => probes)
        .find(({ probe }) => probe === drawn[0]?.guard);
    expect(again(drawn[0]?.fixture)).toMatchObject({ grade: 'E4' });
    expect(again('ab'.repeat(32))).toMatchObject({
      grade: 'E0',
      why: expect.stringContaining('built another state'),
    });
  });
});

describe('a guard over this package counts as far as it allowed the package itself', () => {
  const without = fullRun('RG').filter(({ mode, guard }) => mode !== 'live' || guard.id !== 'secrets');
  const secretsAfter = async (...live: readonly DecisionDraft[]): Promise<unknown> => {
    const { verdict } = await recorded([...without, ...live]);
    return gradeDimensions(verdict, claims, here)
      .flatMap(({ probes }) => probes)
      .find(({ probe }) => probe === 'secrets');
  };
  const refused = drillDraft('secrets', 'allow', { observed: 'secrets.found', passed: false });
  const posing = drillDraft('secrets', 'secrets.found');
  const unavailable = {
    ...drillDraft('secrets', 'allow', { observed: 'drill.unavailable', passed: false }),
    decision: 'error' as const,
    codes: ['drill.unavailable'],
    reason: 'Install it.',
  };
  const subject = { kind: 'package', digest: `sha256:${'cd'.repeat(32)}` };

  it.each<[string, string, string, readonly DecisionDraft[]]>([
    ['allowed in the same run', 'E4', 'the package itself was allowed', [liveDraft('secrets')]],
    ['drilled on samples only', 'E1', 'on samples only', []],
    ['could not be asked', 'E1', 'Install it.', [{ ...unavailable, mode: 'live' }]],
    ['refused', 'E0', 'secrets.found', [{ ...refused, mode: 'live' }]],
    ['refused, and expected to', 'E0', 'secrets.found', [{ ...posing, mode: 'live' }]],
    ['about another package', 'E2', 'another package', [liveDraft('secrets', { subject })]],
    ['about nothing', 'E2', 'another package', [liveDraft('secrets', { subject: undefined })]],
    [
      'refused first, allowed then',
      'E3',
      'failed in another run',
      [{ ...refused, mode: 'live' }, liveDraft('secrets')],
    ],
  ])('%s: %s', async (_how, grade, why, live) => {
    expect(await secretsAfter(...live)).toMatchObject({ grade, why: expect.stringContaining(why) });
  });

  it('and is asked about it again in every replay, however few drills are drawn', async () => {
    const verdict = await recordedInFull();
    const drawn = drawDrills(verdict, claims, 1);
    const live = claims.claims.filter((claim) => claim.live !== undefined).map(({ guard }) => guard);
    expect(live).toHaveLength(6);
    expect(drawn.slice(1)).toEqual(live.map((guard) => ({ guard, drill: 'live', recorded: 'allow' })));
    const seen = (observed: string): unknown =>
      gradeDimensions(
        verdict,
        claims,
        here,
        drawn.map((each) => ({
          ...each,
          seen: each.guard === 'secrets' && each.drill === 'live' ? observed : each.recorded,
          built: each.fixture,
        })),
      )
        .flatMap(({ probes }) => probes)
        .find(({ probe }) => probe === 'secrets');
    expect(seen('allow')).toMatchObject({ grade: 'E4' });
    expect(seen('secrets.found')).toMatchObject({
      grade: 'E0',
      why: 'live: its record says allow, run again it shows secrets.found',
    });
  });

  it('and is worth half where nobody computes what is here', async () => {
    const verdict = await recordedInFull();
    const { subjects: _, ...nowhere } = here;
    expect(rowsOf(verdict, nowhere)['SC']).toMatchObject({ grade: 'E2' });
  });
});
