// Keys and pins are believed only from files that nobody else can have written or read.
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { initKeys, loadPins, loadSigner } from '../../src/evidence/key-store.ts';
import { scratch } from './support.ts';

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
