// Writes the one table of rooms, data/planes.json, into the places that repeat it: the linter's rules and the README.
// `--check` writes nothing and fails where they differ.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const read = (relative) => readFileSync(path(relative), 'utf8');
const { rooms } = JSON.parse(read('data/planes.json'));

/** Biome matches what is written in an import, so a rule is needed for each depth of a file in its room. */
const DEPTHS = [1, 2, 3, 4];

const forbid = (includes, group, message) => ({
  includes,
  linter: {
    rules: {
      style: { noRestrictedImports: { level: 'error', options: { patterns: [{ group, message }] } } },
    },
  },
});

function rules({ room, imports }) {
  return DEPTHS.map((depth) => {
    const up = '../'.repeat(depth);
    const allowed = imports.map((other) => `!${up}${other}/**`);
    // The catalogue of handles lies between the rooms and what serves them.
    if (['serve', 'cli'].includes(room)) allowed.push(`!${up}catalogue.ts`);
    const siblings = room === 'guards' && depth === 2 ? ['../*/**'] : [];
    const message =
      imports.length === 0 ? `${room} imports no other room` : `${room} may import ${imports.join(', ')}`;
    return forbid(
      [`src/${room}/${'*/'.repeat(depth - 1)}*.ts`],
      [`${up}*/**`, `${up}*.ts`, ...siblings, ...allowed],
      `${message}${siblings.length > 0 ? '; no guard imports another guard' : ''}`,
    );
  });
}

const biome = JSON.parse(read('biome.json'));
biome.overrides = [
  ...rooms.flatMap(rules),
  forbid(
    ['src/catalogue.ts', 'src/index.ts'],
    ['./cli/**', './serve/**', './proof/**'],
    'what users import loads no command and no drill',
  ),
];

const table = [
  '| room | what lives there | may import |',
  '|---|---|---|',
  ...rooms.map(
    ({ room, holds, imports }) => `| \`src/${room}\` | ${holds} | ${imports.join(', ') || 'nothing'} |`,
  ),
].join('\n');
const readme = read('README.md').replace(
  /(<!-- rooms: data\/planes\.json -->\n)[\s\S]*?(\n<!-- end of rooms -->)/,
  (_all, start, end) => `${start}${table}${end}`,
);

const wanted = { 'biome.json': `${JSON.stringify(biome, null, 2)}\n`, 'README.md': readme };
for (const [file, text] of Object.entries(wanted)) {
  const same = file.endsWith('.json')
    ? JSON.stringify(JSON.parse(read(file))) === JSON.stringify(JSON.parse(text))
    : read(file) === text;
  if (same) continue;
  if (!process.argv.includes('--check')) writeFileSync(path(file), text);
  else {
    process.stderr.write(`${file} differs from data/planes.json: run npm run rooms\n`);
    process.exitCode = 1;
  }
}
