// One digest over this package as it lies here: what npm publishes of it, the lock that it was built from, and in a clone the
// tests that its public text leans on. Guards that are asked about this very package name it in their records, and the scorer
// computes it by itself.
import { type Dirent, lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './identity.ts';
import { sha256Hex } from './sha256.ts';

/**
 * What guards read of the package, published whatever `files` says, or needed to build and to check it: with a shorter list in
 * package.json it would change unseen after they were asked.
 */
const ALWAYS =
  'CONTRIBUTING.md LICENSE README.md SECURITY.md data dist docs npm-shrinkwrap.json package-lock.json package.json scripts src tsconfig.json'.split(
    ' ',
  );

/** A line for each file at or below `path`: its path and the digest of its content; `undefined` stands for a link. */
function linesOf(
  root: string,
  path: string,
  found: Dirent | Stats | undefined,
): readonly (string | undefined)[] {
  if (found?.isSymbolicLink()) return [undefined];
  const at = join(root, path);
  if (found?.isDirectory())
    return readdirSync(at, { withFileTypes: true })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => linesOf(root, `${path}/${entry.name}`, entry));
  return found?.isFile() ? [`${path}\0${sha256Hex(readFileSync(at))}\n`] : [];
}

/** Returns the names at the root of this package that npm publishes, or that it is built from and checked with. */
export function publishedParts(root: string): readonly string[] {
  const { files = [] } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly files?: readonly string[];
  };
  return [...new Set([...ALWAYS, ...files])].sort();
}

/**
 * Returns the SHA-256 (hex) of this package; `undefined` where its code was bundled and has no folder of its own, or where a
 * link leads out of that: what lies behind it changes without the package.
 */
export function packageDigest(): string | undefined {
  const root = packageRoot();
  if (root === undefined) return undefined;
  const lines = [...publishedParts(root), 'test'].flatMap((part) =>
    linesOf(root, part, lstatSync(join(root, part), { throwIfNoEntry: false })),
  );
  return lines.includes(undefined) ? undefined : sha256Hex(lines.join(''));
}
