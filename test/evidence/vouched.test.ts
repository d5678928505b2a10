// What a journal takes from whom: what reads as the word of a guard of ours, or of another record, from the kernel alone.

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/evidence/journal.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft, EvidenceDraft, EvidenceSink } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import { bind } from '../../src/guards/bind/bind.ts';
import { recordEffect } from '../../src/kernel/effect.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { draft, IN_MEMORY } from './support.ts';

let directory: string;
let journal: Journal;
beforeAll(async () => {
  directory = await mkdtemp(join(IN_MEMORY, 'guardrails-test-'));
  journal = await openJournal({ directory, signer: generateSigner('agilab-guardrails/test') });
});
afterAll(async () => {
  await journal.close();
  await rm(directory, { recursive: true });
});

const request = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };

/** A real decision of a guard of ours, as its sink gets it. */
async function decided(): Promise<{ readonly draft: DecisionDraft; readonly grant: object }> {
  const kept: EvidenceDraft[] = [];
  const sink: EvidenceSink = { append: async (each) => void kept.push(each) };
  const grant = await enforce(bind, request, { journal: sink });
  return { draft: kept[0] as DecisionDraft, grant };
}

const guard = (id: unknown): DecisionDraft =>
  draft({ guard: { id, version: '1', codeDigest: 'a'.repeat(64) } as DecisionDraft['guard'] });

const effect = (of: string): EvidenceDraft => ({
  id: uuidv7(),
  mode: 'effect',
  of,
  kind: 'remote-run',
  outcome: 'done',
  codes: [],
  reason: '',
});

describe('by hand', () => {
  it('takes decisions under a prefix of their own', async () => {
    expect(await journal.append(guard('acme/tenants'), '')).toMatchObject({ guard: { id: 'acme/tenants' } });
  });

  it.each([
    'bind',
    'no-such-guard',
    '',
    'Bind',
    'bind ',
    '/bind',
    'bind/',
    'acme/Tenants',
    '../bind',
    7,
    null,
  ])('takes no decision under %j', async (id) => {
    await expect(journal.append(guard(id), '')).rejects.toMatchObject({
      code: 'journal.reserved-record',
      remedy: expect.stringContaining('acme/sample'),
    });
  });

  it('takes no decision without a guard', async () => {
    const { guard: _, ...rest } = draft();
    for (const each of [rest, { ...rest, guard: null }, { ...rest, guard: 'bind' }])
      await expect(journal.append(each as never, '')).rejects.toMatchObject({
        code: 'journal.reserved-record',
      });
  });

  it('takes back no record, and tells of no effect, of one that is there or of one that is not', async () => {
    const { id } = (await journal.append(draft(), '')) as { id: string };
    for (const of of [id, uuidv7()]) {
      await expect(journal.append(draft({ of }), '')).rejects.toMatchObject({
        code: 'journal.reserved-record',
      });
      await expect(journal.append(effect(of), '')).rejects.toMatchObject({ code: 'journal.reserved-record' });
    }
  });

  it('writes what it looked at, whatever a getter says the second time', async () => {
    const ids = ['acme/sample', 'bind'];
    let asked = 0;
    const shifty = { version: '1', codeDigest: 'a'.repeat(64) };
    Object.defineProperty(shifty, 'id', { get: () => ids[Math.min(asked++, 1)], enumerable: true });
    const record = await journal.append(draft({ guard: shifty as DecisionDraft['guard'] }), '');
    expect(record).toMatchObject({ guard: { id: 'acme/sample' } });
  });
});

describe('of the kernel', () => {
  it('takes the very record of a decision and of an effect, also from a sink that hands it on', async () => {
    const through: EvidenceSink = { append: (...entry) => journal.append(...entry) };
    const grant = await enforce(bind, request, { journal: through });
    const id = await recordEffect(through, grant, { kind: 'k', outcome: 'done', codes: [], reason: '' });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await journal.append((await decided()).draft, '')).toMatchObject({ guard: { id: 'bind' } });
  });

  it('takes no copy of one', async () => {
    const { draft: real } = await decided();
    for (const copy of [{ ...real }, structuredClone(real), Object.create(real), new Proxy(real, {})])
      await expect(journal.append(copy as EvidenceDraft, '')).rejects.toMatchObject({
        code: expect.stringMatching(/^journal\.reserved-/),
      });
  });

  it('lets nobody change one on its way', async () => {
    const { draft: real } = await decided();
    const parts: object[] = [
      real,
      real.guard,
      real.codes,
      real.replay,
      real.replay.argv,
      real.subject as object,
    ];
    expect(parts.every(Object.isFrozen)).toBe(true);
  });
});
