// Files to and from real hosts: whole and verified, or not there.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../src/evidence/record.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Connection } from '../../src/ssh/transport/connection.ts';
import { downloadFile, uploadFile } from '../../src/ssh/transport/copy.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';
import { transports } from './transports.ts';

const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };
const options = { journal };
const skip = missing('sshd', 'ssh-keygen') || withoutLogin();

describe.each(transports)('a copy by %s', { timeout: 60_000, ...leftOut(skip) }, (transport) => {
  let host: TestHost;
  let home = '';
  let connection: Connection;
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] });
    home = host.userWith('/bin/sh').home;
    connection = await connect(host.target(host.userWith('/bin/sh')), host.credentials, {
      journal,
      transport,
    });
  });
  afterAll(async () => {
    connection.close();
    await host.stop();
  });
  const on = (name: string): string => join(home, name);

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['every byte', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['a large one', Buffer.alloc(5_000_000, 'xyz\n')],
  ])('of %s arrives whole, both ways, with the digest that others compute', async (_what, bytes) => {
    const name = `it's "x" $(touch PWN)\n-é`;
    const digest = await uploadFile(connection, bytes, `~/${name}`, options);
    expect(readFileSync(on(name)).equals(bytes)).toBe(true);
    expect(lstatSync(on(name)).mode & 0o777).toBe(0o600);
    expect(digest).toBe(`sha256:${execFileSync('sha256sum', { input: bytes }).toString().slice(0, 64)}`);
    expect((await downloadFile(connection, `~/${name}`, options)).equals(bytes)).toBe(true);
    expect(readdirSync(home).filter((each) => each.startsWith('it'))).toEqual([name]);
    expect(existsSync(on('PWN'))).toBe(false);
  });

  it('replaces a link, not what it leads to, and no directory', async () => {
    writeFileSync(on('kept'), 'kept');
    symlinkSync('kept', on('link'));
    await uploadFile(connection, Buffer.from('new'), '~/link', options);
    expect([readFileSync(on('kept'), 'utf8'), readFileSync(on('link'), 'utf8')]).toEqual(['kept', 'new']);
    mkdirSync(on('folder'), { mode: 0o777 });
    await expect(uploadFile(connection, Buffer.from('x'), '~/folder', options)).rejects.toMatchObject({
      code: 'ssh.copy-directory',
    });
    await expect(downloadFile(connection, '~/folder', options)).rejects.toMatchObject({
      code: 'ssh.copy-directory',
    });
    expect(readdirSync(on('folder'))).toEqual([]);
  });

  it('that fails says why, and leaves nothing', async () => {
    const nowhere = uploadFile(connection, Buffer.from('x'), '~/no/such/place', options);
    await expect(nowhere).rejects.toMatchObject({ code: 'ssh.copy-failed' });
    await expect(downloadFile(connection, '~/none', options)).rejects.toMatchObject({
      code: 'ssh.copy-failed',
    });
    await uploadFile(connection, Buffer.alloc(2_000), '~/long', options);
    const long = downloadFile(connection, '~/long', { ...options, maxBytes: 1_999 });
    await expect(long).rejects.toMatchObject({ code: 'ssh.copy-too-large' });
    expect((await downloadFile(connection, '~/long', { ...options, maxBytes: 2_000 })).length).toBe(2_000);
    await expect(uploadFile(connection, Buffer.from('x'), '~/a\0b', options)).rejects.toMatchObject({
      code: expect.stringMatching(/^(command|guard)\./),
    });
  });

  it('is a granted command with its records, which name the digest and hold no byte of the file', async () => {
    records.length = 0;
    await uploadFile(connection, Buffer.from('canary-5e2d'), '~/recorded', options);
    expect(records.map(({ mode }) => mode)).toEqual(['enforce', 'effect', 'effect']);
    expect(JSON.stringify(records)).not.toContain('canary');
  });
});
