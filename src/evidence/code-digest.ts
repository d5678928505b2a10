// One digest over the code in a folder, the same for whoever computes it: the build, or the running code later.
import { type Dirent, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';
import type { BuildInfo } from './build-info.ts';
import { sha256Hex } from './sha256.ts';

/** Written by the build after the digest was taken. */
const BUILD_INFO = 'evidence/build-info.js';

/** Declarations and source maps never run. Whatever else lies there may: Node loads a file by any name, and a package beside the code before that of the same name above it. */
const NEVER_RUNS = /\.(?:d\.[cm]?ts|map)$/;

/** What a path holds, in a word. Links are named, not followed. */
function contentOf(entry: Dirent, at: string): string {
  if (entry.isFile()) return sha256Hex(readFileSync(at));
  return entry.isSymbolicLink() ? `-> ${readlinkSync(at)}` : 'no plain file';
}

/**
 * Returns the SHA-256 (hex) over the paths and digests of all that could run below `folder`, an absolute path, in the order of
 * their paths; `undefined` when there is nothing.
 */
export function digestOfCode(folder: string): string | undefined {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return undefined;
  }
  const lines = entries.flatMap((entry) => {
    const at = entry.parentPath + sep + entry.name;
    const path = at.slice(folder.length + 1).replaceAll(sep, '/'); // `relative` takes as long as to read the files
    if (entry.isDirectory() || NEVER_RUNS.test(path) || path === BUILD_INFO) return [];
    return `${path}\0${contentOf(entry, at)}\n`;
  });
  return lines.length === 0 ? undefined : sha256Hex(lines.sort().join(''));
}

/** Returns what a build wrote about itself; `undefined` for a text that is not that one line of data, and could run. */
export function buildInfoIn(text: string): Partial<BuildInfo> | undefined {
  try {
    return JSON.parse(/^export const BUILD = (\{.*\});\n$/.exec(text)?.[1] ?? '') as Partial<BuildInfo>;
  } catch {
    return undefined;
  }
}
