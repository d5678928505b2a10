// Writes the one table of rooms, data/planes.json, into the places that repeat it: the linter's rules and the README.
// `--check` writes nothing and fails where they differ.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

/** A room is a folder, or the one file of its name at the top; the one that the build merges has no source. */
const isFile = (room) => existsSync(path(`src/${room}.ts`));
const hasSource = ({ room }) => isFile(room) || existsSync(path(`src/${room}`));

function rules({ room, imports, apart }) {
  const message =
    imports.length === 0 ? `${room} imports no other room` : `${room} may import ${imports.join(', ')}`;
  const at = (includes, up, siblings = []) => {
    const allowed = imports.map((other) => (isFile(other) ? `!${up}${other}.ts` : `!${up}${other}/**`));
    return forbid(
      [includes],
      [`${up}*/**`, `${up}*.ts`, ...siblings, ...allowed],
      `${message}${siblings.length > 0 ? '; its folders do not import one another' : ''}`,
    );
  };
  if (isFile(room)) return [at(`src/${room}.ts`, './')];
  return DEPTHS.map((depth) =>
    at(
      `src/${room}/${'*/'.repeat(depth - 1)}*.ts`,
      '../'.repeat(depth),
      apart && depth > 1 ? [`${'../'.repeat(depth - 1)}*/**`] : [],
    ),
  );
}

const biome = JSON.parse(read('biome.json'));
biome.overrides = rooms.filter(hasSource).flatMap(rules);

const table = [
  '| room | what lives there | may import | may use |',
  '|---|---|---|---|',
  ...rooms.filter(hasSource).map(({ room, holds, imports, uses }) => {
    const name = `src/${room}${isFile(room) ? '.ts' : ''}`;
    return `| \`${name}\` | ${holds} | ${imports.join(', ') || 'nothing'} | ${uses.join(', ') || 'nothing'} |`;
  }),
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
