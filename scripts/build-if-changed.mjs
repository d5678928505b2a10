// Builds, unless what lies in dist is what these sources were built to: after `npm ci` it is, and to look takes no time. Whether
// it is, the sources say: nothing of dist is asked.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

async function isCurrent() {
  try {
    const { transformSync } = await import('esbuild');
    const source = readFileSync(`${root}src/evidence/code-digest.ts`, 'utf8');
    const { code } = transformSync(source, { loader: 'ts', format: 'esm' });
    const { buildInfoIn, digestOfCode } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const said = buildInfoIn(readFileSync(`${root}dist/evidence/build-info.js`, 'utf8'));
    return said?.src === digestOfCode(`${root}src`) && said?.dist === digestOfCode(`${root}dist`);
  } catch {
    return false; // nothing was built, or not to the end
  }
}

if (!(await isCurrent())) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
