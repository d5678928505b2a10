// Assembles each .wat of src/capacity/regressors (wat2wasm, of Debian's wabt) into the module of its bytes beside it; with
// --check only says whether that is what it would write.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../src/capacity/regressors/${path}`, import.meta.url));

function assembled(name, scratch) {
  const file = join(scratch, `${name}.wasm`);
  execFileSync('wat2wasm', [at(`${name}.wat`), '-o', file]);
  const binary = readFileSync(file);
  const lines = binary
    .toString('base64')
    .match(/.{1,100}/g)
    .map((line) => `  '${line}',`);
  return `// Written by scripts/write-wasm.mjs from ${name}.wat: ${binary.length} bytes of WebAssembly, in base64.
export const ${name.toUpperCase()}: string = [
${lines.join('\n')}
].join('');
`;
}

const scratch = mkdtempSync(join(tmpdir(), 'wasm-'));
try {
  for (const name of ['walk', 'pack']) {
    const text = assembled(name, scratch);
    const file = at(`${name}-binary.ts`);
    if (!process.argv.includes('--check')) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) {
      console.error(`${name}-binary.ts is not what ${name}.wat says: node scripts/write-wasm.mjs`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
