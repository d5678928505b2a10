// What a .git directory could make others do: the programs that its config and hooks name start with the next git that somebody
// runs there, and objects may come from elsewhere. Read as text and names; an allow-list says what a plain clone has.
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { readBounded } from '../../evidence/files.ts';

export interface GitDirectory {
  /** What .git is: a directory, or a file or link that leads elsewhere. */
  readonly kind: 'directory' | 'elsewhere' | 'missing';
  /** Why the config is more than that of a plain clone; names only what is on our list. */
  readonly configFault?: string | undefined;
  /** There is a hook that git would run. */
  readonly hook: boolean;
  /** By what objects come from elsewhere, or stand for others: alternates, replace refs, grafts, promisors. */
  readonly borrowed?: string | undefined;
}

const MAX_TEXT = 1_048_576;
const UNREADABLE = '[unreadable';

/** What `git init`, `git clone` and `git fetch` write. Keys in lower case; a subsection counts as `*`. */
export const PLAIN: ReadonlyMap<string, RegExp> = new Map([
  ['core.repositoryformatversion', /^0$/],
  ['core.filemode', /^(?:true|false)$/],
  ['core.bare', /^false$/],
  ['core.logallrefupdates', /^(?:true|false)$/],
  ['core.ignorecase', /^(?:true|false)$/],
  ['core.precomposeunicode', /^(?:true|false)$/],
  ['core.symlinks', /^(?:true|false)$/],
  // https and ssh alone: `ext::` and plain paths start programs, and a name that begins with "-" is an option.
  ['remote.*.url', /^(?:https:\/\/[\w.@:/~%+-]+|ssh:\/\/\w[\w.@:/~%+-]*|\w[\w.-]*@\w[\w.-]*:[\w./~-]+)$/],
  ['remote.*.fetch', /^\+?refs\/[\w./*-]+:refs\/[\w./*-]+$/],
  ['branch.*.remote', /^[\w./]+$/],
  ['branch.*.merge', /^refs\/heads\/[\w./-]+$/],
  ['user.name', /^[^\0]{0,200}$/],
  ['user.email', /^[^\0]{0,200}$/],
]);

const SECTION = /^\[([A-Za-z0-9.-]+)(?:[ \t]+"([\w./-]*)")?\][ \t]*$/;
const ASSIGNMENT = /^([A-Za-z][A-Za-z0-9-]*)[ \t]*=[ \t]*(.*?)[ \t]*$/;

/** Returns why a config is more than that of a plain clone. Continued lines and quotes are more, too. */
function configFault(text: string): string | undefined {
  let section = '';
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const [head, name, sub] = SECTION.exec(line) ?? [];
    if (head !== undefined) {
      section = `${name?.toLowerCase()}${sub === undefined ? '' : '.*'}`;
      continue;
    }
    const [all, key, value = ''] = ASSIGNMENT.exec(line) ?? [];
    const pattern = PLAIN.get(`${section}.${key?.toLowerCase()}`);
    if (all === undefined || pattern === undefined)
      return `line ${index + 1} sets what a plain clone does not`;
    if (/["\\;#]/.test(value) || !pattern.test(value))
      return `line ${index + 1} has a value that a plain clone has not`;
  }
  return undefined;
}

/** Where nothing lies. Whatever else keeps us from looking is no answer. */
const absent = (error: unknown): undefined => {
  if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
  throw error;
};
const statOf = (path: string): Promise<Stats | undefined> => lstat(path).catch(absent);

/** Returns a text of .git, `undefined` where there is none. What is unreadable is the text of nothing that is plain. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readBounded(path, { maxBytes: MAX_TEXT })).toString('latin1');
  } catch (error) {
    if (error instanceof CodedError || errnoOf(error) === 'ELOOP') return UNREADABLE;
    return absent(error);
  }
}

const namesIn = async (path: string): Promise<readonly string[]> => (await readdir(path).catch(absent)) ?? [];

/** Files of .git that lend objects or names of objects. */
export const LENDERS: ReadonlySet<string> = new Set([
  'objects/info/alternates',
  'objects/info/http-alternates',
  'info/grafts',
  'commondir',
  'refs/replace',
]);

async function borrowedBy(git: string): Promise<string | undefined> {
  for (const name of LENDERS) if (await statOf(join(git, name))) return name;
  const packed = await readText(join(git, 'packed-refs'));
  if (packed === UNREADABLE || packed?.includes(' refs/replace/')) return 'packed-refs';
  const folders = ['', ...(await namesIn(join(git, 'objects')))].map((name) => join(git, 'objects', name));
  for (const folder of folders) if ((await statOf(folder))?.isDirectory() !== true) return 'objects';
  const packs = await namesIn(join(git, 'objects/pack'));
  return packs.some((name) => name.endsWith('.promisor')) ? 'objects/pack' : undefined;
}

/** Looks at the .git of a work tree. */
export async function observeGitDirectory(root: string): Promise<GitDirectory> {
  const git = join(root, '.git');
  const stat = await statOf(git);
  if (!stat) return { kind: 'missing', hook: false };
  if (!stat.isDirectory()) return { kind: 'elsewhere', hook: false };
  const hooks = await namesIn(join(git, 'hooks'));
  const own = await readText(join(git, 'config'));
  const perWorktree = await readText(join(git, 'config.worktree'));
  const attributes = await readText(join(git, 'info/attributes'));
  const fault = own === undefined ? 'there is no config' : configFault(`${own}\n${perWorktree ?? ''}`);
  const attributeFault = attributes?.trim() ? 'info/attributes gives files attributes' : undefined;
  return {
    kind: 'directory',
    configFault: fault ?? attributeFault,
    hook: hooks.some((name) => !name.endsWith('.sample')),
    borrowed: await borrowedBy(git),
  };
}
