// `guardrails claims`: what the evidence must show, computed from the guards; `data/claims.json` is what was agreed on.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { writeClaims } from '../scorecard/claims.ts';
import { ROWS } from '../scorecard/dimensions.ts';
import { readInput } from './state.ts';

interface ClaimsOptions {
  readonly write?: boolean;
  readonly check?: boolean;
}

/** The claims of this package. */
export const OWN_CLAIMS = fileURLToPath(new URL('../../data/claims.json', import.meta.url));

async function claims({ write, check }: ClaimsOptions): Promise<void> {
  const { proofs } = await import('../proof/catalogue.ts');
  const { claimsOf } = await import('../proof/lock.ts');
  const wanted = writeClaims(claimsOf(proofs, ROWS));
  if (write) return await writeFile(OWN_CLAIMS, wanted);
  if (!check) return void process.stdout.write(wanted);
  if ((await readInput(OWN_CLAIMS)).equals(Buffer.from(wanted))) return;
  process.stderr.write(
    'data/claims.json differs from the guards: run npm run claims, and look at the diff\n',
  );
  process.exitCode = 1;
}

export function registerClaims(program: Command): void {
  program
    .command('claims')
    .description('print what the evidence of each guard must show')
    .option('--write', 'write it to data/claims.json of this package')
    .addOption(
      new Option('--check', 'print nothing; exit 1 when data/claims.json differs').conflicts('write'),
    )
    .action((_options, command: Command) => claims(command.opts<ClaimsOptions>()));
}
