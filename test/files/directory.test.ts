// Directories that lie in each other by mounts, which their paths do not show, in a mount namespace of its own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { leftOut } from '../left-out.ts';

const canMount = (() => {
  try {
    execFileSync('unshare', ['-rm', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const mustRun = process.env['GUARDRAILS_REQUIRE_REAL'] === '1';
const MODULE = new URL('../../dist/files/directory.js', import.meta.url).href;
const LOOK = `import { observeDirectory, overlap } from ${JSON.stringify(MODULE)};
  const [a, b] = await Promise.all(process.argv.slice(1).map((path) => observeDirectory(path)));
  console.log(overlap(a, b), overlap(b, a));`;

it.each([
  ['apart', ':', false],
  ['a part of one, bound as the other', 'mount --bind a/part b', true],
  ['a part of one, bound inside the other', 'mount --bind a/part b/part', true],
  ['all that there is, bound inside one', 'mount --rbind / a/part', true],
  ['a file system of its own inside one', 'mount -t tmpfs none a/part', false],
  [
    'one file system, bound inside both',
    'mount -t tmpfs none c; mount --bind c a/part; mount --bind c b/part',
    true,
  ],
])(
  'overlap: %s',
  { timeout: 60_000, ...leftOut(!canMount && !mustRun && 'no mount namespaces') },
  (_what, script, expected) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'overlap-')));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    for (const name of ['a/part', 'b/part', 'c']) mkdirSync(join(directory, name), { recursive: true });
    const words = ['--input-type=module', '--eval', LOOK, join(directory, 'a'), join(directory, 'b')];
    const shell = [
      '-rm',
      'sh',
      '-ec',
      `cd "$0"; ${script}; exec "$@"`,
      directory,
      process.execPath,
      ...words,
    ];
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    expect(execFileSync('unshare', shell, { cwd, encoding: 'utf8' }).trim()).toBe(`${expected} ${expected}`);
  },
);
