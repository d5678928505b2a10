// `guardrails scorecard`: the score of what the journal proves, as a table or as JSON.
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CodedError } from '../evidence/coded-error.ts';
import { sealEnvelope } from '../evidence/dsse.ts';
import { codeIdentity, processIdentity } from '../evidence/identity.ts';
import { loadSigner } from '../evidence/key-store.ts';
import { packageDigest } from '../evidence/package-digest.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import type { GradingContext } from '../scorecard/age.ts';
import { IN_TOTO, isComparable, parseEarlier } from '../scorecard/baseline.ts';
import { parseSuite } from '../scorecard/claim-boundary/suite.ts';
import { parseClaims } from '../scorecard/claims.ts';
import { SCORED } from '../scorecard/look.ts';
import { parseRegister } from '../scorecard/register.ts';
import { drawDrills } from '../scorecard/replay-draw.ts';
import { holds, toAgilabJson, toStatement, toTable, toV1, toV2 } from '../scorecard/report.ts';
import { repositoryTable, scoreRepository } from '../scorecard/repository.ts';
import { parseRetired } from '../scorecard/retired.ts';
import { type Score, type ScoreInput, scoreOf } from '../scorecard/score.ts';
import { ownClaims } from './claims.ts';
import { wholeUpTo } from './option-values.ts';
import {
  foreignPins,
  parseInput,
  readSigned,
  readVerdict,
  type VerdictOptions,
  writeCountersignature,
} from './state.ts';

interface ScorecardOptions extends VerdictOptions {
  readonly format: 'table' | 'agilab' | 'intoto';
  readonly compact?: boolean;
  readonly claims?: string;
  readonly register?: string;
  readonly baseline?: string;
  readonly retired?: readonly string[];
  readonly countersign?: string;
  readonly replay?: number;
  readonly minScore?: number;
  readonly repo?: string;
}

/** The register of this package. */
export const OWN_REGISTER: string = fileURLToPath(new URL('../../data/hardening-gaps.json', import.meta.url));

const OWN_SUITE = fileURLToPath(new URL('../../data/suite.json', import.meta.url));

function here(): GradingContext {
  const { host, machine, boot } = processIdentity();
  const monotonic = Number(process.hrtime.bigint() / 1_000n);
  const own = packageDigest();
  return {
    host,
    machine,
    boot,
    codeDigest: codeIdentity().codeDigest,
    subjects: own === undefined ? {} : { package: own },
    now: Date.now(),
    monotonic,
  };
}

async function verdictOf(options: ScorecardOptions): Promise<JournalVerdict> {
  try {
    return await readVerdict(options, { keepLines: SCORED });
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'journal.unreadable')) throw error;
    const remedy = 'Run `guardrails drill --mutants` first, or name another state directory with --dir.';
    throw new CodedError('scorecard.not-drilled', 'no journal is here that can be read', remedy, {
      cause: error,
    });
  }
}

async function inputOf(options: ScorecardOptions): Promise<ScoreInput> {
  const { claims, register, baseline, retired = [] } = options;
  const asked = await ownClaims();
  const own = await parseInput(OWN_REGISTER, parseRegister);
  const signed = (path: string): Promise<Buffer> => readSigned(path, IN_TOTO, options);
  return {
    verdict: await verdictOf(options),
    claims: claims === undefined ? asked : await parseInput(claims, parseClaims),
    ...(claims === undefined ? {} : { ownClaims: asked }),
    register: register === undefined ? own : await parseInput(register, parseRegister),
    ...(register === undefined ? {} : { ownRegister: own }),
    baseline: baseline === undefined ? undefined : parseEarlier(await signed(baseline)),
    suite: await parseInput(OWN_SUITE, parseSuite),
    retired: (await Promise.all(retired.map(async (path) => parseRetired(await signed(path))))).flat(),
    context: here(), // last: nothing that was read may be younger
  };
}

/** The score; with `--replay`, once more after what was drawn, and all of each probe that rose, was run again. */
async function scored(options: ScorecardOptions): Promise<Score> {
  const input = await inputOf(options);
  const first = scoreOf(input);
  if (options.replay === undefined) return first;
  const { baseline } = input;
  const known = baseline && isComparable(baseline) ? baseline.probes : [];
  const before = new Map(known.map(({ probe, grade }) => [probe, grade]));
  const rose = new Set(
    first.dimensions
      .flatMap(({ probes }) => probes)
      .filter(({ probe, grade }) => grade > (before.get(probe) ?? 'E4'))
      .map(({ probe }) => probe),
  );
  const again = drawDrills(input.verdict, input.claims, options.replay, rose);
  const whole = input.claims.claims.filter(({ guard }) => rose.has(guard));
  const { replay } = await import('./replay.ts'); // who only asks for the score starts no process
  return scoreOf({ ...input, replayed: await replay(again, whole, options.dir) });
}

