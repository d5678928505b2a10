// `guardrails model`: look into a model file, seal it, ask whether it may be used, and predict with it. Only `inspect`
// reads a file that nobody vouches for, and it decodes without making anything of it.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { capacityModel, type TrustedModel } from '../capacity/capacity-model.ts';
import { inspectPickle } from '../capacity/forest/inspect.ts';
import { capacityOrigin, type ProvenRelease } from '../capacity/origin/capacity-origin.ts';
import type { CapacityOriginRequest } from '../capacity/origin/origin-look.ts';
import { sealModel } from '../capacity/seal.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { loadSigner } from '../evidence/key-store.ts';
import { type JsonValue, parseStrictJson } from '../evidence/strict-json.ts';
import { DEFAULT_MAX_BYTES } from '../files/open.ts';
import { observeFile } from '../files/walk.ts';
import { enforce } from '../kernel/enforce.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import { describeInspection } from './inspection.ts';
import { predictRows, showAnswer } from './predict-rows.ts';
import { openState, parseInput, type StateOptions } from './state.ts';

interface PlaceOptions extends StateOptions {
  readonly root: string;
  readonly at?: string;
}

interface LoadOptions extends PlaceOptions {
  readonly owners?: 'self-or-root' | 'root';
  readonly key?: readonly string[];
  readonly revoked?: readonly string[];
  readonly counters?: string;
}

interface SealOptions extends PlaceOptions {
  readonly sign?: boolean;
  readonly release?: string;
  readonly expires?: string;
}

interface PredictOptions extends LoadOptions {
  readonly rows?: string;
  readonly csv?: string;
  readonly ndjson?: string;
}

const AT = "where in the file the model is, as Python would write it: best_estimator_, ['model'], [0]";

const usage = (message: string, remedy: string): CodedError => new CodedError('usage', message, remedy);

/** The model as the user named it: a path from here into the root, or else a path below the root. */
function placeOf(
  model: string,
  { root: named }: PlaceOptions,
): { readonly root: string; readonly model: string } {
  const root = resolve(named);
  const below = root === '/' ? root : `${root}/`;
  const fromHere = resolve(model);
  return { root, model: fromHere.startsWith(below) ? fromHere.slice(below.length) : model };
}

/** Who may have released the model, where the user asks for that claim too. */
type Origin = Pick<CapacityOriginRequest, 'keys' | 'revoked' | 'state'>;

function originOf({ key: keys, revoked, counters }: LoadOptions): Origin | undefined {
  if (!keys && !revoked && counters === undefined) return undefined;
  if (!keys || counters === undefined) {
    throw usage(
      'origin needs a pinned key and a place to count releases',
      'Pass --key and --counters together.',
    );
  }
  return { keys, ...(revoked ? { revoked } : {}), state: resolve(counters) };
}

interface Loaded {
  readonly model: TrustedModel;
  readonly release?: ProvenRelease;
}

/**
 * Loads the model through the guard, and through that of its origin if asked to, with a record of each in the journal;
 * says why not, and exits 1, when either refuses.
 */
async function load(name: string, options: LoadOptions): Promise<Loaded | undefined> {
  const { owners, at } = options;
  const place = { ...placeOf(name, options), ...(owners ? { owners } : {}) };
  const origin = originOf(options);
  const journal = await openState(options);
  try {
    const model = await enforce(
      capacityModel,
      { ...place, ...(at === undefined ? {} : { at }) },
      { journal },
    );
    if (!origin) return { model };
    const request = { ...place, ...origin, digest: model.digest };
    return { model, release: await enforce(capacityOrigin, request, { journal }) };
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    process.stderr.write(`guardrails: ${error.codes.join(', ')}: ${error.reason}. ${error.remedy}\n`);
    process.exitCode = 1;
    return undefined;
  } finally {
    await journal.close();
  }
}

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

async function seal(model: string, options: SealOptions): Promise<void> {
  const { sign, release: version, expires, dir } = options;
  if (sign !== true && (version !== undefined || expires !== undefined)) {
    throw usage('only a signed release has a version and an end', 'Pass --sign as well.');
  }
  let release: Parameters<typeof sealModel>[0]['release'];
  if (sign === true) {
    const end = new Date(expires ?? '');
    if (!/^[1-9]\d{0,14}$/.test(version ?? '') || Number.isNaN(end.getTime())) {
      throw usage(
        'a release needs a version from 1 and an end',
        'Pass --release 1 --expires 2030-01-01T00:00:00Z.',
      );
    }
    release = { signer: await loadSigner(dir), version: Number(version), expires: end.toISOString() };
  }
  const { at } = options;
  const sidecar = await sealModel({ ...placeOf(model, options), at, ...(release ? { release } : {}) });
  process.stdout.write(`${sidecar.digest_sha256}  ${sidecar.model_file}\n`);
}

async function verify(model: string, options: LoadOptions): Promise<void> {
  const loaded = await load(model, options);
  if (!loaded) return;
  const claims = loaded.release ? 'integrity and origin' : 'integrity';
  process.stdout.write(`${loaded.model.digest}  ${claims} proven\n`);
}

function rowsOf(value: JsonValue): number[][] {
  const rows = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  const numbers = rows.map((row) =>
    Array.isArray(row)
      ? (row as readonly JsonValue[]).map((cell) => (cell === null ? Number.NaN : cell))
      : [],
  );
  if (
    numbers.length > 0 &&
    numbers.every((row) => row.length > 0 && row.every((cell) => typeof cell === 'number'))
  ) {
    return numbers as number[][];
  }
  throw usage(
    'the rows are not an array of arrays of numbers',
    'Write [[1, 2.5, null], ...]; null is a missing value.',
  );
}

async function predict(name: string, options: PredictOptions): Promise<void> {
  const { rows: file, csv, ndjson } = options;
  const [path, ...others] = [file, csv, ndjson].filter((one) => one !== undefined);
  if (path === undefined || others.length > 0)
    throw usage('rows come from one file', 'Pass --rows FILE, --csv FILE or --ndjson FILE.');
  const rules = { maxBytes: DEFAULT_MAX_BYTES, maxDepth: 2, fractionAt: () => true };
  const rows =
    file === undefined ? undefined : await parseInput(file, (text) => rowsOf(parseStrictJson(text, rules)));
  const loaded = await load(name, options);
  if (loaded === undefined) return;
  if (rows === undefined) await predictRows(loaded.model, path, csv === undefined ? 'ndjson' : 'csv');
  else process.stdout.write(`${loaded.model.predict(rows).map(showAnswer).join('\n')}\n`);
}

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

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
    .action((name: string, _options, command: Command) => seal(name, command.optsWithGlobals<SealOptions>()));
  withOrigin(withPlace('verify', 'ask the guard whether the model may be used')).action(
    (name: string, _options, command: Command) => verify(name, command.optsWithGlobals<LoadOptions>()),
  );
  withOrigin(withPlace('predict', 'print one prediction per row'))
    .option('--rows <file>', 'JSON array of arrays; null for a missing value')
    .option(
      '--csv <file>',
      "CSV of any size, with or without a header; AGILAB's table of measurements; - for stdin",
    )
    .option('--ndjson <file>', 'one JSON array a line, of any size; - for stdin')
    .action((name: string, _options, command: Command) =>
      predict(name, command.optsWithGlobals<PredictOptions>()),
    );
}
