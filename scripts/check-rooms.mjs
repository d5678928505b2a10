// Holds the built code against data/planes.json by the rules of the planes guard, for who changes imports.
import { fileURLToPath } from 'node:url';
import { observeCode } from '../dist/guards/planes/code.js';
import { layoutRules } from '../dist/guards/planes/planes-rules.js';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const code = await observeCode({ directory: path('dist'), table: path('data/planes.json') });
const facts = { roots: [], attempt: undefined, keysThere: true, code };
for (const rule of layoutRules) {
  const why = rule.refuses(facts);
  if (why === false) continue;
  process.stderr.write(`${rule.code}: ${why}. ${rule.remedy}\n`);
  process.exitCode = 1;
}
