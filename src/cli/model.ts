// `guardrails model`: look into a model file, seal it, ask whether it may be used, and predict with it. Only `inspect`
// reads a file that nobody vouches for, and it decodes without making anything of it; the rest is loaded when asked for.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { inspectPickle } from '../capacity/forest/inspect.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { DEFAULT_MAX_BYTES } from '../files/open.ts';
import { observeFile } from '../files/walk.ts';
import { describeInspection } from './inspection.ts';
import { several } from './option-values.ts';

const trusted = (): Promise<typeof import('./trusted-model.ts')> => import('./trusted-model.ts');

const AT = "where in the file the model is, as Python would write it: best_estimator_, ['model'], [0]";

interface InspectOptions {
  readonly json?: boolean;
  readonly at?: string;
}

async function inspect(model: string, { json, at }: InspectOptions): Promise<void> {
  // Whoever may write the file, it is only looked at; but a FIFO must not hang us, nor a device be read.
  const { bytes, stopped, file } = await observeFile('/', resolve(model).slice(1), {
    maxBytes: DEFAULT_MAX_BYTES,
  });
  if (!bytes) {
    const what = stopped
      ? `its path ends at a ${stopped.kind} ${stopped.at}`
      : `it is ${file?.kind ?? 'nothing'}`;
    throw new CodedError(
      'input.unreadable',
      `cannot read the model (${what})`,
      'Name a regular file of at most 64 MiB by its real path.',
    );
  }
  const inspection = inspectPickle(bytes, { at });
  process.stdout.write(`${json === true ? JSON.stringify(inspection) : describeInspection(inspection)}\n`);
  process.exitCode = inspection.description ? 0 : 1;
}

export function registerModel(program: Command): void {
  const model = program.command('model').description('the capacity model: inspect, seal, verify, predict');
  const withPlace = (name: string, description: string): Command =>
    model
      .command(name)
      .description(description)
      .argument('<model>', 'the model file')
      .requiredOption('--root <dir>', 'trusted directory that holds it')
      .option('--at <path>', AT);
  const withOrigin = (command: Command): Command =>
    command
      .addOption(new Option('--owners <who>', 'whose files are believed').choices(['self-or-root', 'root']))
      .option('--key <key>', 'pinned verifier key: prove origin too (repeatable)', several)
      .option(
        '--revoked <entry>',
        'verifier key or model digest that is believed no more (repeatable)',
        several,
      )
      .option('--counters <dir>', 'where the newest release seen is remembered; outside the root');
  model
    .command('inspect')
    .description('say what any file is and whether it would load; exit 0 only for a model that would')
    .argument('<model>', 'the file; needs no sidecar')
    .option('--at <path>', AT)
    .option('--json', 'print JSON')
    .action(inspect);
  withPlace('seal', 'write the sidecar that vouches for a model')
    .option('--sign', "sign a release with this host's key")
    .option('--release <version>', 'version of the release, from 1 and rising')
    .option('--expires <date>', 'when the release ends')
    .action(async (name: string, _options, command: Command) =>
      (await trusted()).seal(name, command.optsWithGlobals()),
    );
  withOrigin(withPlace('verify', 'ask the guard whether the model may be used')).action(
    async (name: string, _options, command: Command) =>
      (await trusted()).verify(name, command.optsWithGlobals()),
  );
  withOrigin(withPlace('predict', 'print one prediction per row'))
    .option('--rows <file>', 'JSON array of arrays; null for a missing value')
    .option(
      '--csv <file>',
      "CSV of any size, with or without a header; AGILAB's table of measurements; - for stdin",
    )
    .option('--ndjson <file>', 'one JSON array a line, of any size; - for stdin')
    .action(async (name: string, _options, command: Command) =>
      (await trusted()).predict(name, command.optsWithGlobals()),
    );
}
