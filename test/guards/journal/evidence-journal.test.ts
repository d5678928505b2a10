// The journal guard: its drills, the sentence that names the line, and a grant that nobody else can make or change.
import { createHash, type Hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { processIdentity } from '../../../src/evidence/identity.ts';
import { FIRST_SEGMENT } from '../../../src/evidence/journal-files.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { openJournal } from '../../../src/evidence/open-journal.ts';
import { isDecision } from '../../../src/evidence/record.ts';
import type { JournalVerdict } from '../../../src/evidence/verdict.ts';
import type * as VerifyNative from '../../../src/evidence/verify-native.ts';
import {
  evidenceJournal,
  type JournalRequest,
  VerifiedJournal,
} from '../../../src/guards/journal/evidence-journal.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { isGranted } from '../../../src/kernel/grants.ts';
import { draft, scratch } from '../../evidence/support.ts';
import { memoryJournal } from '../../memory-journal.ts';

const { host } = processIdentity();
async function sealed(count = 3): Promise<JournalRequest> {
  const directory = await scratch();
  const signer = generateSigner('agilab-guardrails/test');
  const journal = await openJournal({ directory, signer });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
  return { directory, pins: [{ vkey: signer.vkey, host }] };
}

describe('the grant', () => {
  it('says what the files say, hashed here by the book', async () => {
    const request = await sealed(1); // and the run record before it
    const granted = await enforce(evidenceJournal, request, { journal: memoryJournal() });
    const bytes = await readFile(join(request.directory, FIRST_SEGMENT), 'utf8');
    // RFC 6962 section 2.1, written out for two leaves.
    const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer =>
      parts.reduce<Hash>((hash, part) => hash.update(part), createHash('sha256')).digest();
    const [first = '', second = ''] = bytes.split('\n');
    const root = sha256('\x01', sha256('\0', first), sha256('\0', second)).toString('hex');
    expect(granted.root).toBe(root);
    expect(granted.size).toBe(2);
    expect(granted.origin).toBe(
      (await readFile(join(request.directory, 'checkpoint'), 'utf8')).split('\n')[0],
    );
    expect(granted.records.map((record) => JSON.stringify(record))).toEqual(bytes.trimEnd().split('\n'));
  });

  it('cannot be copied or changed by anybody else', async () => {
    const granted = await enforce(evidenceJournal, await sealed(), { journal: memoryJournal() });
    expect(isGranted(evidenceJournal, granted)).toBe(true);
    expect(isGranted(evidenceJournal, new VerifiedJournal('origin', '', []))).toBe(false);
    expect(() => Object.create(VerifiedJournal.prototype).records).toThrow(TypeError);
    expect(Object.isFrozen(granted)).toBe(true);
    expect(Object.isFrozen(granted.records)).toBe(true);
    const decision = granted.records.find(isDecision);
    expect(Object.isFrozen(decision?.guard)).toBe(true);
    expect(Object.isFrozen(decision?.codes)).toBe(true);
  });
});

describe('a refusal', () => {
  it('names the line', async () => {
    const request = await sealed();
    const path = join(request.directory, FIRST_SEGMENT);
    const lines = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, lines.with(1, lines[1]?.replace('"allow"', '"error"') ?? '').join('\n'));
    const { codes, reason } = await judge(evidenceJournal, request);
    expect(codes).toEqual(['journal.broken-chain']);
    expect(reason).toMatch(/^line 2 /);
  });

  it('gives every reason at once, and the tampering before the missing seal', async () => {
    const request = await sealed();
    await writeFile(join(request.directory, FIRST_SEGMENT), '{}\n{"torn');
    const { codes } = await judge(evidenceJournal, {
      ...request,
      pins: [{ vkey: generateSigner('a').vkey, host }],
    });
    expect(codes).toEqual([
      'journal.not-a-record',
      'journal.torn-tail',
      'journal.missing-lines',
      'journal.unpinned',
    ]);
  });

  it('says which pin is bad, and repeats no byte of it', async () => {
    const request = await sealed();
    const decision = await judge(evidenceJournal, {
      ...request,
      pins: [...request.pins, { vkey: 'SECRET', host }],
    });
    expect(decision).toMatchObject({ codes: ['journal.bad-pin'], reason: expect.stringMatching(/^pin 2: /) });
    expect(JSON.stringify(decision)).not.toContain('SECRET');
  });

  it('names the journal in its own record only when a pinned key did', async () => {
    const request = await sealed();
    const journal = memoryJournal();
    await enforce(evidenceJournal, request, { journal });
    const pins = [{ vkey: generateSigner('a').vkey, host }];
    await expect(enforce(evidenceJournal, { ...request, pins }, { journal })).rejects.toThrow();
    const [allowed, refused] = journal.drafts.map(({ subject }) => subject);
    expect(allowed?.name).toContain(host);
    expect(refused).toEqual({ kind: 'journal', name: undefined, digest: allowed?.digest });
  });

  it.each([
    ['a relative directory', { directory: 'journal' }],
    ['a directory with NUL', { directory: '/tmp/\0' }],
    ['no pin at all', { pins: [] }],
    ['an unknown key', { trust: true }],
  ])('comes before any look for %s', async (_why, over) => {
    const request = { ...(await sealed()), ...over } as JournalRequest;
    expect((await judge(evidenceJournal, request)).codes).toEqual(['guard.request-invalid']);
  });

  it.each<[string, Partial<JournalVerdict>]>([
    ['a problem', { ok: false, problems: [{ code: 'journal.of-tomorrow', message: 'is new' }] }],
    ['a doubt without a problem', { ok: false }],
  ])('follows from %s that no rule knows', async (_why, over) => {
    // What a later verifier might add to its verdict. The module is replaced below a copy of the room that only this test loads.
    const verifier = '../../../src/evidence/verify-native.ts';
    const { verifyJournal, ...real } = await vi.importActual<typeof VerifyNative>(verifier);
    vi.resetModules();
    vi.doMock(verifier, () => ({
      ...real,
      verifyJournal: async (...args: Parameters<typeof verifyJournal>) => ({
        ...(await verifyJournal(...args)),
        ...over,
      }),
    }));
    try {
      const later = await import('../../../src/guards/journal/evidence-journal.ts');
      const kernel = await import('../../../src/kernel/enforce.ts');
      const decision = await kernel.judge(later.evidenceJournal, await sealed());
      expect(decision).toMatchObject({ decision: 'error', codes: ['guard.observe-failed'] });
    } finally {
      vi.doUnmock(verifier);
      vi.resetModules();
    }
  });
});
