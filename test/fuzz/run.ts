// `npm run fuzz -- --minutes N [TARGET]`: replays what once failed, then feeds each target damaged inputs for its share
// of the time. What fails is made small, kept in test/corpora/TARGET and replayed by every test run from then on.
import { spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { corpusOf, damaged, type FuzzTarget, loadTargets, readCorpus } from './target.ts';

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const targets = (await loadTargets()).filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
);
if (!(minutes > 0) || !Number.isSafeInteger(seed) || targets.length < Math.max(1, positionals.length)) {
  const names = (await loadTargets()).map(({ name }) => name).join(', ');
  process.stderr.write(`usage: npm run fuzz -- --minutes N [--seed N] [TARGET]; targets: ${names}\n`);
  process.exit(2);
}

const count = { passed: 0, failed: 0 };
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 200) ?? '';

/** Keeps an input and says where it comes from. */
function keep(name: string, input: Uint8Array, why: string): string {
  const directory = corpusOf(name);
  const file = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const origin = new URL('ORIGIN.md', directory);
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  mkdirSync(directory, { recursive: true });
  if (!existsSync(origin)) writeFileSync(origin, `# Inputs that ${name} once failed on\n\n`);
  writeFileSync(new URL(file, directory), input);
  const date = new Date().toISOString().slice(0, 10);
  appendFileSync(origin, `- ${file}: ${date}, commit ${commit || 'unknown'}, seed ${seed}: ${why}\n`);
  return file;
}

async function replay(target: FuzzTarget): Promise<void> {
  for (const [file, input] of readCorpus(target.name)) {
    try {
      await target.fuzz(input);
      count.passed++;
    } catch (error) {
      count.failed++;
      console.log(`${target.name}: ${file} fails again: ${reasonOf(error)}`);
    }
  }
}

async function fuzz(target: FuzzTarget, milliseconds: number): Promise<void> {
  const property = fc.asyncProperty(damaged(target), async (bytes) => target.fuzz(bytes));
  const { failed, counterexample, errorInstance, numRuns } = await fc.check(property, {
    seed,
    numRuns: Number.POSITIVE_INFINITY,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
    examples: target.seeds.map((bytes) => [bytes]),
  });
  if (!failed || counterexample === null) {
    count.passed++;
    console.log(`${target.name}: ${numRuns} inputs, judged by ${target.oracle}`);
    return;
  }
  count.failed++;
  const why = reasonOf(errorInstance);
  console.log(
    `${target.name}: input ${numRuns} failed: ${why}; kept as ${keep(target.name, counterexample[0], why)}`,
  );
}

console.log(`seed ${seed}`);
const here = targets.filter(({ unavailable }) => !unavailable);
for (const { name, unavailable } of targets)
  if (unavailable) console.log(`${name}: left out, ${unavailable}`);
for (const target of here) {
  await replay(target);
  await fuzz(target, (minutes * 60_000) / here.length);
}
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed > 0 ? 1 : 0;
