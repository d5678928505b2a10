// What `guardrails model` does with a model that somebody vouches for, or is to: seal, verify, predict.
import { resolve } from 'node:path';
import { capacityModel, type TrustedModel } from '../capacity/capacity-model.ts';
import { capacityOrigin, type ProvenRelease } from '../capacity/origin/capacity-origin.ts';
import type { CapacityOriginRequest } from '../capacity/origin/origin-look.ts';
import { sealModel } from '../capacity/seal.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { loadSigner } from '../evidence/key-store.ts';
import { type JsonValue, parseStrictJson } from '../evidence/strict-json.ts';
import { DEFAULT_MAX_BYTES } from '../files/open.ts';
import { enforce } from '../kernel/enforce.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import { predictRows, showAnswer } from './predict-rows.ts';
import { openState, parseInput, type StateOptions } from './state.ts';
import { timeOf } from './time.ts';

interface PlaceOptions extends StateOptions {
  readonly root: string;
  readonly at?: string;
}

export interface LoadOptions extends PlaceOptions {
  readonly owners?: 'self-or-root' | 'root';
  readonly key?: readonly string[];
  readonly revoked?: readonly string[];
  readonly counters?: string;
}

export interface SealOptions extends PlaceOptions {
  readonly sign?: boolean;
  readonly release?: string;
  readonly expires?: string;
}

export interface PredictOptions extends LoadOptions {
  readonly rows?: string;
  readonly csv?: string;
  readonly ndjson?: string;
}

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

export async function seal(model: string, options: SealOptions): Promise<void> {
  const { sign, release: version, expires, dir } = options;
  if (sign !== true && (version !== undefined || expires !== undefined)) {
    throw usage('only a signed release has a version and an end', 'Pass --sign as well.');
  }
  let release: Parameters<typeof sealModel>[0]['release'];
  if (sign === true) {
    if (!/^[1-9]\d{0,14}$/.test(version ?? '') || expires === undefined) {
      throw usage(
        'a release needs a version from 1 and an end',
        'Pass --release 1 --expires 2030-01-01T00:00:00Z.',
      );
    }
    release = { signer: await loadSigner(dir), version: Number(version), expires: timeOf(expires) };
  }
  const { at } = options;
  const sidecar = await sealModel({ ...placeOf(model, options), at, ...(release ? { release } : {}) });
  process.stdout.write(`${sidecar.digest_sha256}  ${sidecar.model_file}\n`);
}

export async function verify(model: string, options: LoadOptions): Promise<void> {
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

export async function predict(name: string, options: PredictOptions): Promise<void> {
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
