// One digest over the code in a folder, the same for whoever computes it: the build, or the running code later.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Written by the build after the digest was taken. */
const BUILD_INFO = 'evidence/build-info.js';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * Returns the SHA-256 (hex) over the paths and digests of the files below `folder` whose names end in `suffix`, in the
 * order of their paths; `undefined` when there is none. Declarations and source maps do not run, so they do not count.
 */
export function digestOfCode(folder: string, suffix: '.ts' | '.js'): string | undefined {
  let found: string[];
  try {
    found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return undefined;
  }
  const files = found.map((file) => file.split(sep).join('/')).filter((file) => file.endsWith(suffix));
  const code = files.filter((file) => file !== BUILD_INFO).sort();
  if (code.length === 0) return undefined;
  return sha256(code.map((file) => `${file}\0${sha256(readFileSync(join(folder, file)))}\n`).join(''));
}
