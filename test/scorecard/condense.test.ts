// A journal of years is scored without its drills of years in memory, and nothing comes out otherwise for it.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unrestricted } from '../../src/evidence/journal.ts';
import { FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft, EvidenceRecord } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';

import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { gradeDimensions } from '../../src/scorecard/grade.ts';
import { lookAt, SCORED } from '../../src/scorecard/look.ts';
import { claims, drillDraft, fullRun, here, liveDraft, mutantDraft, recorded, runUnder } from './fixture.ts';

const failing = { observed: 'acme.other', passed: false };
const unavailable = { observed: 'drill.unavailable', passed: false };

/** What one line of a run may be. */
const draft = fc
  .constantFrom('acme/a', 'acme/b', 'acme/c')
  .chain((guard) =>
    fc.constantFrom(
      drillDraft(guard, 'allow'),
      drillDraft(guard, 'allow', failing),
      drillDraft(guard, 'allow', unavailable),
      drillDraft(guard, 'acme.refused'),
      liveDraft(guard),
      { ...liveDraft(guard), decision: 'refuse' as const, codes: ['acme.other'] },
      mutantDraft(guard, 'acme.refused'),
      drillDraft('canary', 'allow', { observed: 'canary.refused', passed: false }),
      drillDraft('canary', 'allow'),
    ),
  );

const runRecord = { mode: 'run' };
const recordsOf = (runs: readonly (readonly DecisionDraft[])[]): readonly EvidenceRecord[] =>
  runs.flatMap((drafts, run) =>
    [runRecord, ...drafts].map((each, at) => ({ ...each, run: `r${run}`, id: `${run}-${at}` }) as never),
  );
const sealed = (records: readonly EvidenceRecord[]) =>
  lookAt({ lines: records.map((record, line) => ({ record, line, sealed: true })) });

it('lets nothing go that a look at the whole journal would see, however often it is asked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(draft, { maxLength: 8 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 20 }),
      (runs, every) => {
        const all = recordsOf(runs);
        let kept: readonly EvidenceRecord[] = [];
        for (let at = 0; at < all.length; at += every)
          kept = SCORED.condense([...kept, ...all.slice(at, at + every)]);
        expect(sealed(kept)).toEqual(sealed(all));
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('a journal of more lines than are kept', () => {
  const judged = async (directory: string, vkey: string, keepLines: true | typeof SCORED) =>
    runUnder(
      await verifyJournal(await readJournal(directory), { pins: [{ vkey, host: here.host }], keepLines }),
    );
  const graded = (verdict: JournalVerdict) => gradeDimensions(verdict, claims, here);
  const years = Array.from({ length: 8 }, () => fullRun());

  it('is scored as with all of them, of which it keeps a part', async () => {
    const { directory, signer, verdict } = await recorded(...years, fullRun('RG'));
    const fewer = await judged(directory, signer.vkey, SCORED);
    expect(fewer.lines.length).toBeLessThan(verdict.lines.length / 2);
    expect(graded(fewer)).toEqual(graded(verdict));
  });

  it('keeps all of them where a later run, for which others were let go, is not sealed after all', async () => {
    const { directory, signer } = await recorded(fullRun());
    // Somebody without the key adds a run of one row, and the next writer says that nobody vouches for it.
    const path = join(directory, FIRST_SEGMENT);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    for (const forged of fullRun('CM')) {
      const last = lines.at(-1) ?? '';
      const prev = createHash('sha256').update(last).digest('hex');
      const record = { ...JSON.parse(last), ...forged, id: uuidv7(), seq: lines.length, prev, run: 'forged' };
      lines.push(encodeLine(record)?.line ?? '');
    }
    await writeFile(path, `${lines.join('\n')}\n`);
    const journal = await openJournal({ directory, signer });
    const row = fullRun('RG');
    const often = Array.from({ length: Math.ceil(16_384 / row.length) }, () => row).flat();
    await Promise.all(often.map((each) => unrestricted(journal).append({ ...each, id: uuidv7() }, '')));
    await journal.close();
    const whole = await judged(directory, signer.vkey, true);
    const scored = await judged(directory, signer.vkey, SCORED);
    expect(whole.unsealed.adopted).toBe(fullRun('CM').length);
    expect(graded(whole).find(({ dimension }) => dimension.letters === 'CM')?.grade).toBe('E3');
    expect(graded(scored)).toEqual(graded(whole));
    expect(scored.lines.length).toBeGreaterThan(16_384);
  });
});
