// A key that is revoked: what it sealed before stays where somebody else saw it then, and nothing else does.
import { readFileSync, writeFileSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cosignCheckpoint } from '../../src/evidence/checkpoint.ts';
import { exportJournal } from '../../src/evidence/exports/export.ts';
import { HeadMemory } from '../../src/evidence/head-memory.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner, parseVerifierKey, verifierOf } from '../../src/evidence/keys.ts';
import { COSIGNATURE, noteKey } from '../../src/evidence/note-key.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { Pin } from '../../src/evidence/pin.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import type { VerifyOptions } from '../../src/evidence/verify.ts';
import { verifyDirectory } from '../../src/evidence/verify-native.ts';
import { draft, scratch } from './support.ts';

const { host } = processIdentity();
const HOUR = 3_600_000;
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR).toISOString();

let directory: string;
let signer: NoteSigner;
let witness: NoteSigner;
let key: ReturnType<typeof noteKey>;
beforeEach(async () => {
  directory = await scratch();
  signer = generateSigner('agilab-guardrails/test');
  witness = generateSigner('witness.example');
  key = noteKey(witness.name, witness.publicKey, COSIGNATURE);
});

async function write(count = 2, by = signer): Promise<string> {
  const journal = await openJournal({ directory, signer: by });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
  return readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
}

const cosigned = (note: string, hours: number, by = witness): string =>
  cosignCheckpoint(note, Math.floor(Date.parse(hoursAgo(hours)) / 1_000), { ...by, hash: key.hash });

const pins = (revoked = hoursAgo(1)): Pin[] => [
  { vkey: signer.vkey, host, revoked },
  { vkey: key.vkey, host: 'witness.example' },
];

/** The pins, the witness for a part of the time only. */
const witnessedBy = (validity: Partial<Pin>): Pin[] => {
  const [own, other] = pins() as [Pin, Pin];
  return [own, { ...other, ...validity }];
};

/** A cosignature of the time 0, which c2sp.org/tlog-witness does not allow. */
function untimed(note: string): string {
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  const signature = witness.sign(Buffer.from(`cosignature/v1\ntime 0\n${text}`));
  const bytes = Buffer.concat([Buffer.from(key.hash, 'hex'), Buffer.alloc(8), signature]);
  return `${note}\u2014 ${witness.name} ${bytes.toString('base64')}\n`;
}

const judge = (options: Partial<VerifyOptions> = {}): Promise<JournalVerdict> =>
  verifyDirectory(directory, { pins: pins(), ...options });

const sealedOf = ({ lines }: JournalVerdict): number => lines.filter(({ sealed }) => sealed).length;

