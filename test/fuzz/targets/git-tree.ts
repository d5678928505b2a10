// The reader of git trees beside git itself: of a tree that ours takes, `git ls-tree` lists the same names, modes and objects.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { deflateSync } from 'node:zlib';
import { ObjectFault, readCommit } from '../../../src/guards/external-app/git-objects.ts';
import { missing } from '../../ssh/support.ts';
import type { FuzzTarget } from '../target.ts';

const named = (type: string, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
const idOf = (type: string, content: Uint8Array): string =>
  createHash('sha1').update(named(type, content)).digest('hex');

/** Keeps an object as git does, and returns its id. */
function store(gitdir: string, type: string, content: Uint8Array): string {
  const id = idOf(type, content);
  const directory = join(gitdir, 'objects', id.slice(0, 2));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, id.slice(2)), deflateSync(named(type, content)));
  return id;
}

const entry = (mode: string, name: string, oid = 'a'.repeat(40)): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
const INNER = entry('100644', 'inner');
/** An empty repository. */
function lay(gitdir: string): void {
  for (const directory of ['objects', 'refs']) mkdirSync(join(gitdir, directory));
  writeFileSync(join(gitdir, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(gitdir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
  store(gitdir, 'tree', INNER);
}

async function compare(gitdir: string, bytes: Uint8Array): Promise<void> {
  const tree = store(gitdir, 'tree', bytes);
  const commit = store(gitdir, 'commit', Buffer.from(`tree ${tree}\n\n`));
  let ours: readonly string[];
  try {
    const { entries } = await readCommit(gitdir, commit, new AbortController().signal);
    if (entries.some(({ mode }) => !MODES.has(mode))) return;
    ours = entries.map(({ mode, oid, path }) => `${mode} ${oid} ${path}`);
  } catch (error) {
    if (error instanceof ObjectFault) return;
    throw error;
  }
  const argv = ['--git-dir', gitdir, 'ls-tree', '-r', '-z', '--full-tree', tree];
  const { status, stdout } = spawnSync('git', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error('git does not read it');
  const lines = stdout.split('\0').slice(0, -1);
  const theirs = lines.map((line) => line.replace(/^(\d+) \w+ (\w+)\t/, '$1 $2 '));
  if (!isDeepStrictEqual(ours, theirs)) throw new Error('git lists something else');
}

const below = (name: string): Buffer => entry('40000', name, idOf('tree', INNER));

/** What the guard knows; every other mode it refuses, and git shows some of those as others. */
const MODES = new Set(['100644', '100755', '120000', '160000']);

export const target = {
  name: 'git-tree',
  oracle: 'git ls-tree',
  unavailable: missing('git'),
  seeds: [
    [],
    [entry('100644', 'a'), entry('100755', 'run.sh'), entry('120000', 'link')],
    [below('app'), entry('160000', 'module'), below('zone')],
    [entry('100644', '.git'), entry('100644', '..'), entry('100644', 'a'), entry('100644', 'a')],
    [entry('100644', '\u00e9\ud83d\ude00\t"'), entry('100664', 'b'), entry('40000', 'gone')],
  ].map((entries) => Uint8Array.from(Buffer.concat(entries))),
  words: ['100644 ', '40000 ', '040000 ', '160000 ', '0 ', '\0', ' ', '/', 'a\0', '\xff', 'a'.repeat(20)],
  async fuzz(bytes) {
    const gitdir = mkdtempSync(join(tmpdir(), 'fuzz-git-'));
    try {
      lay(gitdir);
      await compare(gitdir, bytes);
    } finally {
      rmSync(gitdir, { recursive: true });
    }
  },
} satisfies FuzzTarget;
