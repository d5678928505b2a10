// Writes docs/reference/figures.md: what each bench printed on this machine, word for word. No figure in it is anybody's.
// `npm run figures NAME...` runs those benches alone and keeps what the others said.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `${root}docs/reference/figures.md`;
const names = readFileSync(`${root}bench/run.ts`, 'utf8').match(/(?<=^ {2}\[')[a-z]+(?=',)/gm) ?? [];
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined || names.length === 0) throw new Error(`name some of: ${names.join(', ')}`);

/** What a bench printed last time: its section, whole. */
const before = existsSync(page)
  ? readFileSync(page, 'utf8')
      .split(/^(?=## )/m)
      .slice(1)
  : [];

function section(name) {
  const old = before.find((text) => text.startsWith(`## ${name}\n`));
  if (asked.length > 0 && !asked.includes(name)) return old ?? '';
  process.stderr.write(`${name}\n`);
  const argv = ['--import', 'tsx', `${root}bench/run.ts`, name];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm run bench ${name} ended with ${status}: ${stderr}`);
  const machine = `Node ${process.version.slice(1)}, ${availableParallelism()} processors, ${new Date().toISOString().slice(0, 10)}:`;
  return `## ${name}\n<!-- figures: npm run bench -->\n\n${machine}\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\`\n\n`;
}

const head = `<!-- Written by \`npm run figures\`. -->
<!-- no-claim: title -->
# Figures

<!-- no-claim: howto -->
Each section is what \`npm run bench NAME\` printed, word for word; \`npm run figures NAME\` writes it anew. Every figure stands beside
its peer from the same run, in interleaved rounds. Compare ratios: times depend on the machine, and on what else it does.

`;
writeFileSync(page, `${head}${names.map(section).join('')}`.replace(/\n+$/, '\n'));
