// The directory in which this host keeps its key, its pins and its journal; `.guardrails` unless told otherwise.
import { CodedError } from '../evidence/coded-error.ts';
import { countersign } from '../evidence/countersign.ts';
import { openEnvelope } from '../evidence/dsse.ts';
import { readBounded, readStream, replaceFile, whyOf } from '../evidence/files.ts';
import { HeadMemory } from '../evidence/head-memory.ts';
import { processIdentity } from '../evidence/identity.ts';
import type { Journal } from '../evidence/journal.ts';
import { loadPins } from '../evidence/key-store.ts';
import { parseVerifierKey } from '../evidence/keys.ts';
import { COSIGNATURE, parseNoteKey } from '../evidence/note-key.ts';
import { isRevoked, type Pin } from '../evidence/pin.ts';
import { sharingRevocations } from '../evidence/revocation.ts';
import { ensureSigner, journalDirectory, openOwnJournal, type StateOptions } from '../evidence/state.ts';
import { type JsonValue, parseStrictJson, type StrictJsonLimits } from '../evidence/strict-json.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import type { VerifyOptions } from '../evidence/verify.ts';
import { verifyDirectory } from '../evidence/verify-native.ts';

export type { StateOptions };

/** Options of every command that reads a journal. */
export interface VerdictOptions extends StateOptions {
  readonly pin?: readonly string[];
  readonly previous?: string;
}

/** Longest input that is read, in bytes: /dev/zero has no end. */
const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/**
 * Returns the request in an option `--json`, or on standard input where there is none, or `-`.
 *
 * @throws CodedError `input.*`, `json.*`.
 */
export async function readRequest(
  json: string | undefined,
  rules: Pick<StrictJsonLimits, 'fractionAt'> = {},
): Promise<JsonValue> {
  const isGiven = json !== undefined && json !== '-';
  const bytes = isGiven ? Buffer.from(json) : await bounded(readStream(process.stdin, MAX_INPUT_BYTES));
  const file = isGiven ? '--json' : 'standard input';
  return parseStrictJson(bytes, { maxBytes: 1_048_576, file, ...rules });
}

/** Returns a file's bytes, for a file that the user named: a link, a pipe or a device if it must be. */
export async function readInput(path: string): Promise<Buffer> {
  return await bounded(readBounded(path, { maxBytes: MAX_INPUT_BYTES, follow: true, anyKind: true }), path);
}

/**
 * Returns what `parse` makes of a file that the user named.
 *
 * @throws CodedError `input.*`; what `parse` throws, the name of the file in front.
 */
export async function parseInput<Value>(path: string, parse: (bytes: Buffer) => Value): Promise<Value> {
  const bytes = await readInput(path);
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, `${path}: ${error.message}`, error.remedy, { cause: error });
  }
}

async function bounded(read: Promise<Buffer>, name = 'standard input'): Promise<Buffer> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'read.too-large')
      throw new CodedError('input.too-large', `${name}: ${error.message}`, 'Send less.');
    const remedy = 'Name a file that this user can read.';
    throw new CodedError('input.unreadable', `cannot read ${name} (${whyOf(error)})`, remedy, {
      cause: error,
    });
  }
}

/** Opens the journal for writing. On a fresh directory it makes a key first and says so. */
export async function openState({ dir }: StateOptions): Promise<Journal> {
  const { signer, made } = await ensureSigner({ dir });
  if (made)
    process.stderr.write(`Made a signing key in ${dir} and pinned it for this host: ${signer.vkey}\n`);
  return openOwnJournal(dir);
}

/**
 * Writes a PKCS#7 signature of this machine over a text that is printed.
 *
 * @throws CodedError `keys.missing`, `keys.unsafe`, `countersign.not-written`.
 */
export async function writeCountersignature(dir: string, text: string, path: string): Promise<void> {
  const signature = await countersign(dir, Buffer.from(text));
  try {
    await replaceFile(path, signature);
  } catch (error) {
    const message = `the signature could not be written (${whyOf(error)})`;
    throw new CodedError('countersign.not-written', message, 'Name a file that this user can write.');
  }
}

function decodeHost(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // no name of ours then, and no host is called that
  }
}

const OURS = 'agilab-guardrails/';

/** Returns the host that the name of a key carries (`agilab-guardrails/<host>`). @throws CodedError `key.malformed`. */
function hostInName(vkey: string): string {
  const { name } = parseNoteKey(vkey);
  const [, host] = /^agilab-guardrails\/(.+)$/.exec(name) ?? [];
  if (host !== undefined) return decodeHost(host);
  const remedy =
    'Pass the key as `guardrails keys show` prints it on the host that signs, or pin it with the name of that host: guardrails keys pin --host.';
  throw new CodedError('key.malformed', 'the name in the verifier key is no host of ours', remedy);
}

