// Keys and pins are believed only from files that nobody else can have written or read.
import { chmodSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FIRST_SEGMENT, readJournal, START_FILE } from '../../src/evidence/journal-files.ts';
import { initKeys, loadPins, loadSigner, savePins } from '../../src/evidence/key-store.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { ensureSigner, journalDirectory, makeSigner, openState } from '../../src/evidence/state.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { draft, runKilled, scratch } from './support.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });

it('makes a key once, loads it again and pins it for this host', async () => {
  const directory = await scratch();
  const { vkey } = await initKeys(directory);
  expect((await loadSigner(directory)).vkey).toBe(vkey);
  expect((await loadPins(directory)).map((pin) => pin.vkey)).toEqual([vkey]);
  await expect(initKeys(directory)).rejects.toThrow(coded('keys.exist'));
});

it('refuses a key that others can read and pins that others can write', async () => {
  const directory = await scratch();
  await expect(loadSigner(directory)).rejects.toThrow(coded('keys.missing'));
  await initKeys(directory);
  chmodSync(join(directory, 'signing-key.pem'), 0o644);
  await expect(loadSigner(directory)).rejects.toThrow(coded('keys.unsafe'));
  chmodSync(join(directory, 'pins.json'), 0o666);
  await expect(loadPins(directory)).rejects.toThrow(coded('keys.unsafe'));
});

it('refuses pins that are a link or no pins, and has none where there is no file', async () => {
  const directory = await scratch();
  expect(await loadPins(directory)).toEqual([]);
  writeFileSync(join(directory, 'real'), '{}', { mode: 0o600 });
  symlinkSync('real', join(directory, 'pins.json'));
  await expect(loadPins(directory)).rejects.toThrow(coded('keys.bad-pins'));
});

it('pins the key that it makes beside the pins that are there, also where a call was interrupted', async () => {
  const directory = await scratch();
  const other = { vkey: generateSigner('agilab-guardrails/other').vkey, host: 'other' };
  await savePins(directory, [other]);
  const { vkey } = await initKeys(directory);
  const vkeys = async (): Promise<readonly string[]> => (await loadPins(directory)).map((pin) => pin.vkey);
  expect(await vkeys()).toEqual([other.vkey, vkey]);
  await savePins(directory, [other]);
  expect((await initKeys(directory)).vkey).toBe(vkey);
  expect(await vkeys()).toEqual([other.vkey, vkey]);
  await expect(initKeys(directory)).rejects.toThrow(coded('keys.exist'));
});

it('makes a journal that is believed here after each kill while the key was made', async () => {
  let code: number | null = null;
  for (let steps = 0; code !== 0; steps++) {
    expect(steps).toBeLessThan(20);
    const dir = await scratch();
    code = runKilled(steps, 'state', 'ensureSigner({ dir })', dir);
    await using journal = await openState({ dir });
    await journal.append(draft(), '');
    await journal.close();
    const files = await readJournal(journalDirectory(dir));
    const verdict = await verifyJournal(files, { pins: await loadPins(dir) });
    expect(verdict, `${steps}`).toMatchObject({ ok: true, key: 'pinned' });
  }
});

it('makes no key where the pins cannot be read', async () => {
  const directory = await scratch();
  writeFileSync(join(directory, 'pins.json'), '{', { mode: 0o600 });
  await expect(initKeys(directory)).rejects.toThrow(coded('keys.bad-pins'));
  expect(readdirSync(directory)).toEqual(['pins.json']);
});

it('makes no other key where there is a journal whose key is lost', async () => {
  const dir = await scratch();
  const journal = await openState({ dir });
  await journal.append(draft(), '');
  await journal.close();
  rmSync(join(dir, 'signing-key.pem'));
  for (const make of [makeSigner, ensureSigner, openState])
    await expect(make({ dir })).rejects.toThrow(coded('keys.lost'));
  expect(readdirSync(dir)).toEqual(['journal', 'pins.json']);
  renameSync(journalDirectory(dir), join(dir, 'earlier'));
  const { vkey } = await makeSigner({ dir });
  expect((await loadPins(dir)).map((pin) => pin.vkey)).toEqual([expect.anything(), vkey]);
});

it.each<[string, (journal: string) => void]>([
  ['lines were taken away', (journal) => rmSync(join(journal, FIRST_SEGMENT))],
  ['start cannot be read', (journal) => symlinkSync('head', join(journal, START_FILE))],
  [
    'place is taken by something else',
    (journal) => {
      renameSync(journal, `${journal}-moved`);
      symlinkSync(`${journal}-moved/${FIRST_SEGMENT}`, journal);
    },
  ],
])('makes no other key where there is a journal whose %s', async (_what, damage) => {
  const dir = await scratch();
  const journal = await openState({ dir });
  await journal.append(draft(), '');
  await journal.close();
  rmSync(join(dir, 'signing-key.pem'));
  damage(journalDirectory(dir));
  for (const make of [makeSigner, ensureSigner, openState])
    await expect(make({ dir })).rejects.toThrow(coded('keys.lost'));
});

it('does not take for lost the key that another process makes, with a journal, in the same moment', async () => {
  const dir = await scratch();
  const real = fs.readdir;
  onTestFinished(() => {
    fs.readdir = real;
    syncBuiltinESMExports();
  });
  let others = 0;
  fs.readdir = (async (...given: Parameters<typeof real>) => {
    if (given[0] === journalDirectory(dir) && others++ === 0) {
      const journal = await openState({ dir });
      await journal.append(draft(), '');
      await journal.close();
    }
    return real(...given);
  }) as typeof real;
  syncBuiltinESMExports();
  const { signer, made } = await ensureSigner({ dir });
  expect(others).toBeGreaterThan(0);
  expect([made, signer.vkey]).toEqual([false, (await loadSigner(dir)).vkey]);
});
