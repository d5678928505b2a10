// Proves that what runs as payload can neither write evidence or control nor read the key that signs evidence: a child is
// started the way payloads are, and tries.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { entriesBelow } from './entries-below.ts';

export interface PayloadAttempt {
  /** The child ran to its end and wrote into every payload root: it was alive when it failed elsewhere. */
  readonly alive: boolean;
  /** Indexes of the protected roots into which it wrote, or whose files it could open for writing. */
  readonly wrote: readonly number[];
  /** It could open a key for reading. */
  readonly readKey: boolean;
}

/** What the child is to try, all absolute paths. */
export interface PayloadTask {
  readonly own: readonly string[];
  readonly guarded: readonly string[];
  readonly keys: readonly string[];
}

/** What lies below one protected root, itself included. */
interface Tree {
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

/** More entries below one root are not tried. */
const MAX_ENTRIES = 20_000;

/**
 * The child. It is told every path, because a payload that may not list a directory may still know what is in it. It makes a
 * file in each directory, opens each file for writing (never truncating it), and takes a link from a payload root as a detour.
 * Where that fails it tries to give itself leave, as the owner of what is read-only can, and takes it back.
 */
const ATTEMPT = `
const fs = require('node:fs');
const { join } = require('node:path');
const can = (work) => { try { work(); return true; } catch { return false; } };
const open = (path, flag) => can(() => fs.closeSync(fs.openSync(path, flag | fs.constants.O_NONBLOCK)));
let text = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', () => {
  const { own, trees, keys, name } = JSON.parse(text);
  const withLeave = (path, work) => work() || can(() => {
    const mode = fs.statSync(path).mode & 0o7777;
    fs.chmodSync(path, mode | 0o700);
    const worked = work();
    fs.chmodSync(path, mode);
    if (!worked) throw 0;
  });
  const make = (directory) => withLeave(directory, () => can(() => {
    const path = join(directory, name);
    fs.writeFileSync(path, '', { flag: 'wx' });
    fs.rmSync(path, { force: true });
  }));
  const byLink = (directory) => own.some((root) => {
    const link = join(root, name + '-link');
    const wrote = can(() => fs.symlinkSync(directory, link)) && make(link);
    can(() => fs.rmSync(link, { force: true }));
    return wrote;
  });
  const alive = own.every(make);
  const wrote = trees.flatMap(({ directories, files }, index) => {
    const some = directories.some(make) || byLink(directories[0]) || files.some((path) => withLeave(path, () => open(path, fs.constants.O_WRONLY)));
    return some ? [index] : [];
  });
  const readKey = keys.some((path) => withLeave(path, () => open(path, fs.constants.O_RDONLY)));
  console.log(JSON.stringify({ alive, wrote, readKey }));
});
`;

const answer = z.strictObject({
  alive: z.boolean(),
  wrote: z.array(z.int().nonnegative()).max(64),
  readKey: z.boolean(),
});

const DEAD: PayloadAttempt = { alive: false, wrote: [], readKey: false };
const MAX_ANSWER = 65_536;

/** Runs the words with `input`; returns what they wrote to standard output, or `undefined` unless they ended with 0. */
async function outputOf(
  words: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { spawn } = await import('node:child_process'); // who imports the guards starts nothing
  const [program = '', ...rest] = words;
  return await new Promise((resolve) => {
    // Nothing of our environment: NODE_OPTIONS or a preload would make it another launcher than the one that is named.
    const child = spawn(program, rest, {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_ANSWER) child.kill('SIGKILL');
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? text : undefined));
    child.stdin.on('error', () => {}); // a launcher that does not read; that it did nothing shows in its answer
    child.stdin.end(input);
  });
}

/** Everything below a root, links not followed; `undefined` when there is too much to try. */
async function treeOf(root: string, signal: AbortSignal): Promise<Tree | undefined> {
  const entries = await entriesBelow(root, MAX_ENTRIES, signal);
  if (!entries) return undefined;
  const pathsOf = (kind: 'isDirectory' | 'isFile'): readonly string[] =>
    entries.filter((entry) => entry[kind]()).map(({ parentPath, name }) => join(parentPath, name));
  return { directories: [root, ...pathsOf('isDirectory')], files: pathsOf('isFile') };
}

/** Starts `launcher` with one program more, which tries. The launcher ends in a Node that takes `-e`. */
export async function attemptWrites(
  launcher: readonly string[],
  { own, guarded, keys }: PayloadTask,
  signal: AbortSignal,
): Promise<PayloadAttempt> {
  const name = `.planes-${randomBytes(8).toString('hex')}`;
  const trees: Tree[] = [];
  for (const root of guarded) {
    const tree = await treeOf(root, signal);
    if (!tree) return DEAD;
    trees.push(tree);
  }
  try {
    const task = JSON.stringify({ own, trees, keys, name });
    const text = await outputOf([...launcher, '-e', ATTEMPT], task, signal);
    signal.throwIfAborted();
    const { success, data } = answer.safeParse(text === undefined ? undefined : parse(text));
    return success ? data : DEAD;
  } finally {
    // A child that could make a file and not remove it, or that was killed in between.
    const directories = [...own, ...trees.flatMap((tree) => tree.directories)];
    const left = directories.flatMap((root) => [join(root, name), join(root, `${name}-link`)]);
    for (const path of left) await rm(path, { force: true }).catch(() => {});
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
