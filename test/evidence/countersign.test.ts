// The countersignature, as openssl sees it.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { CodedError } from '../../src/evidence/coded-error.ts';
import { countersign, makeHostCa } from '../../src/evidence/countersign.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { scratch } from './support.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });

const reason = missing('openssl');
it('holds for openssl, and not with one byte changed', leftOut(reason), async () => {
  const directory = await scratch();
  const path = (name: string): string => join(directory, name);
  writeFileSync(path('ca.pem'), await makeHostCa(directory));
  const content = Buffer.from('journal\n3\nroot=\n\r\n\x1a\0binary\xff', 'latin1');
  writeFileSync(path('sig.der'), await countersign(directory, content));
  const verify = (bytes: Uint8Array): number | null => {
    writeFileSync(path('content'), bytes);
    const args = [
      'cms',
      '-verify',
      '-binary',
      '-inform',
      'DER',
      '-in',
      path('sig.der'),
      '-content',
      path('content'),
    ];
    return spawnSync('openssl', [...args, '-CAfile', path('ca.pem'), '-out', '/dev/null']).status;
  };
  expect(verify(content)).toBe(0);
  for (let at = 0; at < content.length; at++) {
    const changed = Buffer.from(content);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(verify(changed), `byte ${at}`).not.toBe(0);
  }
  expect(verify(Buffer.concat([content, Buffer.of(10)]))).not.toBe(0);
  const strict = ['verify', '-x509_strict', '-CAfile', path('ca.pem'), path('countersign.pem')];
  expect(spawnSync('openssl', strict, { encoding: 'utf8' }).stdout).toContain('countersign.pem: OK');
  const text = spawnSync('openssl', ['x509', '-in', path('ca.pem'), '-noout', '-text'], {
    encoding: 'utf8',
  }).stdout;
  expect(text).toContain('Public-Key: (3072 bit)');
  for (const name of readdirSync(directory).filter((each) => each.endsWith('-key.pem')))
    expect(statSync(path(name)).mode & 0o777).toBe(0o600);
});

it('is never made anew over an authority that is there, nor with a key that others can read', async () => {
  const directory = await scratch();
  await expect(countersign(directory, Buffer.of())).rejects.toThrow(coded('keys.missing'));
  const pem = await makeHostCa(directory);
  await expect(makeHostCa(directory)).rejects.toThrow(coded('keys.exist'));
  expect(readFileSync(join(directory, 'host-ca.pem'), 'utf8')).toBe(pem);
  chmodSync(join(directory, 'countersign-key.pem'), 0o644);
  await expect(countersign(directory, Buffer.of())).rejects.toThrow(coded('keys.unsafe'));
});

it('signs nothing under a certificate that has ended, or has not begun', async () => {
  const directory = await scratch();
  await makeHostCa(directory);
  onTestFinished(() => void vi.useRealTimers());
  for (const years of [3, -1]) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + years * 366 * 86_400_000 });
    await expect(countersign(directory, Buffer.of()), `${years}`).rejects.toThrow(coded('keys.expired'));
    vi.useRealTimers();
  }
  expect((await countersign(directory, Buffer.of())).length).toBeGreaterThan(0);
});

it('names what to move away where a call was interrupted', async () => {
  const directory = await scratch();
  await makeHostCa(directory);
  const files = readdirSync(directory);
  expect(files).toHaveLength(4);
  unlinkSync(join(directory, 'countersign.pem'));
  await expect(countersign(directory, Buffer.of())).rejects.toThrow(coded('keys.missing'));
  const error = (await makeHostCa(directory).catch((reason: unknown) => reason)) as CodedError;
  for (const name of files) expect(error.remedy).toContain(name);
});