/** Signs with this host's key, which its journal is sealed with. */
async function sign(statement: string, { dir }: ScorecardOptions): Promise<string> {
  return sealEnvelope(await loadSigner(dir), IN_TOTO, Buffer.from(statement));
}

/** Prints the scorecard; returns the exit code: 0 every probe holds, 1 not, 3 a rise without evidence. */
export async function printScorecard(options: ScorecardOptions): Promise<0 | 1 | 3> {
  const score = await scored(options);
  const text: Readonly<Record<ScorecardOptions['format'], () => string | Promise<string>>> = {
    table: () => `${toTable(score)}\n`,
    agilab: () => toAgilabJson(toV1(score)),
    intoto: () => sign(toStatement(score), options),
  };
  const printed = options.compact ? `${JSON.stringify(toV2(score))}\n` : await text[options.format]();
  if (options.countersign !== undefined)
    await writeCountersignature(options.dir, printed, options.countersign);
  process.stdout.write(printed);
  if (score.movement.unsupported.length > 0) return 3;
  return (options.minScore === undefined ? holds(score) : score.milli >= options.minScore) ? 0 : 1;
}

/** Prints what a repository's artefacts are worth; 1 where no row is more than words. */
async function printRepository(root: string, options: ScorecardOptions): Promise<0 | 1> {
  const { lookAtRepository } = await import('./repository-look.ts');
  const claims = await (options.claims ? parseInput(options.claims, parseClaims) : ownClaims());
  const own = await parseInput(OWN_REGISTER, parseRegister);
  const pins = foreignPins(options.pin ?? []); // this host's own keys say nothing of it
  const { shown, words, registers } = await lookAtRepository({ root, pins, claims, context: here() });
  const [first = own.gaps, ...others] = registers;
  const score = scoreRepository(shown, words, claims, [first, ...others]);
  process.stdout.write(options.compact ? `${JSON.stringify(score)}\n` : `${repositoryTable(score)}\n`);
  return score.score.milli > 0 && score.score.milli >= (options.minScore ?? 0) ? 0 : 1;
}

function milliOf(text: string): number {
  const [, whole, part = ''] = /^([0-5])(?:\.([0-9]{1,3}))?$/.exec(text) ?? [];
  const milli = Number(whole) * 1_000 + Number(part.padEnd(3, '0'));
  if (whole !== undefined && milli <= 5_000) return milli;
  throw new InvalidArgumentError('It is a score from 0 to 5, such as 4.7.');
}

export function registerScorecard(program: Command): void {
  program
    .command('scorecard')
    .description('compute the score from the journal; exit 0 only when every required probe holds')
    .option('--compact', 'one line of JSON, agilab.architecture_scorecard.v2')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['table', 'agilab', 'intoto'])
        .default('table')
        .conflicts('compact'),
    )
    .addOption(
      new Option(
        '--repo <dir>',
        "score what lies in somebody's repository instead, E2 at most: nothing of it is executed",
      ).conflicts(['format', 'baseline', 'retired', 'replay', 'register', 'countersign', 'previous']),
    )
    .option('--claims <file>', 'what must be shown (default: the claims of this package)')
    .option('--register <file>', 'gap register to price (default: the one of this package)')
    .option(
      '--baseline <file>',
      'earlier --format intoto output: what rises without new evidence, or is gone, is exit 3',
    )
    .option(
      '--retired <file...>',
      'signed entries, from guardrails retire, for what was taken out on purpose',
    )
    .addOption(
      new Option(
        '--replay <n>',
        'run n drills again, drawn by the journal, and every live probe, and compare',
      ).argParser(wholeUpTo(999_999)),
    )
    .addOption(
      new Option(
        '--min-score <score>',
        'exit 0 when the score is at least this, instead of full rows',
      ).argParser(milliOf),
    )
    .option('--pin <vkey...>', 'trust these keys only, instead of the pins of this host')
    .option('--countersign <file>', 'write a PKCS#7 signature over what is printed, for openssl cms')
    .option('--previous <file>', 'earlier checkpoint of this journal: catches rollback')
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ScorecardOptions>();
      process.exitCode = await (options.repo === undefined
        ? printScorecard(options)
        : printRepository(options.repo, options));
    });
}
