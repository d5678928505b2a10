// Builds, unless what lies in dist is what these sources were built to: after `npm ci` it is, and to look takes no time.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

async function isCurrent() {
  try {
    const { digestOfCode } = await import('../dist/evidence/code-digest.js');
    const said = readFileSync(`${root}dist/evidence/build-info.js`, 'utf8');
    const digests = [digestOfCode(`${root}src`, '.ts'), digestOfCode(`${root}dist`, '.js')];
    return digests.every((digest) => digest !== undefined && said.includes(digest));
  } catch {
    return false; // nothing was built, or not to the end
  }
}

if (!(await isCurrent())) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
