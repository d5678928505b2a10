// Assembles src/capacity/regressors/walk.wat (wat2wasm, of Debian's wabt) into walk-binary.ts beside it; with --check only
// says whether that is what it would write.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../src/capacity/regressors/${path}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'walk-'));
let binary;
try {
  const file = join(scratch, 'walk.wasm');
  execFileSync('wat2wasm', [at('walk.wat'), '-o', file]);
  binary = readFileSync(file);
} finally {
  rmSync(scratch, { recursive: true });
}
const lines = binary
  .toString('base64')
  .match(/.{1,100}/g)
  .map((line) => `  '${line}',`);
const text = `// Written by scripts/write-walk.mjs from walk.wat: ${binary.length} bytes of WebAssembly, in base64.
export const WALK: string = [
${lines.join('\n')}
].join('');
`;
if (!process.argv.includes('--check')) writeFileSync(at('walk-binary.ts'), text);
else if (readFileSync(at('walk-binary.ts'), 'utf8') !== text) {
  console.error('walk-binary.ts is not what walk.wat says: node scripts/write-walk.mjs');
  process.exitCode = 1;
}
