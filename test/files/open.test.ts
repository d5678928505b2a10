// Opening trusted files: every rule in both ways of walking, what the system's own tools say, and no descriptor left.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fdWalk, pathWalk } from '../../src/files/descent.ts';
import { openTrusted } from '../../src/files/open.ts';
import { fileRules, siblingRules } from '../../src/files/rules.ts';
import { type FileFacts, type ObserveOptions, observeFiles } from '../../src/files/walk.ts';
import { leftOut, requiresReal } from '../left-out.ts';

const run = promisify(execFile);
const rules = fileRules<FileFacts>('file', (facts) => facts);
const codesOf = (facts: FileFacts): string[] =>
  rules.filter((rule) => rule.refuses(facts) !== false).map(({ code }) => code);

interface Laid {
  readonly root: string;
  readonly file: string;
}

async function laid(): Promise<Laid> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'trusted-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  const root = join(directory, 'root');
  await mkdir(join(root, 'sub'), { recursive: true, mode: 0o700 });
  const file = join(root, 'sub', 'file');
  await writeFile(file, 'content', { mode: 0o600 });
  return { root, file };
}

const methods = process.platform === 'linux' ? [fdWalk, pathWalk] : [pathWalk];

describe.each(methods)('$name', (method) => {
  const look = async (
    root: string,
    path: string,
    options: Partial<ObserveOptions> = {},
  ): Promise<FileFacts> => {
    const folder = path.split('/');
    const name = folder.pop() ?? '';
    const wanted = [{ name, maxBytes: options.maxBytes ?? 1e6 }];
    const [facts] = await observeFiles(root, folder, wanted, options, method);
    if (!facts) throw new Error('no facts');
    return facts;
  };

  it('reads a private file once, with its digest', async () => {
    const { root } = await laid();
    const facts = await look(root, 'sub/file');
    expect(codesOf(facts)).toEqual([]);
    expect(facts.bytes?.toString()).toBe('content');
    expect(facts.digest).toBe(createHash('sha256').update('content').digest('hex'));
    expect(facts).toMatchObject({ method: method.name, unchanged: true, oneDevice: true });
  });

  it.each<[string, string[], (at: Laid) => unknown]>([
    ['a file that everybody may write', ['file.world-writable'], ({ file }) => chmod(file, 0o602)],
    ['a file that a group may write', ['file.group-writable'], ({ file }) => chmod(file, 0o620)],
    [
      'a link',
      ['file.symlink'],
      ({ file }) => rename(file, `${file}.real`).then(() => symlink('file.real', file)),
    ],
    ['a dangling link', ['file.symlink'], ({ file }) => rm(file).then(() => symlink('nowhere', file))],
    [
      'a linked directory',
      ['file.symlink'],
      ({ root }) => rename(join(root, 'sub'), join(root, 's')).then(() => symlink('s', join(root, 'sub'))),
    ],
    ['a second name', ['file.hard-linked'], ({ file }) => link(file, `${file}2`)],
    ['nothing', ['file.missing'], ({ file }) => rm(file)],
    ['no directory', ['file.missing'], ({ root }) => rm(join(root, 'sub'), { recursive: true })],
    [
      'a file for a directory',
      ['file.missing'],
      ({ root }) => rm(join(root, 'sub'), { recursive: true }).then(() => writeFile(join(root, 'sub'), '')),
    ],
    ['a FIFO', ['file.not-regular'], ({ file }) => rm(file).then(() => run('mkfifo', ['-m', '600', file]))],
    ['a directory', ['file.not-regular'], ({ file }) => rm(file).then(() => mkdir(file, { mode: 0o700 }))],
    [
      'a group-writable directory',
      ['file.writable-directory'],
      ({ root }) => chmod(join(root, 'sub'), 0o770),
    ],
    ['a sticky root', ['file.writable-directory'], ({ root }) => chmod(root, 0o1777)],
    ['a writable directory above', ['file.writable-ancestor'], ({ root }) => chmod(join(root, '..'), 0o777)],
    ['a huge file', ['file.too-large'], ({ file }) => truncate(file, 1e6 + 1)],
  ])('refuses %s', async (_why, codes, spoil) => {
    const at = await laid();
    await spoil(at);
    const facts = await look(at.root, 'sub/file');
    expect(codesOf(facts)).toEqual(codes);
    if (!['file.world-writable', 'file.group-writable', 'file.hard-linked'].includes(codes[0] ?? ''))
      expect(facts.unchanged).toBe(true);
  });

  it('refuses a socket, and never connects to it', async () => {
    const { root, file } = await laid();
    await rm(file);
    const server = createServer();
    await new Promise<void>((done) => server.listen(file, done));
    onTestFinished(() => void server.close());
    await chmod(file, 0o600);
    expect(codesOf(await look(root, 'sub/file'))).toEqual(['file.not-regular']);
  });

  it('believes root alone when told to', async () => {
    const { root } = await laid();
    const own = process.geteuid?.() === 0 ? [] : ['file.foreign-owner', 'file.foreign-directory'];
    expect(codesOf(await look(root, 'sub/file', { owners: 'root' }))).toEqual(own);
  });

  it.each([
    ['..', 'sub/../../etc/passwd'],
    ['.', './sub/file'],
    ['an empty name', 'sub//file'],
    ['an absolute path', '/etc/passwd'],
    ['a trailing slash', 'sub/'],
    ['nothing', ''],
    ['NUL', 'sub/file\0'],
  ])('opens nothing for %s', async (_why, path) => {
    const { root } = await laid();
    expect(await look(root, path)).toMatchObject({ plainPath: false, directories: [] });
  });

  it.each([['relative'], ['/tmp/../tmp'], ['/tmp/'], ['//tmp'], ['']])(
    'opens nothing below %j',
    async (root) => {
      expect(codesOf(await look(root, 'file'))).toEqual(['file.outside-root']);
    },
  );

  it('leaves no descriptor open, whatever happens', async () => {
    const { root, file } = await laid();
    const descriptors = (): number =>
      process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
    const before = descriptors();
    for (let round = 0; round < 20; round++) {
      await look(root, 'sub/file');
      await look(root, 'sub/none');
      await look(root, 'none/none');
      await look(root, 'sub/file', { maxBytes: 1 });
      await expect(look(root, 'sub/file', { signal: AbortSignal.abort() })).rejects.toThrow();
      await expect(look(root, `sub/${'n'.repeat(300)}`)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    }
    await truncate(file, 2 ** 24);
    const controller = new AbortController();
    const reading = look(root, 'sub/file', { maxBytes: 2 ** 25, signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(reading).rejects.toThrow();
    expect(descriptors()).toBe(before);
  });

  it('reads a file of many chunks in order', async () => {
    const { root, file } = await laid();
    for (const size of [262_143, 262_144, 262_145, 9_000_001]) {
      const content = Buffer.alloc(size, `${size} and so on, `);
      await writeFile(file, content);
      const facts = await look(root, 'sub/file', { maxBytes: 1e7 });
      expect(facts.bytes?.equals(content)).toBe(true);
      expect(facts.digest).toBe(createHash('sha256').update(content).digest('hex'));
      expect(facts.unchanged).toBe(true);
    }
  });

  it('looks at two files in one walk and judges each by itself', async () => {
    const { root, file } = await laid();
    await writeFile(`${file}.b`, 'b', { mode: 0o622 });
    await chmod(`${file}.b`, 0o622);
    const wanted = ['file', 'file.b', 'file.c'].map((name) => ({ name, maxBytes: 100 }));
    const [a, b, c] = await observeFiles(root, ['sub'], wanted, {}, method);
    const own = siblingRules<FileFacts>('x', (facts) => facts);
    const codes = (facts: FileFacts | undefined): string[] =>
      own.flatMap((rule) => (facts && rule.refuses(facts) !== false ? rule.code : []));
    expect([codes(a), codes(b), codes(c)]).toEqual([
      [],
      ['x.world-writable', 'x.group-writable'],
      ['x.missing'],
    ]);
  });
});

const linux = process.platform === 'linux';

describe('on Linux', leftOut(!linux && 'not Linux'), () => {
  it('notices a file that holds more than its size says', async () => {
    await expect(openTrusted('/proc', 'version')).rejects.toMatchObject({ code: 'file.changed-while-read' });
  });

  it('refuses to cross onto another file system', async () => {
    await expect(openTrusted('/', 'proc/version')).rejects.toMatchObject({ code: 'file.other-device' });
  });

  it('refuses a fake /proc (needs unshare and user namespaces)', { timeout: 60_000 }, async (context) => {
    const namespaces = spawnSync('unshare', ['-rm', 'true']).status === 0;
    if (!namespaces && !requiresReal) context.skip('no user namespaces');
    const door = JSON.stringify(pathToFileURL(resolve('dist/files/open.js')).href);
    // Node and its loader are up before /proc goes away.
    const script = `const { openTrusted } = await import(${door}); const { execFileSync } = await import('node:child_process');
      execFileSync('mount', ['-t', 'tmpfs', 'none', '/proc']);
      console.log(await openTrusted('/etc', 'passwd').then(() => 'opened', (error) => error.code));`;
    const argv = ['-rm', process.execPath, '--input-type=module', '-e', script];
    const { stdout } = await run('unshare', argv);
    expect(stdout.trim()).toBe('file.no-proc');
  });

  it('sees every writer that an ACL names (needs setfacl)', async (context) => {
    const { root, file } = await laid();
    const acl = spawnSync('setfacl', ['-m', 'u:65534:rw', file]).status === 0;
    if (!acl && !requiresReal) context.skip('no setfacl, or no ACLs here');
    await expect(openTrusted(root, 'sub/file')).rejects.toMatchObject({ code: 'file.group-writable' });
    await run('setfacl', ['-m', 'm::r', file]); // the entry is still there, but the mask takes its effect away
    expect((await openTrusted(root, 'sub/file')).bytes.toString()).toBe('content');
    await run('setfacl', ['-m', 'u:65534:rwx', join(root, 'sub')]);
    await expect(openTrusted(root, 'sub/file')).rejects.toMatchObject({ code: 'file.writable-directory' });
  });

  it('passes through a directory that may only be searched (needs to be no root)', async (context) => {
    if (process.geteuid?.() === 0) context.skip('root may read everything');
    const { root } = await laid();
    await chmod(join(root, 'sub'), 0o100);
    onTestFinished(() => chmod(join(root, 'sub'), 0o700));
    expect((await openTrusted(root, 'sub/file')).method).toBe('fd-walk');
  });
});

describe('openTrusted', () => {
  it('throws the first code, with what to do, and repeats no name', async () => {
    const { root } = await laid();
    const refused: unknown = await openTrusted(root, 'canary-file').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'file.missing', remedy: 'Check the path.' });
    expect(String(refused)).not.toContain('canary');
  });

  it('says when the system keeps it from looking', async () => {
    await expect(openTrusted('/', 'n'.repeat(300))).rejects.toMatchObject({ code: 'file.unreadable' });
  });

  it('opens what the system itself trusts', async () => {
    const { bytes, digest } = await openTrusted(await realpath('/etc'), 'passwd', { owners: 'root' });
    expect(bytes).toHaveLength(statSync('/etc/passwd').size);
    const { stdout } = await run('sha256sum', ['/etc/passwd']);
    expect(stdout.slice(0, 64)).toBe(digest);
  });
});
