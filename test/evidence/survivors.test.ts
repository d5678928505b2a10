// What random changes of the code once got past every test: each is a step that fails closed only if it is taken exactly.
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAll } from '../../src/evidence/files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { readKnownHosts } from '../../src/ssh/host-key/known-hosts-file.ts';
import { parseOwnerRecord } from '../../src/ssh/process/ownership-record.ts';
import { leftOut } from '../left-out.ts';
import { scratch } from './support.ts';

it('makes the directory of a journal for its user alone', async () => {
  const directory = join(await scratch(), 'new');
  await (await openJournal({ directory, signer: generateSigner('agilab-guardrails/test') })).close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

describe('a write', () => {
  const taking = (...takes: readonly number[]): { readonly file: FileHandle; readonly asked: number[] } => {
    const left = [...takes];
    const asked: number[] = [];
    const write = async (_bytes: Uint8Array, at: number): Promise<{ bytesWritten: number }> => {
      asked.push(at);
      return { bytesWritten: left.shift() ?? 0 };
    };
    return { file: { write } as unknown as FileHandle, asked };
  };

  it('goes on where a part was taken', async () => {
    const { file, asked } = taking(3, 1, 6);
    await writeAll(file, Buffer.alloc(10));
    expect(asked).toEqual([0, 3, 4]);
  });

  it('fails, and does not try for ever, where nothing is taken', async () => {
    const { file, asked } = taking(3, 0);
    await expect(writeAll(file, Buffer.alloc(10))).rejects.toMatchObject({ code: 'EIO' });
    expect(asked).toEqual([0, 3]);
  });
});

it(
  'known_hosts of another user is believed in nothing',
  leftOut(process.getuid?.() !== 0 && 'needs root'),
  async () => {
    const file = join(await scratch(), 'known_hosts');
    writeFileSync(file, '', { mode: 0o600 });
    expect(await readKnownHosts([file])).toEqual({ entries: [] });
    spawnSync('chown', ['65534', file]);
    expect(await readKnownHosts([file])).toMatchObject({ fault: { kind: 'writable' } });
  },
);

it('the record of a process is one line from end to end', () => {
  const line = `agilab-process-owner-v1 ${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)} pid:[4026531836] 4847 155056 0 ${'a'.repeat(32)}`;
  expect(parseOwnerRecord(line)).toMatchObject({ kind: 'own', pid: 4847 });
  for (const other of [
    `x${line}`,
    ` ${line}`,
    `${line} `,
    `${line}x`,
    `x\n${line}`,
    `${line}\nx`,
    `${line}\n`,
  ])
    expect(parseOwnerRecord(other)).toBeUndefined();
});
