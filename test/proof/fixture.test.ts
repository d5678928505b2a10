// What a drill built has one digest, whoever builds it and wherever; and another as soon as it builds something else.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Fixture, fixtureDigest } from '../../src/proof/fixture.ts';

type Site = Fixture & { readonly directory: string };

const site = async (over: Partial<Site> = {}): Promise<Site> => {
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, 'below'), { mode: 0o700 });
  await writeFile(join(directory, 'below/file'), `it lies in ${directory}`, { mode: 0o600 });
  return { directory, random: [], unread: [], ...over };
};
const digestOf = (fixture: Fixture, more: object = {}): string =>
  fixtureDigest(fixture, { root: fixture.directory, ...more });

it('is that of the request alone where nothing was built', async () => {
  const nothing: Fixture = { directory: undefined, random: [], unread: [] };
  expect(fixtureDigest(nothing, { port: 1 })).toBe(fixtureDigest(nothing, { port: 1 }));
  expect(fixtureDigest(nothing, { port: 1 })).not.toBe(fixtureDigest(nothing, { port: 2 }));
  expect(fixtureDigest(nothing, { port: 1 })).not.toBe(fixtureDigest(await site(), { port: 1 }));
});

it('is the same in another directory, under another umask', async () => {
  const [first, second] = [await site(), await site()];
  await chmod(join(second.directory, 'below/file'), 0o644);
  expect(digestOf(first)).toBe(digestOf(second));
});

it.each<[string, (directory: string) => Promise<unknown>]>([
  ['another content', (at) => writeFile(join(at, 'below/file'), 'it lies elsewhere')],
  ['one more byte', (at) => writeFile(join(at, 'below/file'), '.', { flag: 'a' })],
  ['a file more', (at) => writeFile(join(at, 'below/other'), '', { mode: 0o600 })],
  ['another name', (at) => rename(join(at, 'below/file'), join(at, 'below/files'))],
  ['a mode that lets others write', (at) => chmod(join(at, 'below/file'), 0o602)],
  ['a sticky directory', (at) => chmod(join(at, 'below'), 0o1700)],
  [
    'a link instead of the file',
    async (at) => {
      await rename(join(at, 'below/file'), join(at, 'file'));
      await symlink('../file', join(at, 'below/file'));
    },
  ],
  [
    'a FIFO instead of the file',
    async (at) => {
      await rm(join(at, 'below/file'));
      spawnSync('mkfifo', ['-m', '600', join(at, 'below/file')]);
    },
  ],
])('is another with %s', async (_what, change) => {
  const fixture = await site();
  const before = digestOf(fixture);
  await change(fixture.directory);
  expect(digestOf(fixture)).not.toBe(before);
});

it('is another for another request, and for one that is no data', async () => {
  const fixture = await site();
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  const digests = [
    digestOf(fixture),
    digestOf(fixture, { port: 1 }),
    fixtureDigest(fixture, undefined),
    fixtureDigest(fixture, loop),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});

it('keeps what a request says, wherever this package lies', async () => {
  const fixture = await site();
  const path = `${process.cwd()}.so`; // in a clone at /tmp/x, what LD_PRELOAD=/tmp/x.so is in every other
  expect(digestOf(fixture, { path })).not.toBe(digestOf(fixture, { path: '<PACKAGE>.so' }));
});

it('leaves out what is random by nature, in requests, contents and names, and that alone', async () => {
  const random: Fixture['random'] = [
    ['PORT', /(?<="port":)\d+/g],
    ['KEY', /k[0-9]{3}/g],
  ];
  const digests = await Promise.all(
    ['k123', 'k999', 'kxyz'].map(async (key, index) => {
      const fixture = await site({ random });
      await writeFile(join(fixture.directory, key), `the key is ${key}`, { mode: 0o600 });
      return digestOf(fixture, { port: index, key });
    }),
  );
  expect(digests[0]).toBe(digests[1]);
  expect(digests[2]).not.toBe(digests[0]);
});

it('leaves out the content of a file that is random by nature, but not that it is there', async () => {
  const [first, second] = [await site({ unread: ['below/file'] }), await site({ unread: [/file$/] })];
  await writeFile(join(second.directory, 'below/file'), 'something else');
  expect(digestOf(first)).toBe(digestOf(second));
  await rm(join(second.directory, 'below/file'));
  expect(digestOf(first)).not.toBe(digestOf(second));
});

it('does not hang on whether files could be given away', async () => {
  const plain = await site();
  const asRoot = fixtureDigest(await site(), { owners: 'root', port: 1 });
  expect(asRoot).toBe(fixtureDigest(await site(), { port: 1, owners: 'root' }));
  expect(asRoot).not.toBe(fixtureDigest(plain, { port: 1 }));
});

it('tells large files apart that end in zeros', async () => {
  const digests = await Promise.all(
    [
      async (file: string) => truncate(file, 2_097_152),
      async (file: string) => truncate(file, 2_097_153),
      async (file: string) => writeFile(file, Buffer.alloc(2_097_152)), // with room on the disk: the same content
      async (file: string) => writeFile(file, Buffer.alloc(2_097_152).fill(1, 0, 1)),
      async (file: string) => writeFile(file, Buffer.alloc(2_097_152).fill(1, 1_048_576, 1_048_577)),
      async (file: string) => writeFile(file, Buffer.alloc(2_097_152).fill(1, 2_097_151)),
      async (file: string) => writeFile(file, Buffer.alloc(2_097_153).fill(1, 2_097_152)),
      async (file: string) => writeFile(file, Buffer.alloc(1_048_576).fill(1, 0, 1)),
    ].map(async (write) => {
      const fixture = await site();
      const file = join(fixture.directory, 'below/large');
      await writeFile(file, '', { mode: 0o600 });
      await write(file);
      return digestOf(fixture);
    }),
  );
  expect(digests[2]).toBe(digests[0]);
  expect(new Set(digests).size).toBe(digests.length - 1);
});
