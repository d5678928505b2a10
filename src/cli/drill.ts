// `guardrails drill`: builds every bad state for real, records how the guards judged it, and prints what happened.
import { type Command, Option } from 'commander';
import { CodedError } from '../evidence/coded-error.ts';
import type { Journal } from '../evidence/journal.ts';
import type { DrillResult } from '../proof/drill.ts';
import { startProgress } from './progress.ts';
import { printScorecard } from './scorecard.ts';
import { interruption } from './signals.ts';
import { openState, type StateOptions } from './state.ts';

interface DrillOptions extends StateOptions {
  readonly mutants?: boolean;
  readonly only?: readonly string[];
  readonly scorecard?: boolean;
  readonly json?: boolean;
  readonly format?: 'agilab';
  readonly about?: string;
  readonly second?: boolean;
}

function lineOf({
  guard,
  drill,
  fault,
  expected,
  observed,
  passed,
  mutant,
  unavailable,
}: DrillResult): string {
  const mark = passed ? 'ok  ' : unavailable === undefined ? 'FAIL' : 'none';
  if (unavailable !== undefined) return `  ${mark}  ${guard}: ${fault}: not run here. ${unavailable}`;
  if (mutant !== undefined)
    return `  ${mark}  ${guard}, ${fault}: ${passed ? `caught by ${drill}` : 'nobody noticed'}`;
  return `  ${mark}  ${guard}: ${fault}: ${passed ? observed : `expected ${expected}, saw ${observed}`}`;
}

function tally(kind: string, results: readonly DrillResult[]): string {
  const failed = results.filter(({ passed, unavailable }) => !passed && unavailable === undefined).length;
  const missing = results.filter(({ unavailable }) => unavailable !== undefined).length;
  return `${kind}: ${results.length - failed - missing} ok, ${failed} failed, ${missing} not run here`;
}

/** The drills that are named, by guard: of the one guard that is named, or each with its own as GUARD/DRILL. */
function drillsNamed(
  names: readonly string[],
  drills: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const [guard] = names;
  if (guard !== undefined && names.length === 1) return new Map([[guard, drills]]);
  const named = new Map<string, string[]>();
  for (const name of drills) {
    const [of = '', id, ...rest] = name.split('/');
    if (id === undefined || rest.length > 0 || names.length > 0) {
      const remedy = 'Name one guard and its drills, or each drill as GUARD/DRILL and no guard.';
      throw new CodedError('drill.unknown', 'it is not said whose drills these are', remedy);
    }
    named.set(of, [...(named.get(of) ?? []), id]);
  }
  return named;
}

async function drill(names: readonly string[], options: DrillOptions): Promise<void> {
  if (options.second) {
    const { drillForParent } = await import('../proof/second-process.ts');
    return await drillForParent(interruption);
  }
  const only = options.only && drillsNamed(names, options.only);
  const asked = only ? [...only.keys()] : names;
  const all: DrillResult[] = [];
  const command = [process.argv[1] ?? '', '--dir', options.dir, 'drill', '--second'];
  const count = only ? 1 : asked.length || Number.POSITIVE_INFINITY;
  // Loaded here and below, so that a command that only asks a guard loads no drill.
  const { drillInTwo, withSecond } = await import('../proof/two-processes.ts');
  let journal: Journal | undefined;
  try {
    await withSecond(command, count, async (second) => {
      const { proofNamed, proofs } = await import('../proof/catalogue.ts');
      const { requireDrills } = await import('../proof/drill.ts');
      const chosen = asked.length === 0 ? proofs : asked.map(proofNamed);
      // Before a key or a journal is made for it.
      if (only) for (const proof of chosen) requireDrills(proof, only.get(proof.guard.id) ?? []);
      journal = await openState(options);
      const progress = startProgress(chosen.length);
      const onResult = (result: DrillResult): void => {
        if (result.guard !== all.at(-1)?.guard) progress.step(`drilling ${result.guard}`);
        all.push(result);
        if (options.json || options.format) return;
        progress.clear();
        process.stdout.write(`${lineOf(result)}\n`);
      };
      await drillInTwo(second, chosen, journal, {
        mutants: options.mutants ?? false,
        ...(only ? { only } : {}),
        state: options.about ?? options.dir,
        onResult,
        signal: interruption,
      }).finally(() => progress.clear());
    });
  } finally {
    await journal?.close();
  }
  const drills = all.filter(({ mutant }) => mutant === undefined);
  const mutants = all.filter(({ mutant }) => mutant !== undefined);
  if (options.format) {
    const { robustnessMatrix } = await import('../proof/robustness-matrix.ts');
    process.stdout.write(`${JSON.stringify(robustnessMatrix(drills, new Date()), null, 2)}\n`);
  } else if (options.json) process.stdout.write(`${JSON.stringify({ drills, mutants })}\n`);
  else {
    process.stdout.write(`\n${tally('Drills', drills)}\n`);
    if (options.mutants) process.stdout.write(`${tally('Mutants', mutants)}\n`);
    process.stdout.write(`Every line above is a record in ${options.dir}/journal\n`);
  }
  if (options.scorecard) {
    process.stdout.write('\n');
    await printScorecard({ ...options, format: 'table' });
  }
  process.exitCode = all.some(({ passed, unavailable }) => !passed && unavailable === undefined) ? 1 : 0;
}

export function registerDrill(program: Command): void {
  program
    .command('drill')
    .description('build every bad state for real and record how the guards judge it')
    .argument('[guard...]', 'guards to drill (default: all)')
    .option(
      '--mutants',
      'also drill every guard without each of its rules and each entry of its tables: some drill must notice',
    )
    .addOption(
      new Option(
        '--only <drill...>',
        'only these drills of one guard, as its records name them, or each as GUARD/DRILL',
      ).conflicts('mutants'),
    )
    .addOption(
      new Option(
        '--about <dir>',
        'the state directory that live probes are asked about, where another than --dir records',
      ).hideHelp(),
    )
    .addOption(new Option('--second', 'drill what the process that started this one asks for').hideHelp())
    .option('--scorecard', 'print the scorecard afterwards')
    .addOption(new Option('--json', 'print one line of JSON instead of text').conflicts('scorecard'))
    .addOption(
      new Option('--format <format>', "print the scenarios of AGILAB's robustness matrix")
        .choices(['agilab'])
        .conflicts(['json', 'scorecard']),
    )
    .action((names: string[], _options, command: Command) =>
      drill(names, command.optsWithGlobals<DrillOptions>()),
    );
}
