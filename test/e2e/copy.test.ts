// Files to and from real hosts: whole and verified, or not there.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
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
import { connect, type Transport } from '../../src/ssh/transport/connect.ts';
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

const SERVER = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server'].find(existsSync);
/** By which way the bytes go is in the records. */
type Way = 'sftp' | 'remote-run';
const usual: readonly (readonly [string, Way, readonly string[]])[] = [
  ['SFTP', 'sftp', ['Subsystem sftp internal-sftp']],
  ['no SFTP', 'remote-run', []],
];
const odd: readonly (readonly [string, Way, readonly string[]])[] = [
  ['SFTP in its one session', 'sftp', ['Subsystem sftp internal-sftp', 'MaxSessions 1']],
  ...(SERVER
    ? [['a server of SFTP that its login shell starts', 'sftp', [`Subsystem sftp ${SERVER}`]] as const]
    : []),
  ['no SFTP, in its one session', 'remote-run', ['MaxSessions 1']],
  ['SFTP that starts in another directory', 'sftp', ['Subsystem sftp internal-sftp -d /tmp']],
  ['SFTP that may only read', 'sftp', ['Subsystem sftp internal-sftp -R']],
  ['SFTP that says what it hears', 'remote-run', ['Subsystem sftp /bin/cat']],
  ['SFTP that is a shell', 'remote-run', ['Subsystem sftp /bin/sh']],
  ['SFTP that is missing', 'remote-run', ['Subsystem sftp /no/such/server']],
];
const both = <T extends readonly unknown[]>(offers: readonly T[]): readonly [Transport, ...T][] =>
  transports.flatMap((transport) => offers.map((offer): [Transport, ...T] => [transport, ...offer]));
const kinds = (of: readonly EvidenceDraft[] = records): readonly string[] =>
  of.flatMap((record) => (record.mode === 'effect' ? [`${record.kind} ${record.outcome}`] : []));

describe.each(both(usual))(
  'a copy by %s to a host with %s',
  {
    timeout: 60_000,
    ...leftOut(skip),
  },
  (transport, _offer, way, config) => {
    let host: TestHost;
    let home = '';
    let connection: Connection;
    beforeAll(async () => {
      host = await startHost({ shells: ['/bin/sh'], config });
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
      expect(readdirSync(home).filter((each) => /[0-9a-f]{16}$/.test(each))).toEqual([]);
    });

    it('of a FIFO waits for no writer', async () => {
      execFileSync('mkfifo', [on('fifo')]);
      chmodSync(on('fifo'), 0o666);
      await expect(downloadFile(connection, '~/fifo', options)).rejects.toMatchObject({
        code: 'ssh.copy-directory',
      });
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
      expect(records[0]?.mode).toBe('enforce');
      expect(kinds()[0]).toBe(`${way} begun`);
      expect(kinds().at(-1)).toBe('remote-run done');
      expect(JSON.stringify(records)).not.toContain('canary');
    });
  },
);

describe('a copy by either transport', { timeout: 60_000, ...leftOut(skip) }, () => {
  it.each(odd)(
    'to a host with %s arrives whole, again and again, and leaves nothing',
    async (_offer, way, config) => {
      const host = await startHost({ shells: ['/bin/sh'], config });
      const user = host.userWith('/bin/sh');
      const copied = async (transport: Transport): Promise<readonly string[]> => {
        const own: EvidenceDraft[] = [];
        const journal = { append: async (draft: EvidenceDraft): Promise<void> => void own.push(draft) };
        await using connection = await connect(host.target(user), host.credentials, { journal, transport });
        const names = ['one', 'two', 'three'].map((each) => `odd-${transport}-${each}`);
        for (const name of names) {
          const bytes = Buffer.from(`${name}\n`.repeat(20_000));
          await uploadFile(connection, bytes, `~/${name}`, { journal });
          expect(readFileSync(join(user.home, name)).equals(bytes)).toBe(true);
          expect((await downloadFile(connection, `~/${name}`, { journal })).equals(bytes)).toBe(true);
        }
        expect([transport, kinds(own)[0]]).toEqual([transport, `${way} begun`]);
        return names;
      };
      try {
        const names = (await Promise.all(transports.map(copied))).flat();
        const odd = (directory: string): readonly string[] =>
          readdirSync(directory).filter((name) => name.startsWith('odd-'));
        expect(odd(user.home).toSorted()).toEqual(names.toSorted());
        expect(odd('/tmp')).toEqual([]);
      } finally {
        await host.stop();
      }
    },
  );
});

describe.each(transports)(
  'an upload by %s that is given up',
  { timeout: 60_000, ...leftOut(skip) },
  (transport) => {
    it('leaves neither the file nor what was written of it', async () => {
      const host = await startHost({ shells: ['/bin/sh'], config: ['Subsystem sftp internal-sftp'] });
      const user = host.userWith('/bin/sh');
      try {
        await using connection = await connect(host.target(user), host.credentials, { journal, transport });
        const giveUp = new AbortController();
        const seen = (): readonly string[] =>
          readdirSync(user.home).filter((name) => name.startsWith('given-up'));
        const upload = uploadFile(connection, Buffer.alloc(64 * 1024 * 1024), '~/given-up', {
          journal,
          signal: giveUp.signal,
        });
        const ended = expect(upload).rejects.toMatchObject({ code: 'ssh.copy-failed' });
        await expect.poll(seen, { interval: 1, timeout: 20_000 }).toHaveLength(1);
        giveUp.abort();
        await ended;
        expect(seen()).toEqual([]);
        expect(connection.isOpen).toBe(true);
      } finally {
        await host.stop();
      }
    });
  },
);
