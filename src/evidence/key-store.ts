// The signing key of this host and the keys it trusts, in one directory. The private key never leaves it; the pins are
// (key, host) pairs, because a key vouches only for the host that holds it.
import { join } from 'node:path';
import * as z from 'zod';
import { CodedError, errnoOf } from './coded-error.ts';
import { isOwnDirectory, makeDirectory, publishFile, readBounded } from './files.ts';
import { processIdentity } from './identity.ts';
import { generateSigner, type NoteSigner, parseVerifierKey, signerFromPem } from './keys.ts';
import type { Pin } from './verify.ts';

const KEY_FILE = 'signing-key.pem';
const PINS_FILE = 'pins.json';
const MAX_FILE_BYTES = 1_048_576;

interface PinsFile {
  readonly schema: 'agilab.guardrails_pins.v1';
  readonly pins: readonly Pin[];
}
const pinsFile: z.ZodType<PinsFile> = z.strictObject({
  schema: z.literal('agilab.guardrails_pins.v1'),
  pins: z.array(z.strictObject({ vkey: z.string(), host: z.string().min(1) })).max(1_000),
});

const keyName = (): string => `agilab-guardrails/${encodeURIComponent(processIdentity().host)}`;

async function requireOwnDirectory(directory: string): Promise<void> {
  if (await isOwnDirectory(directory)) return;
  const remedy = 'Use a real directory of your own that nobody else can write to (chmod 0700).';
  throw new CodedError('keys.unsafe', 'others could replace the key and the pins in this directory', remedy);
}

async function pin(directory: string, { vkey }: NoteSigner): Promise<void> {
  const pins: PinsFile = {
    schema: 'agilab.guardrails_pins.v1',
    pins: [{ vkey, host: processIdentity().host }],
  };
  await publishFile(join(directory, PINS_FILE), `${JSON.stringify(pins, null, 2)}\n`);
}

/**
 * Makes a signing key in `directory` and pins it for this host, so that the host can grade what it recorded itself. Where
 * an interrupted call left a key without pins, it pins that key.
 *
 * @throws CodedError `keys.exist`: a key is never replaced, since the journal it sealed could not be continued;
 * `keys.unsafe`, `keys.not-written`.
 */
export async function initKeys(directory: string): Promise<NoteSigner> {
  const exist = (): CodedError => {
    const remedy = 'Use the key that is there, or another directory for another key.';
    return new CodedError('keys.exist', 'this directory already has a signing key and pins', remedy);
  };
  try {
    await makeDirectory(directory);
    await requireOwnDirectory(directory);
    const fresh = generateSigner(keyName());
    const signer = await publishFile(join(directory, KEY_FILE), fresh.exportPem()).then(
      () => fresh,
      (error: unknown) => {
        if (errnoOf(error) === 'EEXIST') return loadSigner(directory);
        throw error;
      },
    );
    await pin(directory, signer);
    return signer;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw exist();
    if (error instanceof CodedError) throw error;
    const remedy = 'Name a directory that this user can write to, on a disk that has space.';
    throw new CodedError('keys.not-written', `the key could not be written (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  }
}

/** Reads a file that only this user (or root, who needs no file to forge) can have put there. */
async function readOwn(path: string, forbiddenMode: number): Promise<string> {
  try {
    return (await readBounded(path, { maxBytes: MAX_FILE_BYTES, owner: 'own', forbiddenMode })).toString(
      'utf8',
    );
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const remedy =
      'Make it a plain file of your own with mode 0600; if others could read a key or write pins, make them anew.';
    throw new CodedError('keys.unsafe', `the signing key or the pins: ${error.message}`, remedy, {
      cause: error,
    });
  }
}

/**
 * Returns the signer kept in `directory`.
 *
 * @throws CodedError `keys.missing`, `keys.unreadable`, `keys.unsafe` (others can read or replace it), `key.malformed`.
 */
export async function loadSigner(directory: string): Promise<NoteSigner> {
  let pem: string;
  try {
    await requireOwnDirectory(directory);
    pem = await readOwn(join(directory, KEY_FILE), 0o077);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if (errnoOf(error) === 'ENOENT') {
      throw new CodedError('keys.missing', 'there is no signing key', 'Run `guardrails keys init`.');
    }
    const remedy = 'Name the directory that holds the key of this user.';
    throw new CodedError('keys.unreadable', `the signing key cannot be read (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  }
  return signerFromPem(keyName(), pem);
}

/**
 * Returns the pins kept in `directory`; none when there is no pins file.
 *
 * @throws CodedError `keys.bad-pins`, `keys.unsafe` (others can write to it), `key.malformed`, `key.small-order`.
 */
export async function loadPins(directory: string): Promise<readonly Pin[]> {
  try {
    await requireOwnDirectory(directory);
    const { pins } = pinsFile.parse(JSON.parse(await readOwn(join(directory, PINS_FILE), 0o022)));
    for (const { vkey } of pins) parseVerifierKey(vkey);
    return pins;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (error instanceof CodedError) throw error;
    const remedy = 'Restore pins.json, make it readable, or pass the keys you trust by hand.';
    throw new CodedError('keys.bad-pins', `the pins file cannot be read (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  }
}
