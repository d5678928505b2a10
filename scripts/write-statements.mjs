// Writes what is locked of public text and of the tests: data/statements.json and data/suite.json. `--check` writes nothing,
// says what the claim-boundary guard would refuse, by file and line, and exits 1 where that is anything.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { observeClaimBoundary } from '../dist/scorecard/claim-boundary/claim-boundary-look.js';
import { claimBoundaryRules } from '../dist/scorecard/claim-boundary/claim-boundary-rules.js';
import { countSuite } from '../dist/scorecard/claim-boundary/count-suite.js';
import { DOCUMENTS } from '../dist/scorecard/claim-boundary/statements.js';
import { writeSuite } from '../dist/scorecard/claim-boundary/suite.js';
import { writeStatements } from '../dist/scorecard/claim-boundary/write-statements.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path) => readFileSync(root + path, 'utf8');
const below = (folder, suffix) =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(suffix))
    .sort();

if (process.argv.includes('--check')) {
  const facts = await observeClaimBoundary({ root: root.replace(/\/$/, '') }, AbortSignal.timeout(60_000));
  for (const rule of claimBoundaryRules) {
    const why = rule.refuses(facts);
    if (why === false) continue;
    process.stderr.write(`${rule.code}: ${why}. ${rule.remedy}\n`);
    process.exitCode = 1;
  }
} else {
  const paths = [...DOCUMENTS, ...below('docs', '.md').map((path) => `docs/${path}`)];
  writeFileSync(`${root}data/statements.json`, writeStatements(paths.map((path) => [path, read(path)])));
  const tests = new Map(below('test', '.ts').map((path) => [path, read(`test/${path}`)]));
  writeFileSync(`${root}data/suite.json`, writeSuite([...countSuite(tests)]));
}
