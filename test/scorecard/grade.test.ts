import { describe, expect, it } from 'vitest';
import { readJournal } from '../../src/evidence/journal-files.ts';
import { verifyJournal } from '../../src/evidence/verify.ts';
import { CLAIMS } from '../../src/scorecard/claims.ts';
import { type GradingContext, gradeDimensions } from '../../src/scorecard/grade.ts';
import { drillDraft, fullRun, here, recorded } from './fixture.ts';

const DAY = 24 * 60 * 60 * 1_000;
const rowsOf = (verdict: Parameters<typeof gradeDimensions>[0], context: GradingContext = here) =>
  Object.fromEntries(
    gradeDimensions(verdict, context).map(({ dimension, grade, why }) => [dimension.letters, { grade, why }]),
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

  const claims = [...CLAIMS].flatMap(([guard, codes]) =>
    ['allow', ...codes].map((code) => [guard, code] as const),
  );
  it.each(claims)('falls to nothing when the drill of %s for %s is missing', async (guard, code) => {
    const { verdict } = await recorded(
      fullRun().filter(
        ({ guard: { id }, probe, mode }) => !(id === guard && mode === 'drill' && probe?.expected === code),
      ),
    );
    const finding = gradeDimensions(verdict, here).find(({ dimension }) => dimension.probes.includes(guard));
    expect(finding).toMatchObject({ grade: 'E0', why: expect.stringContaining(`no drill shows ${code}`) });
  });
});

describe('what keeps evidence from counting in full', () => {
  const [, malformed] = [...CLAIMS][0] ?? [];
  const code = malformed?.[0] ?? '';

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

  it('another host or other code: E2', async () => {
    const { verdict } = await recorded(fullRun());
    expect(rowsOf(verdict, { ...here, host: 'elsewhere' })['RG']).toMatchObject({ grade: 'E2' });
    expect(rowsOf(verdict, { ...here, codeDigest: '1'.repeat(64) })['RG']).toMatchObject({ grade: 'E2' });
  });

  it('a key that is not pinned, or no signature at all: E1', async () => {
    const { directory } = await recorded(fullRun());
    const files = await readJournal(directory);
    expect(rowsOf(verifyJournal(files, { pins: [] }))['RG']).toMatchObject({ grade: 'E1' });
    expect(rowsOf(verifyJournal({ ...files, checkpoint: undefined }, { pins: [] }))['RG']).toMatchObject({
      grade: 'E1',
    });
  });

  it('any bad line: nothing, for every row', async () => {
    const { directory, signer } = await recorded(fullRun());
    const { journal, checkpoint } = await readJournal(directory);
    const pins = [{ vkey: signer.vkey, host: here.host }];
    const text = Buffer.from(journal).toString();
    const edited = Buffer.from(text.replace('made for a test', 'made for a jest'));
    const rows = rowsOf(verifyJournal({ journal: edited, checkpoint }, { pins }));
    expect(Object.values(rows).every(({ grade }) => grade === 'E0')).toBe(true);
    expect(rows['RG']?.why).toContain('journal.broken-chain at line 1');
  });
});
