// A verifier with a memory: what it saw once, it does not unlearn.
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HeadMemory } from '../../src/evidence/head-memory.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { verifyDirectory } from '../../src/evidence/verify-native.ts';
import { draft, scratch } from './support.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });

interface Site {
  readonly directory: string;
  readonly seen: string;
  readonly signer: NoteSigner;
}

async function site(): Promise<Site> {
  const at = await scratch();
  return {
    directory: join(at, 'journal'),
    seen: join(at, 'seen'),
    signer: generateSigner('agilab-guardrails/test'),
  };
}

async function write({ directory, signer }: Site, count = 1): Promise<void> {
  const journal = await openJournal({ directory, signer });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
}

const judge = ({ directory, seen, signer }: Site): Promise<JournalVerdict> =>
  verifyDirectory(directory, {
    pins: [{ vkey: signer.vkey, host: processIdentity().host }],
    memory: new HeadMemory(seen),
  });

it('knows a journal that grows, and says first-seen once', async () => {
  const at = await site();
  await write(at);
  expect(await judge(at)).toMatchObject({ ok: true, history: 'first-seen' });
  expect(await judge(at)).toMatchObject({ ok: true, history: 'extends' });
  await write(at);
  expect(await judge(at)).toMatchObject({ ok: true, history: 'extends', size: 4 });
});

it.each<[string, string, (at: Site, older: string) => Promise<void> | void]>([
  [
    'rolled back',
    'journal.rolled-back',
    ({ directory }, older) => {
      rmSync(directory, { recursive: true });
      cpSync(older, directory, { recursive: true });
    },
  ],
  [
    'deleted and begun anew',
    'journal.rolled-back',
    async (at) => {
      rmSync(at.directory, { recursive: true });
      await write(at);
    },
  ],
  [
    'forked by whoever has the key',
    'journal.rolled-back',
    async (at, older) => {
      rmSync(at.directory, { recursive: true });
      cpSync(older, at.directory, { recursive: true });
      await write(at, 9);
    },
  ],
])('refuses a journal that was %s, and goes on refusing it', async (_what, code, attack) => {
  const at = await site();
  await write(at, 3);
  const older = join(at.directory, '../older');
  cpSync(at.directory, older, { recursive: true });
  await write(at, 3);
  expect(await judge(at)).toMatchObject({ ok: true });
  await attack(at, older);
  for (let again = 0; again < 2; again++) {
    expect(await judge(at)).toMatchObject({
      ok: false,
      state: 'broken',
      history: 'broken',
      problems: [{ code }],
    });
  }
});

it('refuses a journal that is begun anew under the key to which the one that it saw was handed over', async () => {
  const at = await site();
  const next = generateSigner('agilab-guardrails/test');
  const journal = await openJournal(at);
  await journal.append(draft(), '');
  await journal.rotateTo(next);
  await journal.close();
  const after = { ...at, signer: next };
  expect(await judge(after)).toMatchObject({ ok: true, history: 'first-seen' });
  rmSync(at.directory, { recursive: true });
  await write(after, 9);
  expect(readFileSync(join(at.directory, CHECKPOINT_FILE), 'utf8')).toContain(`/${next.hash}\n`); // another origin
  for (let again = 0; again < 2; again++)
    expect(await judge(after)).toMatchObject({
      state: 'broken',
      history: 'broken',
      problems: [{ code: 'journal.rolled-back' }],
    });
});

it('vouches for lines whose checkpoint is lost, as far as it saw them', async () => {
  const at = await site();
  await write(at);
  await judge(at);
  rmSync(join(at.directory, CHECKPOINT_FILE));
  expect(await judge(at)).toMatchObject({ ok: true, history: 'extends', key: 'pinned' });
});

it('keeps journals apart by their origin', async () => {
  const [a, b] = [await site(), await site()];
  await write(a, 5);
  await write(b, 1);
  expect(await judge(a)).toMatchObject({ ok: true });
  expect(await judge({ ...b, seen: a.seen })).toMatchObject({ ok: true, history: 'first-seen' });
});

it('remembers nothing that is broken or signed by a stranger', async () => {
  const at = await site();
  await write(at);
  expect((await judge({ ...at, signer: generateSigner('agilab-guardrails/test') })).ok).toBe(false);
  const note = readFileSync(join(at.directory, CHECKPOINT_FILE), 'utf8');
  writeFileSync(join(at.directory, CHECKPOINT_FILE), note.replace(/\n\d+\n/, '\n1\n'));
  expect((await judge(at)).ok).toBe(false);
  expect(() => readdirSync(at.seen)).toThrow('ENOENT');
});

it('says unpinned, and no more, of a journal whose key is not pinned any more', async () => {
  const at = await site();
  await write(at);
  await judge(at);
  const memory = new HeadMemory(at.seen);
  expect(await verifyDirectory(at.directory, { pins: [], memory })).toMatchObject({
    ok: false,
    key: 'unpinned',
  });
});

it('refuses a memory that others could have written', async () => {
  const at = await site();
  await write(at);
  await judge(at);
  chmodSync(at.seen, 0o777);
  await expect(judge(at)).rejects.toThrow(coded('memory.failed'));
});