/** Returns a key given by hand as a pin: for the host in its name, or for the witness of that name. */
export function handPin(vkey: string): Pin {
  return { vkey, host: isWitness({ vkey }) ? parseNoteKey(vkey).name : hostInName(vkey) };
}

/** Returns keys given by hand as pins, whoever's they are: in somebody's repository others sign than hosts of ours. */
export function foreignPins(vkeys: readonly string[]): readonly Pin[] {
  return vkeys.map((vkey) => {
    const { name } = parseNoteKey(vkey);
    return { vkey, host: name.startsWith(OURS) ? hostInName(vkey) : name };
  });
}

/**
 * Returns the keys that are believed: those given by hand, or else the pins in the state directory. What is revoked there
 * stays so when it is given by hand: trust is taken away once, wherever the key is named.
 *
 * @throws CodedError `key.*`, `keys.*`.
 */
export async function pinsOf({ dir, pin }: VerdictOptions): Promise<readonly Pin[]> {
  if (pin === undefined) return loadPins(dir);
  const revoked = (await kept(dir)).filter((each) => each.revoked !== undefined);
  const known = [...pin.map(handPin), ...revoked].map((each) => ({
    pin: each,
    key: parseNoteKey(each.vkey),
  }));
  return sharingRevocations(known)
    .slice(0, pin.length)
    .map((each) => each.pin);
}

/** The pins of a directory; none where others could have changed them, since then they say nothing. */
async function kept(dir: string): Promise<readonly Pin[]> {
  try {
    return await loadPins(dir);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'keys.unsafe') return [];
    throw error;
  }
}

/**
 * Returns the keys that are trusted here. Pins given by hand replace those in the directory; of the latter, only this
 * machine's own count, since a directory that came from elsewhere must not vouch for itself, and those of witnesses.
 */
async function trustedPins(options: VerdictOptions): Promise<readonly Pin[]> {
  const { host, machine } = processIdentity();
  const counts = (local: Pin): boolean =>
    isWitness(local) || (local.machine === undefined ? local.host === host : local.machine === machine);
  return (await pinsOf(options)).filter((each) => options.pin !== undefined || counts(each));
}

/** Returns the pins that are not revoked: of what stands alone nobody can say when it was signed. */
export function unrevoked(pins: readonly Pin[]): readonly Pin[] {
  const known = pins.map((pin) => ({ pin, key: parseNoteKey(pin.vkey) }));
  return sharingRevocations(known)
    .map(({ pin }) => pin)
    .filter((pin) => !isRevoked(pin, Date.now()));
}

const isWitness = ({ vkey }: Pick<Pin, 'vkey'>): boolean => parseNoteKey(vkey).type === COSIGNATURE;

/**
 * Returns what a signed file states, under a trusted key.
 *
 * @throws CodedError `input.unsigned`, also for what is no envelope; as {@link readInput}.
 */
export async function readSigned(
  path: string,
  payloadType: string,
  options: VerdictOptions,
): Promise<Buffer> {
  const pins = unrevoked(await trustedPins(options)).filter((each) => !isWitness(each));
  const keys = pins.map(({ vkey }) => parseVerifierKey(vkey));
  const bytes = await readInput(path);
  const remedy = 'Sign it on this host, or name the key of the host that did with --pin.';
  try {
    const { payload, signers } = openEnvelope(bytes, payloadType, keys, MAX_INPUT_BYTES);
    if (signers.length > 0) return payload;
  } catch (error) {
    throw new CodedError('input.unsigned', `${path} is no signed statement`, remedy, { cause: error });
  }
  throw new CodedError('input.unsigned', `no trusted key signed ${path}`, remedy);
}

/** Verifies the journal in a state directory, also against what this user's verifiers saw of it before. */
export async function readVerdict(
  options: VerdictOptions,
  reading: Pick<VerifyOptions, 'keepLines' | 'onProgress'> = {},
): Promise<JournalVerdict> {
  const { dir, previous } = options;
  const pins = await trustedPins(options);
  const earlier = previous === undefined ? undefined : (await readInput(previous)).toString('utf8');
  const memory = new HeadMemory();
  return verifyDirectory(journalDirectory(dir), { pins, previous: earlier, memory, ...reading });
}
