// Guards files at rest against secrets that lie open in them: in what is about to be shared, published or handed to a worker.

import { isAscii } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { readPlainNow } from '../../evidence/files.ts';
import { hex64 } from '../../evidence/hex64.ts';
import { sha256Hex } from '../../evidence/sha256.ts';
import { type DirectoryFacts, observeDirectory } from '../../files/directory.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { type Found, findSecrets } from '../find-secrets.ts';
import { shownPath } from '../shown-path.ts';
import { loadSecretlint, type TextFile } from './lint.ts';

export interface SecretsRequest {
  /** Absolute path of the directory to look through, without links. */
  readonly root: string;
  /** Directories and files below it that are left out, by their relative paths. */
  readonly skip?: readonly string[] | undefined;
  /** Most files to look at, 1 to 1,000,000. Default 50,000. */
  readonly maxFiles?: number | undefined;
  /** Files that somebody has looked at: what is found in them passes while they hold these very bytes. */
  readonly acknowledged?: readonly { readonly path: string; readonly sha256: string }[] | undefined;
}

interface Finding {
  readonly path: string;
  readonly line: number;
  /** A shape of ours, or the name of secretlint's rule. */
  readonly shape: string;
  readonly acknowledged: boolean;
}

export interface SecretsFacts {
  readonly root: DirectoryFacts;
  /** Files that were read whole. */
  readonly scanned: number;
  /** Files that were not: too large, or not to be read. */
  readonly unscanned: readonly string[];
  /** There are more files than are looked at. */
  readonly tooMany: boolean;
  readonly findings: readonly Finding[];
}

const relative = z.string().regex(/^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0]{1,4096}$/);
const secretsRequest: z.ZodType<SecretsRequest> = z.strictObject({
  root: absolutePath,
  skip: z.array(relative).max(1_000).optional(),
  maxFiles: z.int().min(1).max(1_000_000).optional(),
  acknowledged: z
    .array(z.strictObject({ path: relative, sha256: hex64 }))
    .max(10_000)
    .optional(),
});

const DEFAULT_MAX_FILES = 50_000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const TURN_MS = 20;
/** Most bytes of the files that are linted together, which takes less than a turn; no file counts for less than so many. */
const GATHERED_BYTES = 65_536;
const LEAST_BYTES = 64;

/** Lets others have their turn once this has taken its own, and ends when time is up: nothing else here waits for anything. */
function turns(signal: AbortSignal): () => Promise<void> | undefined {
  let rested = performance.now();
  const rest = async (): Promise<void> => {
    await setImmediate();
    signal.throwIfAborted();
    rested = performance.now();
  };
  return () => {
    signal.throwIfAborted();
    return performance.now() - rested > TURN_MS ? rest() : undefined;
  };
}

/**
 * Adds to `found` the plain files below a directory. Links, pipes and devices hold nothing at rest. At once, as the files are
 * read: to wait for each of thousands of small directories takes longer than to look at what is in them.
 */
async function list(
  root: string,
  skip: ReadonlySet<string>,
  maxFiles: number,
  turn: () => Promise<void> | undefined,
  found: string[] = [],
  below = '',
): Promise<readonly string[]> {
  await turn();
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (skip.has(path)) continue;
    if (entry.isDirectory()) await list(root, skip, maxFiles, turn, found, path);
    else if (entry.isFile()) found.push(path);
    if (found.length > maxFiles) break;
  }
  return found;
}

function read(path: string): Buffer | undefined {
  try {
    return readPlainNow(path, MAX_FILE_BYTES);
  } catch {
    return undefined;
  }
}

/** ASCII in two or four bytes a character, in either order: that many characters, of which each NUL goes. */
const WIDE = /(?:[^\0]\0{1,3}){8,}/g;

/** The bytes as they are, but for what is wide: so a secret is found without a mark that says so, in a part of a file, too. */
function narrowed(bytes: Buffer): string {
  const units = bytes.toString('latin1');
  return units.includes('\0') ? units.replaceAll(WIDE, (wide) => wide.replaceAll('\0', '')) : units;
}

/** UTF-16 as it is, or with the bytes of each unit the other way round, where a file says so at its start. */
function utf16Of(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  return undefined;
}

/** What is in either list: most of it is in both. */
function either(some: readonly Found[], others: readonly Found[]): readonly Found[] {
  const key = ({ shape, line }: Found): string => `${line} ${shape}`;
  const known = new Set(some.map(key));
  return [...some, ...others.filter((found) => !known.has(key(found)))];
}

/** A file that was read, and what was found in it. */
interface LookedAt extends TextFile {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
  readonly found: readonly Found[];
}

