// `guardrails scorecard`: the score of what the journal proves, as a table or as JSON.
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { codeIdentity, processIdentity } from '../evidence/identity.ts';
import type { GradingContext } from '../scorecard/age.ts';
import { parseClaims } from '../scorecard/claims.ts';
import { parseBaseline } from '../scorecard/movement.ts';
import { parseRegister } from '../scorecard/register.ts';
import { holds, toAgilabJson, toTable, toV1, toV2 } from '../scorecard/report.ts';
import { scoreOf } from '../scorecard/score.ts';
import { OWN_CLAIMS } from './claims.ts';
import { parseInput, readVerdict, type VerdictOptions } from './state.ts';

interface ScorecardOptions extends VerdictOptions {
  readonly format: 'table' | 'agilab';
  readonly compact?: boolean;
  readonly claims?: string;
  readonly register?: string;
  readonly baseline?: string;
}

const OWN_REGISTER = fileURLToPath(new URL('../../data/hardening-gaps.json', import.meta.url));

function here(): GradingContext {
  const { host, machine, boot } = processIdentity();
  const monotonic = Number(process.hrtime.bigint() / 1_000n);
  return { host, machine, boot, codeDigest: codeIdentity().codeDigest, now: Date.now(), monotonic };
}

/** Prints the scorecard; returns the exit code: 0 every probe holds, 1 not, 3 a rise without evidence. */
export async function printScorecard(options: ScorecardOptions): Promise<0 | 1 | 3> {
  const score = scoreOf({
    verdict: await readVerdict(options),
    claims: await parseInput(options.claims ?? OWN_CLAIMS, parseClaims),
    context: here(),
    register: await parseInput(options.register ?? OWN_REGISTER, parseRegister),
    baseline: options.baseline === undefined ? undefined : await parseInput(options.baseline, parseBaseline),
  });
  if (options.compact) process.stdout.write(`${JSON.stringify(toV2(score))}\n`);
  else process.stdout.write(options.format === 'agilab' ? toAgilabJson(toV1(score)) : `${toTable(score)}\n`);
  if (score.movement.unsupported.length > 0) return 3;
  return holds(score) ? 0 : 1;
}

export function registerScorecard(program: Command): void {
  program
    .command('scorecard')
    .description('compute the score from the journal; exit 0 only when every required probe holds')
    .option('--compact', 'one line of JSON, agilab.architecture_scorecard.v2')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['table', 'agilab'])
        .default('table')
        .conflicts('compact'),
    )
    .option('--claims <file>', 'what must be shown (default: the claims of this package)')
    .option('--register <file>', 'gap register to price (default: the one of this package)')
    .option(
      '--baseline <file>',
      'earlier --compact output: what rises without new evidence is not counted, exit 3',
    )
    .option('--pin <vkey...>', 'trust these keys only, instead of the pins of this host')
    .option('--previous <file>', 'earlier checkpoint of this journal: catches rollback')
    .action(async (_options, command: Command) => {
      process.exitCode = await printScorecard(command.optsWithGlobals<ScorecardOptions>());
    });
}
