// Objects of a git repository, read in this process: no git runs, so no program that its config or attributes name can start.
// isomorphic-git does not check what it takes out of a pack, so every object is hashed here before it is believed.
import { createHash } from 'node:crypto';
import fs from 'node:fs';

/** One name in the tree of a commit. */
export interface TreeEntry {
  /** From the root of the work tree, joined by `/`. */
  readonly path: string;
  /** Octal, as git writes it: 100644, 100755, 120000 a link, 160000 a submodule. */
  readonly mode: string;
  /** SHA-1 of the blob, hex. */
  readonly oid: string;
}

export interface CommitTree {
  /** SHA-1 of the tree, hex. */
  readonly tree: string;
  readonly entries: readonly TreeEntry[];
}

/** More names are no app. */
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 64;

/** An object that is not there, is of another type, or does not have the name it is stored under. */
export class ObjectFault extends Error {}

type Read = (oid: string, type: string) => Promise<Buffer>;

/** Returns how to read the objects of a repository. */
export async function openObjects(gitdir: string): Promise<Read> {
  const { default: git } = await import('isomorphic-git'); // loaded with the first repository
  const cache = {};
  return async (oid, type) => {
    let found: { type?: string; object: unknown };
    try {
      found = await git.readObject({ fs, gitdir, oid, format: 'content', cache });
    } catch {
      throw new ObjectFault('an object cannot be read');
    }
    if (found.type !== type || !(found.object instanceof Uint8Array))
      throw new ObjectFault('an object is of another type');
    const content = Buffer.from(found.object);
    const name = createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
    if (name !== oid) throw new ObjectFault('an object does not have the name that it is stored under');
    return content;
  };
}

/** The entries of one tree object: mode, blank, name, NUL, twenty bytes. */
function parseTree(content: Buffer): readonly { mode: string; name: string; oid: string }[] {
  const entries: { mode: string; name: string; oid: string }[] = [];
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const end = content.indexOf(0, blank);
    if (blank < 0 || end < 0 || end + 21 > content.length) throw new ObjectFault('a tree is cut short');
    const name = content.subarray(blank + 1, end);
    if (!Buffer.from(name.toString('utf8')).equals(name)) throw new ObjectFault('a name is not UTF-8');
    const oid = content.subarray(end + 1, end + 21).toString('hex');
    entries.push({ mode: content.toString('latin1', at, blank), name: name.toString('utf8'), oid });
    at = end + 21;
  }
  return entries;
}

/** Reads the whole tree of a commit. @throws ObjectFault. */
export async function readCommit(gitdir: string, commit: string, signal: AbortSignal): Promise<CommitTree> {
  const read = await openObjects(gitdir);
  const head = (await read(commit, 'commit')).toString('latin1');
  const tree = /^tree ([0-9a-f]{40})\n/.exec(head)?.[1];
  if (tree === undefined) throw new ObjectFault('a commit without a tree');
  const entries: TreeEntry[] = [];
  const walk = async (oid: string, below: string, depth: number): Promise<void> => {
    signal.throwIfAborted();
    if (depth > MAX_DEPTH) throw new ObjectFault('the tree is too deep');
    for (const { mode, name, oid: child } of parseTree(await read(oid, 'tree'))) {
      const path = below === '' ? name : `${below}/${name}`;
      if (mode === '40000') await walk(child, path, depth + 1);
      else entries.push({ path, mode, oid: child });
      if (entries.length > MAX_ENTRIES) throw new ObjectFault('the tree has too many names');
    }
  };
  await walk(tree, '', 0);
  return { tree, entries };
}
