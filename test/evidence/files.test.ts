// What the file calls promise, held against the system calls that they make and against files made to mislead a reader.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { publishFile, readBounded, readStream, replaceFile } from '../../src/evidence/files.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { draft, errno, replaceCall, scratch } from './support.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });
const ROOT = new URL('../../', import.meta.url).pathname;

describe('writing', () => {
  it('replaces the whole file, mode 0600, and leaves no draft, also where it fails', async () => {
    const directory = await scratch();
    const path = join(directory, 'a');
    writeFileSync(path, 'old', { mode: 0o644 });
    await replaceFile(path, 'new');
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['new', 0o600]);
    const restore = await replaceCall('write', () => () => Promise.reject(errno('ENOSPC')));
    await expect(replaceFile(path, 'newer')).rejects.toThrow(coded('ENOSPC'));
    restore();
    expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['new', ['a']]);
  });

  it('replaces a link, not the file that it leads to', async () => {
    const directory = await scratch();
    writeFileSync(join(directory, 'target'), 'kept');
    symlinkSync('target', join(directory, 'a'));
    await replaceFile(join(directory, 'a'), 'new');
    expect(readFileSync(join(directory, 'target'), 'utf8')).toBe('kept');
  });

  it('publishes a file once', async () => {
    const directory = await scratch();
    await publishFile(join(directory, 'a'), 'first');
    await expect(publishFile(join(directory, 'a'), 'second')).rejects.toThrow(coded('EEXIST'));
    expect([readFileSync(join(directory, 'a'), 'utf8'), readdirSync(directory)]).toEqual(['first', ['a']]);
    expect(statSync(join(directory, 'a')).nlink).toBe(1);
  });
});

describe('reading', () => {
  it('returns what is there up to the bound, and refuses one byte more', async () => {
    const path = join(await scratch(), 'a');
    for (const size of [0, 1, 99, 100]) {
      writeFileSync(path, Buffer.alloc(size, 7));
      expect(await readBounded(path, { maxBytes: 100 })).toEqual(Buffer.alloc(size, 7));
    }
    writeFileSync(path, Buffer.alloc(101));
    await expect(readBounded(path, { maxBytes: 100 })).rejects.toThrow(coded('read.too-large'));
  });

  it(
    'reads /proc, whose files say that they are empty',
    leftOut(process.platform !== 'linux' && 'not Linux'),
    async () => {
      const text = await readBounded('/proc/self/status', { maxBytes: 65_536 });
      expect(text.toString('latin1')).toContain(`\nPid:\t${process.pid}\n`);
    },
  );

  it.each<[string, string, (at: string) => void]>([
    ['a FIFO', 'read.not-plain', (at) => void spawnSync('mkfifo', [at])],
    ['a directory', 'read.not-plain', (at) => mkdirSync(at)],
    ['a link', 'ELOOP', (at) => symlinkSync('/etc/hostname', at)],
    ['a link to a device without end', 'ELOOP', (at) => symlinkSync('/dev/zero', at)],
    ['nothing', 'ENOENT', () => {}],
    [
      'a file that a group may read',
      'read.open-mode',
      (at) => {
        writeFileSync(at, '');
        chmodSync(at, 0o640);
      },
    ],
  ])('refuses %s with %s', async (_what, code, make) => {
    const path = join(await scratch(), 'a');
    make(path);
    await expect(readBounded(path, { maxBytes: 9, forbiddenMode: 0o077 })).rejects.toThrow(coded(code));
  });

  it(
    'refuses a file of another user where it must be our own',
    leftOut(process.getuid?.() !== 0 && 'needs root'),
    async () => {
      const path = join(await scratch(), 'a');
      writeFileSync(path, '');
      spawnSync('chown', ['65534', path]);
      expect(await readBounded(path, { maxBytes: 9 })).toHaveLength(0);
      const real = process.geteuid;
      await expect(readBounded(path, { maxBytes: 9, owner: 'own' })).rejects.toThrow(
        coded('read.foreign-owner'),
      );
      expect(process.geteuid).toBe(real);
    },
  );

  it('reads a device or a pipe only where it is told to, and within the bound', async () => {
    const any = { maxBytes: 100_000, follow: true, anyKind: true };
    await expect(readBounded('/dev/zero', any)).rejects.toThrow(coded('read.too-large'));
    expect(await readBounded('/dev/null', any)).toHaveLength(0);
    await expect(readStream(Readable.from([Buffer.alloc(6), Buffer.alloc(6)]), 11)).rejects.toThrow(
      coded('read.too-large'),
    );
    expect(await readStream(Readable.from([Buffer.alloc(6), Buffer.alloc(6)]), 12)).toHaveLength(12);
  });

  it('follows a link where it is told to, and reads a file with two names', async () => {
    const directory = await scratch();
    writeFileSync(join(directory, 'a'), 'x');
    symlinkSync('a', join(directory, 'b'));
    linkSync(join(directory, 'a'), join(directory, 'c'));
    expect((await readBounded(join(directory, 'b'), { maxBytes: 9, follow: true })).toString()).toBe('x');
    expect((await readBounded(join(directory, 'c'), { maxBytes: 9 })).toString()).toBe('x');
  });
});

const reason = missing('strace');
it(
  'a first journal syncs every new file and every new name before the record counts',
  leftOut(reason),
  async () => {
    const directory = await scratch();
    const dir = join(directory, 'a/b');
    const program = `
      import { openState } from ${JSON.stringify(join(ROOT, 'dist/evidence/state.js'))};
      const journal = await openState({ dir: ${JSON.stringify(dir)} });
      await journal.append(JSON.parse(process.argv[1]), '');
      process.stdout.write('granted');
      await journal.close();`;
    const trace = join(directory, 'trace');
    const calls = 'trace=mkdir,rename,link,linkat,renameat,renameat2,fsync,fdatasync,openat,write';
    const node = [process.execPath, '--input-type=module', '-e', program];
    const run = spawnSync(
      'strace',
      ['-f', '-y', '-qq', '-o', trace, '-e', calls, ...node, JSON.stringify(draft())],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    expect(run.stdout).toBe('granted');
    const lines = readFileSync(trace, 'utf8').split('\n');
    const granted = lines.findIndex((line) => line.includes('"granted"'));
    const before = lines.slice(0, granted);
    const synced = new Set(before.flatMap((line) => /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1] ?? []));
    // Of a file that was opened so, a write is a sync as well.
    const durable = before.flatMap((line) => /O_DSYNC.* = \d+<([^>]*)>$/.exec(line)?.[1] ?? []);
    for (const line of before) {
      const [, written = ''] = /write\(\d+<([^>]*)>/.exec(line) ?? [];
      if (durable.includes(written)) synced.add(written);
    }
    // Each new directory and file has its name in a directory that was synced, and the journal's bytes were.
    for (const name of [
      directory,
      join(directory, 'a'),
      dir,
      join(dir, 'journal'),
      join(dir, 'journal/journal-000000000000.jsonl'),
    ])
      expect([...synced], name).toContain(name);
    // A draft is synced before it gets its name.
    for (const [at, line] of before.entries()) {
      const draftName = /(?:rename|link)\w*\((?:AT_FDCWD[^,]*, )?"([^"]*\.draft)"/.exec(line)?.[1];
      if (draftName === undefined) continue;
      expect(
        before.slice(0, at).some((earlier) => earlier.includes('sync(') && earlier.includes(draftName)),
      ).toBe(true);
    }
  },
);
