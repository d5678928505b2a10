// Writes every code that this package may answer with into data/codes.json and docs/reference/codes.md: those of rules and of
// the kernel from the guards themselves, all others from the built code, where they stand as text. `--check` only compares.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'acorn';
import { ancestor } from 'acorn-walk';
import { definitionOf } from '../dist/kernel/define.js';
import { KERNEL_CODES } from '../dist/kernel/refusal.js';
import { proofs } from '../dist/proof/catalogue.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const CODE = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/;

const codes = new Map();
const enter = (code, { remedy, guard, file }) => {
  const entry = codes.get(code) ?? { code, remedy: '', guards: [], drills: [], files: [] };
  codes.set(code, entry);
  entry.remedy ||= remedy ?? '';
  if (guard && !entry.guards.includes(guard)) entry.guards.push(guard);
  if (file && !entry.files.includes(file)) entry.files.push(file);
  return entry;
};

for (const { guard, drills } of proofs) {
  for (const { code, remedy } of definitionOf(guard).rules) enter(code, { remedy, guard: guard.id });
  for (const { id, expects } of drills)
    if (expects !== 'allow' && codes.has(expects)) codes.get(expects).drills.push(`${guard.id}/${id}`);
}
for (const [code, remedy] of Object.entries(KERNEL_CODES)) enter(code, { remedy });

/** The text of a literal, or of a constant of the file that is one. */
const textOf = (node, constants) =>
  node?.type === 'Literal' && typeof node.value === 'string'
    ? node.value
    : node?.type === 'Identifier'
      ? constants.get(node.name)
      : undefined;

/** Drills name codes and break guards on purpose; what they say is no answer of ours. What is merged is all there already. */
const files = readdirSync(`${root}dist`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.js') && !/^(?:proof\/(?:drills|self-test)|node)\/|^zod/.test(file))
  .sort();
const read = files.map((file) => {
  const options = { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true };
  const program = parse(readFileSync(`${root}dist/${file}`, 'utf8'), options);
  const constants = new Map();
  ancestor(program, {
    VariableDeclarator: ({ id, init }) => {
      if (id.type === 'Identifier' && typeof init?.value === 'string') constants.set(id.name, init.value);
    },
  });
  return { file, program, constants };
});

/** What errors of a class say to do, where all of them say the same. */
const ofClass = new Map();
for (const { program, constants } of read)
  ancestor(program, {
    CallExpression: ({ callee, arguments: given }, _state, above) => {
      const owner = above.findLast(({ type }) => type === 'ClassDeclaration');
      if (callee.type === 'Super' && owner) ofClass.set(owner.id.name, textOf(given[2], constants));
    },
  });

for (const { file, program, constants } of read) {
  const source = `src/${file.replace(/\.js$/, '.ts')}`;
  const calls = (node, _state, above) => {
    const { callee, arguments: given } = node;
    const name = callee.name ?? callee.property?.name ?? '';
    const code = textOf(given[0], constants);
    const raises =
      /(?:Error|Refusal|Fault)$/.test(name) || above.some(({ type }) => type === 'ThrowStatement');
    if (raises && code !== undefined && CODE.test(code))
      enter(code, { remedy: textOf(given[2], constants) ?? ofClass.get(name), file: source });
  };
  const tables = ({ key, value }) => {
    const [code, remedy] = [textOf(key, new Map()), textOf(value, constants)];
    if (code !== undefined && CODE.test(code) && remedy?.includes(' ')) enter(code, { remedy, file: source });
  };
  ancestor(program, { NewExpression: calls, CallExpression: calls, Property: tables });
}

const all = [...codes.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
const lines = all.map((entry) => `\n    ${JSON.stringify(entry)}`);
const json = `{\n  "schema": "agilab.codes.v1",\n  "codes": [${lines.join(',')}\n  ]\n}\n`;

const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('<', '\\<');
const list = (names) => names.map((name) => `\`${name}\``).join(', ');
const subjects = [...new Set(all.map(({ code }) => code.split('.')[0]))];
const tables = subjects.map((subject) => {
  const rows = all.filter(({ code }) => code.startsWith(`${subject}.`));
  const body = rows.map(({ code, remedy, guards, drills, files }) => {
    const from = guards.length > 0 ? list(guards) : list(files);
    const shown = drills.length > 3 ? `${list(drills.slice(0, 3))} and others` : list(drills);
    return `| \`${code}\` | ${from} | ${cell(remedy) || 'as its message says'} | ${shown} |`;
  });
  return `## ${subject}\n<!-- no-claim: reference -->\n\n| code | from | what to do | drills |\n|---|---|---|---|\n${body.join('\n')}\n`;
});
const page = `<!-- Written by \`npm run claims\`. -->
# Codes
<!-- no-claim: reference -->

Every refusal and every expected error has a code that does not change its meaning. \`guardrails explain CODE\` says the same of one of
them, and how to see it happen: \`guardrails drill GUARD --only DRILL\`. Codes that are put together at run time stand under the guard or
the file that makes them.

${tables.join('\n')}`;

const wanted = { 'data/codes.json': json, 'docs/reference/codes.md': page };
for (const [file, text] of Object.entries(wanted)) {
  if (!process.argv.includes('--check')) {
    mkdirSync(`${root}docs/reference`, { recursive: true });
    writeFileSync(root + file, text);
  } else if (readFileSync(root + file, 'utf8') !== text) {
    process.stderr.write(`${file} differs from the code: run npm run claims\n`);
    process.exitCode = 1;
  }
}
