// `guardrails claims`: what the evidence must show, computed from the guards; `data/claims.json` is what was agreed on.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { mapAtOnce } from '../kernel/at-once.ts';
import type { Fixtures } from '../proof/lock.ts';
import type { Proof } from '../proof/proof.ts';
import { type Claims, parseClaims, writeClaims } from '../scorecard/claims.ts';
import { ROWS } from '../scorecard/dimensions.ts';
import { joinClaims } from '../scorecard/joined-claims.ts';
import { startProgress } from './progress.ts';
import { interruption } from './signals.ts';
import { parseInput, readInput } from './state.ts';

interface ClaimsOptions {
  readonly write?: boolean;
  readonly check?: boolean;
}

/** The claims of this package, as they were agreed on. */
export const OWN_CLAIMS = fileURLToPath(new URL('../../data/claims.json', import.meta.url));

const OWN_STATEMENTS = fileURLToPath(new URL('../../data/statements.json', import.meta.url));

/** What can be said without building anything is computed; digests of states are those that were agreed on. */
async function agreedFixtures(): Promise<Fixtures> {
  const { claimedFixtures } = await import('../proof/lock.ts');
  return claimedFixtures(await parseInput(OWN_CLAIMS, parseClaims));
}

async function builtFixtures(proofs: readonly Proof[]): Promise<Fixtures> {
  const { fixturesOf } = await import('../proof/lock.ts');
  const { GUARDS_AT_ONCE } = await import('../proof/drill-guards.ts');
  const progress = startProgress(proofs.length);
  const build = async (proof: Proof, _n: number, signal: AbortSignal): Promise<Fixtures> => {
    const built = await fixturesOf(proof, { signal, timeoutMs: 120_000 });
    progress.step(`built the states of ${proof.guard.id}`);
    return built;
  };
  const built = await mapAtOnce(proofs, GUARDS_AT_ONCE, build, interruption);
  progress.clear();
  return new Map(built.flatMap((fixtures) => [...fixtures]));
}

/** What the guards of this package ask for by themselves, each drill with the state that `fixtures` has of it. */
async function claimsOfGuards(fixtures: Fixtures): Promise<Claims> {
  const { proofs } = await import('../proof/catalogue.ts');
  const { claimsOf } = await import('../proof/lock.ts');
  const { parseStatements, restOnText } = await import('../scorecard/claim-boundary/statements.ts');
  const statements = await parseInput(OWN_STATEMENTS, parseStatements);
  // What public text names must be live for the row of its guard.
  return restOnText(claimsOf(proofs, ROWS, fixtures), 'architecture_claim_boundary', statements);
}

/** What this package must show: what was agreed on, and whatever else its guards can be asked. */
export async function ownClaims(): Promise<Claims> {
  return joinClaims(await parseInput(OWN_CLAIMS, parseClaims), await claimsOfGuards(await agreedFixtures()));
}

async function claims(names: readonly string[], { write, check }: ClaimsOptions): Promise<void> {
  const { proofNamed, proofs } = await import('../proof/catalogue.ts');
  const named = names.map(proofNamed);
  const agreed = write && names.length === 0 ? new Map<string, string>() : await agreedFixtures();
  const built = write ? await builtFixtures(names.length === 0 ? proofs : named) : new Map<string, string>();
  const wanted = writeClaims(await claimsOfGuards(new Map([...agreed, ...built])));
  if (write) return await writeFile(OWN_CLAIMS, wanted);
  if (!check) return void process.stdout.write(wanted);
  const lacking = parseClaims(Buffer.from(wanted)).claims.some(({ drills }) =>
    drills.some(({ fixture }) => fixture === undefined),
  );
  if (!lacking && (await readInput(OWN_CLAIMS)).equals(Buffer.from(wanted))) return;
  process.stderr.write(
    'data/claims.json differs from the guards: run npm run claims, and look at the diff\n',
  );
  process.exitCode = 1;
}

export function registerClaims(program: Command): void {
  program
    .command('claims')
    .description('print what the evidence of each guard must show')
    .argument(
      '[guard...]',
      'with --write: build the states of these guards only, and keep the digests of others',
    )
    .option('--write', 'build the state of every drill, and write it all to data/claims.json of this package')
    .addOption(
      new Option('--check', 'print nothing; exit 1 when data/claims.json differs').conflicts('write'),
    )
    .action((names: string[], _options, command: Command) => claims(names, command.opts<ClaimsOptions>()));
}
