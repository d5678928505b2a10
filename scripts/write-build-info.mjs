// The last step of the build: writes down what was built, for code that later runs without these files around it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { digestOfCode } from '../dist/evidence/code-digest.js';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const { name, version } = JSON.parse(readFileSync(path('package.json'), 'utf8'));
const build = {
  name,
  version,
  src: digestOfCode(path('src')),
  dist: digestOfCode(path('dist')),
};
writeFileSync(path('dist/evidence/build-info.js'), `export const BUILD = ${JSON.stringify(build)};\n`);
