// `guardrails retire`: states, signed, that something is no longer asked for, so that a scorecard may be compared over it.
import type { Command } from 'commander';
import { sealEnvelope } from '../evidence/dsse.ts';
import { loadSigner } from '../evidence/key-store.ts';
import { IN_TOTO } from '../scorecard/baseline.ts';
import { digestOf, parseClaims } from '../scorecard/claims.ts';
import { parseRetired, retire } from '../scorecard/retired.ts';
import { OWN_CLAIMS } from './claims.ts';
import { readInput, type StateOptions } from './state.ts';

interface RetireOptions extends StateOptions {
  readonly why: string;
}

async function printRetired(ids: readonly string[], { dir, why }: RetireOptions): Promise<void> {
  const claims = parseClaims(await readInput(OWN_CLAIMS));
  const statement = Buffer.from(retire(ids, why, digestOf(claims)));
  parseRetired(statement); // what nobody could read back is not signed
  process.stdout.write(sealEnvelope(await loadSigner(dir), IN_TOTO, statement));
}

export function registerRetire(program: Command): void {
  program
    .command('retire')
    .description(
      'print a signed statement that rows, probes, drills, mutants or gaps are no longer asked for',
    )
    .argument('<id...>', 'as the scorecard names what is gone: drill:bind/star')
    .requiredOption('--why <text>', 'the reason, for whoever reviews it')
    .action((ids: string[], _options, command: Command) =>
      printRetired(ids, command.optsWithGlobals<RetireOptions>()),
    );
}
