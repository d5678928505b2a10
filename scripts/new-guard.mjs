// `npm run new:guard NAME [ROW]`: a guard that refuses something, its drills, and a line in each of the two catalogues. ROW is
// the row of the scorecard that it proves. What is written here is to be changed: it compiles, is drilled and has mutants.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const [name = '', row = 'architecture_runtime_guardrails'] = process.argv.slice(2);
const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const fail = (why) => {
  process.stderr.write(`new:guard: ${why}\n`);
  process.exit(2);
};
if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name))
  fail('name it in lower case, words joined by "-": tenant-isolation');
if (existsSync(path(`src/guards/${name}`))) fail(`src/guards/${name} is there already`);
const camel = name.replaceAll(/-(.)/g, (_all, letter) => letter.toUpperCase());
const pascal = camel[0].toUpperCase() + camel.slice(1);

const files = {
  [`src/guards/${name}/${name}.ts`]: `// What this guard protects, and from whom, in two or three lines.
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';

export interface ${pascal}Request {
  /** What is asked about. */
  readonly name: string;
}

/** What may be used once the guard has allowed it. */
export interface Granted${pascal} {
  readonly name: string;
}

const request: z.ZodType<${pascal}Request> = z.strictObject({ name: z.string().max(1_024) });

/** Grants a {@link Granted${pascal}} when ... */
export const ${camel}: Guard<${pascal}Request, Granted${pascal}> = defineHouseGuard({
  id: '${name}',
  dimension: '${row}',
  request,
  // The only look: what is found here is all that rules and grant know.
  observe: async ({ name }: ${pascal}Request) => ({ name }),
  rules: [
    {
      code: '${name}.empty',
      remedy: 'Give it a name.',
      refuses: ({ name }) => name === '' && 'the name is empty',
    },
  ],
  grant: ({ name }) => Object.freeze({ name }),
});
`,
  [`src/proof/drills/${name}/${name}-proof.ts`]: `// The ${name} guard and the states that it is drilled with.
import { ${camel} } from '../../../guards/${name}/${name}.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';

export const ${camel}Proof: Proof = defineHouseProof({
  guard: ${camel},
  drills: [
    { id: 'named', fault: 'none: a name', expects: 'allow', build: async () => ({ name: 'a' }) },
    { id: 'empty', fault: 'no name', expects: '${name}.empty', build: async () => ({ name: '' }) },
  ],
});
`,
};

/** Adds an entry to a list. */
function list(file, entry, into) {
  const text = readFileSync(path(file), 'utf8');
  if (!text.includes(into)) fail(`${file} has no list to add to`);
  const at = text.indexOf(into) + into.length;
  writeFileSync(path(file), `${text.slice(0, at)}\n  ${entry},${text.slice(at)}`);
}

for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(path(file)), { recursive: true });
  writeFileSync(path(file), text);
}
const load = `async () => (await import('./guards/${name}/${name}.ts')).${camel}`;
const catalogue = 'src/catalogue.ts';
const proofs = 'src/proof/catalogue.ts';
list(catalogue, `['${name}', ${load}]`, 'new Map<string, Load>([');
list(proofs, `${camel}Proof`, 'readonly Proof[] = [');
const imported = `import { ${camel}Proof } from './drills/${name}/${name}-proof.ts';\n`;
writeFileSync(path(proofs), readFileSync(path(proofs), 'utf8').replace(/^import /m, `${imported}import `));
// Imports in their order, and long lines broken: the formatter knows how.
const biome = path('node_modules/@biomejs/biome/bin/biome');
const made = [...Object.keys(files), catalogue, proofs].map(path);
execFileSync(process.execPath, [biome, 'check', '--write', ...made], {
  cwd: path(''),
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.stdout.write(
  `Made src/guards/${name} and src/proof/drills/${name}, and listed both. Next: what it looks at and refuses, and a drill for\n` +
    `each rule; its name in SECURITY.md; npm run claims; npx guardrails drill ${name} --mutants\n`,
);