describe('what a revoked key sealed', () => {
  it('stays believed where a pinned witness saw it before', async () => {
    writeFileSync(join(directory, CHECKPOINT_FILE), cosigned(await write(), 2));
    const verdict = await judge();
    expect(verdict).toMatchObject({ ok: true, state: 'sealed', key: 'witnessed', signer: signer.vkey });
    expect(sealedOf(verdict)).toBe(3);
    const lines: string[] = [];
    const options = { format: 'cloudevents', version: '1' } as const;
    for await (const line of exportJournal(directory, verdict, options)) lines.push(line);
    expect(lines).toHaveLength(3);
  });

  it('stays believed as far as it was seen, and no further', async () => {
    const previous = cosigned(await write(2), 2);
    await write(2); // by whoever has the key now
    const verdict = await judge({ previous });
    expect(verdict).toMatchObject({
      ok: false,
      state: 'adopted',
      key: 'witnessed',
      size: 6,
      unsealed: { open: 3, adopted: 0 },
    });
    expect(sealedOf(verdict)).toBe(3);
  });

  it('stays believed where the witness is pinned for the time at which it saw that', async () => {
    const previous = cosigned(await write(), 2);
    const pins = witnessedBy({ notBefore: hoursAgo(3), notAfter: hoursAgo(1.5) });
    expect(await judge({ previous, pins })).toMatchObject({ ok: true, key: 'witnessed' });
  });

  it('is believed under no other name of that key', async () => {
    await write();
    const [revoked] = pins() as [Pin];
    const alias = { vkey: verifierOf('agilab-guardrails/other', signer.publicKey).vkey, host };
    const note = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
    const body = note.slice(0, note.indexOf('\n\n') + 2);
    const { hash, name } = parseVerifierKey(alias.vkey);
    const bytes = Buffer.concat([Buffer.from(hash, 'hex'), signer.sign(Buffer.from(body.slice(0, -1)))]);
    writeFileSync(join(directory, CHECKPOINT_FILE), `${body}\u2014 ${name} ${bytes.toString('base64')}\n`);
    expect(await judge({ pins: [alias] })).toMatchObject({ ok: true });
    expect(await judge({ pins: [alias, revoked] })).toMatchObject({ ok: false, key: 'revoked' });
  });

  it('is never taken for a running writer', async () => {
    const previous = cosigned(await write(2), 2);
    await write(1);
    expect((await judge({ previous, now: Date.now() })).state).toBe('adopted');
  });

  it.each<[string, (note: string) => Partial<VerifyOptions>]>([
    ['nobody saw it', (previous) => ({ previous })],
    ['the witness saw it after that time', (note) => ({ previous: cosigned(note, 0.5) })],
    ['the witness saw it at that time', (note) => ({ previous: cosigned(note, 1), pins: pins(roundHour()) })],
    ['the witness is not pinned', (note) => ({ previous: cosigned(note, 2), pins: pins().slice(0, 1) })],
    [
      'the witness is revoked itself',
      (note) => ({
        previous: cosigned(note, 2),
        pins: [...pins().slice(0, 1), { ...(pins()[1] as Pin), revoked: hoursAgo(0.1) }],
      }),
    ],
    [
      'the witness was not pinned for that time yet',
      (note) => ({ previous: cosigned(note, 2), pins: witnessedBy({ notBefore: hoursAgo(1.5) }) }),
    ],
    [
      'the witness was pinned for that time no more',
      (note) => ({ previous: cosigned(note, 2), pins: witnessedBy({ notAfter: hoursAgo(3) }) }),
    ],
    ['the witness names no time', (note) => ({ previous: untimed(note) })],
    [
      'the witness is the key itself, under its own name',
      (note) => ({ previous: cosigned(note, 2, signer), pins: pins().slice(0, 1) }),
    ],
  ])('is not believed where %s', async (_what, options) => {
    expect(await judge(options(await write()))).toMatchObject({
      ok: false,
      key: 'revoked',
      state: 'adopted',
    });
  });

  it('is refused where the name of a pinned witness is on it, and not its signature', async () => {
    const previous = cosigned(await write(), 2, generateSigner(witness.name));
    expect((await judge({ previous }).catch((error: unknown) => error)) as object).toMatchObject({
      code: 'checkpoint.bad-signature',
    });
  });

  it('is not believed in another journal than the one that was seen', async () => {
    const previous = cosigned(await write(2), 2);
    const elsewhere = directory;
    directory = await scratch();
    await write(4);
    expect(elsewhere).not.toBe(directory);
    expect(await judge({ previous })).toMatchObject({
      state: 'broken',
      problems: [{ code: 'journal.rolled-back' }],
    });
  });

  it('leads nowhere: a thief who hands the journal over to a key of his own is not followed', async () => {
    const note = await write(2);
    const thief = generateSigner('agilab-guardrails/test');
    const journal = await openJournal({ directory, signer });
    await journal.rotateTo(thief);
    await journal.close();
    expect(await judge()).toMatchObject({ ok: false, key: 'revoked' });
    const verdict = await judge({ previous: cosigned(note, 2) });
    expect(verdict).toMatchObject({ ok: false, key: 'witnessed', unsealed: { open: 2 } });
    // Before the revocation is known here, he is: that is what a revocation is for.
    expect(await judge({ pins: [{ vkey: signer.vkey, host }] })).toMatchObject({ ok: true });
  });

  it('was handed over in time where a witness saw the handing over', async () => {
    await write(2);
    const heir = generateSigner('agilab-guardrails/test');
    const journal = await openJournal({ directory, signer });
    await journal.rotateTo(heir);
    await journal.close();
    const [name = ''] = (await import('node:fs'))
      .readdirSync(directory)
      .filter((each) => each.startsWith('rotation-'));
    const path = join(directory, name);
    writeFileSync(path, cosigned(readFileSync(path, 'utf8'), 2));
    await write(1, heir);
    expect(await judge()).toMatchObject({ ok: true, key: 'pinned', signer: heir.vkey });
  });
});

describe('the memory of heads', () => {
  it('shows what was sealed before a key was revoked, since it says when it was seen', async () => {
    const at = await scratch();
    const memory = new HeadMemory(join(at, 'heads'));
    await write(2);
    const believed = { pins: [{ vkey: signer.vkey, host }], memory };
    expect(await verifyDirectory(directory, believed)).toMatchObject({ ok: true });
    await write(2);
    const revoked = {
      pins: [{ vkey: signer.vkey, host, revoked: new Date(Date.now() - 1).toISOString() }],
      memory,
    };
    const { readdirSync } = await import('node:fs');
    const kept = readdirSync(join(at, 'heads')).find((name) => /^[0-9a-f]{32}$/.test(name)) ?? '';
    const then = new Date(Date.now() - HOUR);
    await utimes(join(at, 'heads', kept), then, then);
    expect(await verifyDirectory(directory, revoked)).toMatchObject({
      ok: false,
      key: 'witnessed',
      size: 6,
      unsealed: { open: 3 },
      history: 'extends',
    });
    // What a revoked key sealed since is not remembered.
    expect(await verifyDirectory(directory, revoked)).toMatchObject({ unsealed: { open: 3 } });
    const now = new Date();
    await utimes(join(at, 'heads', kept), now, now);
    expect(await verifyDirectory(directory, revoked)).toMatchObject({ ok: false, key: 'revoked' });
  });
});

/** One hour ago, in whole seconds, as a cosignature has it. */
function roundHour(): string {
  return new Date(Math.floor(Date.parse(hoursAgo(1)) / 1_000) * 1_000).toISOString();
}