function lookAt(path: string, bytes: Buffer): LookedAt {
  const units = narrowed(bytes);
  const utf16 = utf16Of(bytes);
  const found = utf16 === undefined ? findSecrets(units) : either(findSecrets(units), findSecrets(utf16));
  const isWide = bytes.includes(0);
  // What says that it is UTF-16 and holds no NUL has no ASCII in it, or is none.
  const text = isWide ? (utf16 ?? units) : isAscii(bytes) ? units : bytes.toString('utf8');
  return { path, bytes, text, isBinary: text.includes('\0'), found };
}

/** Looks through every file below the root. */
export async function observeSecrets(
  { root, skip = [], maxFiles = DEFAULT_MAX_FILES, acknowledged = [] }: SecretsRequest,
  signal: AbortSignal,
): Promise<SecretsFacts> {
  const directory = await observeDirectory(root);
  const nothing = { root: directory, scanned: 0, unscanned: [], tooMany: false, findings: [] };
  if (!directory.plainPath || directory.stopped) return nothing;
  const turn = turns(signal);
  const paths = await list(root, new Set(skip), maxFiles, turn);
  const lint = await loadSecretlint(turn);
  const known = new Map(acknowledged.map(({ path, sha256 }) => [path, sha256]));
  const findings: Finding[] = [];
  const unscanned: string[] = [];
  let gathered: LookedAt[] = [];
  let length = 0;
  const settle = async (): Promise<void> => {
    const files = gathered;
    [gathered, length] = [[], 0];
    const linted = await lint(files.filter(({ isBinary }) => !isBinary));
    let next = 0;
    for (const { path, bytes, isBinary, found } of files) {
      const all = isBinary ? found : [...found, ...(linted[next++] ?? [])];
      if (all.length === 0) continue;
      const isKnown = known.get(path) === sha256Hex(bytes);
      for (const { shape, line } of all) findings.push({ path, line, shape, acknowledged: isKnown });
    }
  };
  for (const path of paths.slice(0, maxFiles)) {
    await turn();
    const bytes = read(join(root, path));
    if (!bytes) {
      unscanned.push(path);
      continue;
    }
    if (length + bytes.length > GATHERED_BYTES) await settle();
    gathered.push(lookAt(path, bytes));
    length += Math.max(bytes.length, LEAST_BYTES);
  }
  await settle();
  const scanned = Math.min(paths.length, maxFiles) - unscanned.length;
  return { root: directory, scanned, unscanned, tooMany: paths.length > maxFiles, findings };
}

const rules: readonly Rule<SecretsFacts>[] = [
  {
    code: 'secrets.not-a-directory',
    remedy: 'Name an existing directory by its real path (realpath DIR).',
    refuses: ({ root: { plainPath, stopped } }) =>
      !(plainPath && stopped === undefined) && 'the root is no directory, or is reached through a link',
  },
  {
    code: 'secrets.found',
    remedy:
      'Take the secret out and count it as leaked: revoke it. What is none can be acknowledged by path and SHA-256 of the file.',
    refuses: ({ findings }) => {
      const open = findings.filter((finding) => !finding.acknowledged);
      const [first] = open;
      return (
        first !== undefined &&
        `${open.length} secret-looking ${open.length === 1 ? 'text' : 'texts'}, first ${first.shape} in ${shownPath(first.path)}, line ${first.line}`
      );
    },
  },
  {
    code: 'secrets.unscanned',
    remedy: 'Make the file readable, take it away, or leave it out by name (skip).',
    refuses: ({ unscanned: [first, ...more] }) =>
      first !== undefined &&
      `${more.length + 1} files were not looked at, first ${shownPath(first)}: too large, or not to be read`,
  },
  {
    code: 'secrets.too-many-files',
    remedy: 'Look through parts of the tree, or leave directories out by name (skip).',
    refuses: ({ tooMany }) => tooMany && 'there are more files than are looked at',
  },
  {
    code: 'secrets.nothing-scanned',
    remedy: 'Name a directory that has files.',
    refuses: ({ root: { plainPath, stopped }, scanned, unscanned }) =>
      plainPath &&
      stopped === undefined &&
      scanned + unscanned.length === 0 &&
      'there was no file to look at',
  },
];

/** A tree in which nothing was found that looks like a secret. A heuristic: it knows shapes, not secrets. */
export interface ScannedTree {
  readonly files: number;
  /** What was found in files that somebody acknowledged. */
  readonly acknowledged: number;
}

/** Grants a {@link ScannedTree} when no file shows what looks like a secret. */
export const secrets: Guard<SecretsRequest, ScannedTree> = defineHouseGuard({
  id: 'secrets',
  dimension: 'architecture_runtime_guardrails',
  request: secretsRequest,
  observe: observeSecrets,
  rules,
  grant: ({ scanned, findings }) => Object.freeze({ files: scanned, acknowledged: findings.length }),
  method: ({ root }) => root.method,
});
