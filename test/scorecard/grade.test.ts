import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CodedError } from '../../src/evidence/coded-error.ts';
import { FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft } from '../../src/evidence/record.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import type { Claims } from '../../src/scorecard/claims.ts';
import { type GradingContext, gradeDimensions } from '../../src/scorecard/grade.ts';
import { bytesOf, inMemory } from '../evidence/support.ts';
import { claims, drillDraft, fullRun, here, recorded } from './fixture.ts';

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
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict)).toMatchObject({ RG: { grade: 'E4' }, RX: { grade: 'E4' }, CM: { grade: 'E4' } });
  });

  it('is nothing, and says so, when nobody has built it', async () => {
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict)['SC']).toEqual({ grade: 'E0', why: 'not built yet: no probe proves this row' });
  });

  it('is nothing on an empty journal', async () => {
    const { verdict } = await recorded([]);
    expect(Object.values(rowsOf(verdict)).every(({ grade }) => grade === 'E0')).toBe(true);
  });

  it('of capacity models falls with either claim: integrity does not stand in for origin', async () => {
    const origin = (draft: DecisionDraft): boolean => draft.guard.id === 'capacity-origin';
    const without = await recorded(fullRun().filter((draft) => !origin(draft)));
    expect(rowsOf(without.verdict)['CM']).toEqual({
      grade: 'E0',
      why: 'capacity-origin: no drill of it is in the journal',
    });
    const racy = fullRun().map((draft) =>
      origin(draft) ? { ...draft, method: 'path-walk' as const } : draft,
    );
    expect(rowsOf((await recorded(racy)).verdict)['CM']).toMatchObject({ grade: 'E3' });
  });

  const drilled = claims.claims.flatMap(({ guard, drills }) => drills.map(({ id }) => [guard, id] as const));
  it('falls to nothing when any one claimed drill is missing', async () => {
    const { verdict } = await recorded(fullRun());
    for (const [guard, drill] of drilled) {
      const lines = verdict.lines.filter(
        ({ record }) =>
          !(record.mode === 'drill' && record.guard.id === guard && record.probe?.drill === drill),
      );
      const finding = gradeDimensions({ ...verdict, lines }, claims, here).find(({ dimension }) =>
        dimension.probes.includes(guard),
      );
      expect(finding).toMatchObject({
        grade: 'E0',
        why: expect.stringContaining(`the drill ${drill} does not show`),
      });
    }
  });

  it('falls to E3 when any one claimed mutant is missing', async () => {
    const { verdict } = await recorded(fullRun());
    for (const { guard, mutants } of claims.claims) {
      for (const mutant of mutants) {
        const lines = verdict.lines.filter(
          ({ record }) =>
            !(record.mode === 'mutant' && record.guard.id === guard && record.probe?.mutant === mutant),
        );
        const finding = gradeDimensions({ ...verdict, lines }, claims, here).find(({ dimension }) =>
          dimension.probes.includes(guard),
        );
        expect(finding).toMatchObject({ grade: 'E3', why: expect.stringContaining(`mutant ${mutant}`) });
      }
    }
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
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, here, withoutDrills('bind', gone))['RG']).toEqual({
      grade: 'E0',
      why: `bind: its claim is emptied: nothing in it must be ${kind}`,
    });
  });

  it('may be of rows and guards of your own', async () => {
    const { verdict } = await recorded([
      drillDraft('acme/door', 'allow'),
      drillDraft('acme/door', 'door.open'),
      drillDraft('acme/door', 'door.open', { observed: 'allow', mutant: 'door.open' }),
    ]);
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
      ...fullRun(),
      drillDraft('bind', code, { observed: 'allow', passed: false }),
    ]);
    expect(rowsOf(verdict)['RG']).toMatchObject({ grade: 'E0', why: expect.stringContaining('saw allow') });
  });

  it('a record that calls itself passed although its decision says otherwise: nothing', async () => {
    const lie = { ...drillDraft('bind', code), decision: 'allow' as const, codes: [] };
    expect(rowsOf((await recorded([...fullRun(), lie])).verdict)['RG']).toMatchObject({ grade: 'E0' });
  });

  it('mutants never run, or one that survived: E3', async () => {
    const withoutMutants = fullRun().filter(({ mode }) => mode === 'drill');
    expect(rowsOf((await recorded(withoutMutants)).verdict)['RG']).toMatchObject({ grade: 'E3' });
    const survivor = drillDraft('bind', code, { passed: false, mutant: code });
    expect(rowsOf((await recorded([...fullRun(), survivor])).verdict)['RG']).toMatchObject({ grade: 'E3' });
  });

  it('not drilled again in the newest run: E3', async () => {
    const remote = fullRun().filter(
      ({ dimension }) => dimension === 'architecture_remote_execution_hardening',
    );
    const rows = rowsOf((await recorded(fullRun(), remote)).verdict);
    expect(rows).toMatchObject({ RG: { grade: 'E3' }, RX: { grade: 'E4' } });
  });

  it('older than a day: E2, and from the future: nothing', async () => {
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, { ...here, now: Date.now() + DAY + 60_000 })['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(verdict, { ...here, now: Date.now() - DAY })['RG']).toMatchObject({ grade: 'E0' });
  });

  it('mutants that were added by somebody without the key: E3', async () => {
    const { directory, signer } = await recorded(fullRun().filter(({ mode }) => mode === 'drill'));
    const journal = await openJournal({ directory }).catch((error: CodedError) => error.code);
    expect(journal).toBe('journal.foreign-key'); // nor can they continue it; so they write the lines themselves
    const files = await readJournal(directory);
    const lines = (await bytesOf(files)).toString().trimEnd().split('\n');
    for (const draft of fullRun().filter(({ mode }) => mode === 'mutant')) {
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
      unsealed: { open: fullRun().filter(({ mode }) => mode === 'mutant').length },
    });
    expect(rowsOf(verdict)['RG']).toMatchObject({ grade: 'E3' });
    const adopting = await (async () => {
      await writeFile(join(directory, FIRST_SEGMENT), `${lines.join('\n')}\n`);
      await (await openJournal({ directory, signer })).close();
      return verifyJournal(await readJournal(directory), { pins: [{ vkey: signer.vkey, host: here.host }] });
    })();
    expect(rowsOf(adopting)['RG']).toMatchObject({ grade: 'E3' });
  });

  it('files that could only be looked at by path: E3', async () => {
    const racy = fullRun().map((draft) =>
      draft.guard.id === 'capacity-model' ? { ...draft, method: 'path-walk' as const } : draft,
    );
    expect(rowsOf((await recorded(racy)).verdict)['CM']).toMatchObject({ grade: 'E3' });
  });

  it('drilled before this host was last started: E3', async () => {
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, { ...here, boot: 'another' })['RG']).toMatchObject({ grade: 'E3' });
  });

  it('another host or other code: E2', async () => {
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, { ...here, host: 'elsewhere' })['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(verdict, { ...here, codeDigest: '1'.repeat(64) })['RG']).toMatchObject({ grade: 'E2' });
  });

  it('a key that is not pinned, or no signature at all: E1', async () => {
    const { directory } = await recorded(fullRun());
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
