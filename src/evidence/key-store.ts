// The signing key of this machine and the keys it trusts, in one directory. The private key never leaves it; the pins say
// for which machine a key vouches, because it vouches only for the one that holds it.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CodedError, errnoOf } from './coded-error.ts';
import {
  isOwnDirectory,
  makeDirectory,
  publishFile,
  readBounded,
  removeDrafts,
  replaceFile,
  syncDirectory,
} from './files.ts';
import { processIdentity } from './identity.ts';
import { generateSigner, type NoteSigner, signerFromPem } from './keys.ts';
import { acquireLock } from './lock.ts';
import { parseNoteKey } from './note-key.ts';
import type { Pin } from './pin.ts';

const KEY_FILE = 'signing-key.pem';
const NEXT_KEY_FILE = 'signing-key.next.pem';
const PINS_FILE = 'pins.json';
/** Held while the key or the pins change: whoever reads, changes and writes them must not undo what another one did. */
const LOCK_NAME = 'keys-lock';
/** Drafts of these are removed: of a private key nothing must outlive it. */
const KEPT = /^(?:pins\.json|signing-key(?:\.next)?\.pem|.+-key\.pem)$/;
/** Longer than a rotation waits for the writer of the journal. */
const LOCK_WAIT_MS = 15_000;
const MAX_FILE_BYTES = 1_048_576;

/** Where the signing key of a state directory lies. */
export const keyPath = (directory: string): string => join(directory, KEY_FILE);

interface PinsFile {
  readonly schema: 'agilab.guardrails_pins.v1';
  readonly pins: readonly Pin[];
}
const time = z.iso.datetime();
const pinsFile: z.ZodType<PinsFile> = z.strictObject({
  schema: z.literal('agilab.guardrails_pins.v1'),
  pins: z
    .array(
      z.strictObject({
        vkey: z.string(),
        host: z.string().min(1).max(200),
        machine: z.string().min(1).max(200).optional(),
        notBefore: time.optional(),
        notAfter: time.optional(),
        revoked: time.optional(),
      }),
    )
    .max(1_000),
});

/** A new key is called after the host that makes it. The name stays with the key, whatever the host is called later. */
const newKeyName = (): string => `agilab-guardrails/${encodeURIComponent(processIdentity().host)}`;

/** The key file: the name, then PKCS#8 PEM. RFC 7468 section 2: text before the boundary line is ignored. */
const keyFile = (signer: NoteSigner): string => `Name: ${signer.name}\n${signer.exportPem()}`;

function signerFromFile(content: string): NoteSigner {
  const [, name = newKeyName()] = /^Name: (\S+)\n/.exec(content) ?? [];
  return signerFromPem(name, content);
}

async function requireOwnDirectory(directory: string): Promise<void> {
  if (await isOwnDirectory(directory)) return;
  const remedy = 'Use a real directory of your own that nobody else can write to (chmod 0700).';
  throw new CodedError('keys.unsafe', 'others could replace the key and the pins in this directory', remedy);
}

/** A pin of a key that this machine holds. */
export function ownPin({ vkey }: NoteSigner): Pin {
  const { host, machine } = processIdentity();
  return { vkey, host, ...(machine === 'unknown' ? {} : { machine }) };
}

const encodePins = (pins: readonly Pin[]): string =>
  `${JSON.stringify({ schema: 'agilab.guardrails_pins.v1', pins }, null, 2)}\n`;

/**
 * Does what changes the key or the pins in `directory`, one process at a time.
 *
 * @throws CodedError `keys.unsafe`, `keys.locked`; system errors; what `work` throws.
 */
export async function changingKeys<T>(directory: string, work: () => Promise<T>): Promise<T> {
  await requireOwnDirectory(directory);
  const lock = await acquireLock(join(directory, LOCK_NAME), LOCK_WAIT_MS, 'keys.locked');
  try {
    await removeDrafts(directory, (name) => KEPT.test(name));
    return await work();
  } finally {
    await lock.release();
  }
}

/** The signer kept in a directory; `undefined` where there is none. @throws as {@link loadSigner}. */
export async function presentSigner(directory: string): Promise<NoteSigner | undefined> {
  try {
    return await loadSigner(directory);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'keys.missing') return undefined;
    throw error;
  }
}

/**
 * Makes a signing key in `directory` and pins it for this host, beside the pins that are there, so that the host can grade
 * what it recorded itself. Where an interrupted call left a key without its pin, it pins that key.
 *
 * @throws CodedError `keys.exist`: a key is never replaced, since the journal it sealed could not be continued;
 * `keys.unsafe`, `keys.locked`, `keys.not-written`; `keys.bad-pins`.
 */
export async function initKeys(directory: string): Promise<NoteSigner> {
  try {
    await makeDirectory(directory);
    return await changingKeys(directory, async () => {
      const pins = await loadPins(directory); // first: where they cannot be read, no key is made that nobody could pin
      const present = await presentSigner(directory);
      const signer = present ?? generateSigner(newKeyName());
      if (pins.some(({ vkey }) => vkey === signer.vkey)) {
        const remedy = 'Use the key that is there, or another directory for another key.';
        throw new CodedError('keys.exist', 'this directory already has a signing key and its pin', remedy);
      }
      // First: a key without its pin would sign what nobody here believes; a pin whose key was never kept is believed in vain.
      await savePins(directory, [...pins, ownPin(signer)]);
      if (!present) await publishFile(keyPath(directory), keyFile(signer));
      return signer;
    });
  } catch (error) {
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
  let content: string;
  try {
    await requireOwnDirectory(directory);
    content = await readOwn(join(directory, KEY_FILE), 0o077);
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
  return signerFromFile(content);
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
    for (const { vkey } of pins) parseNoteKey(vkey);
    return pins;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (error instanceof CodedError) throw error;
    const remedy = 'Restore pins.json, make it readable, or pass the keys you trust by hand (--pin).';
    const why = errnoOf(error, 'it is not what `guardrails keys` writes');
    throw new CodedError('keys.bad-pins', `the pins file cannot be read (${why})`, remedy, {
      cause: error,
    });
  }
}

/** Replaces the pins kept in `directory`. @throws CodedError `keys.unsafe`, `keys.not-written`; system errors. */
export async function savePins(directory: string, pins: readonly Pin[]): Promise<void> {
  await requireOwnDirectory(directory);
  const file = pinsFile.safeParse({ schema: 'agilab.guardrails_pins.v1', pins });
  if (!file.success) {
    const remedy = 'Give host and machine 1 to 200 characters each, and keep at most 1,000 pins.';
    throw new CodedError('keys.not-written', 'the pins would not be readable', remedy);
  }
  await replaceFile(join(directory, PINS_FILE), encodePins(file.data.pins));
}

/**
 * Replaces the pins in `directory` by what `change` makes of them.
 *
 * @throws as {@link changingKeys}, {@link loadPins} and {@link savePins}; what `change` throws.
 */
export function changePins(
  directory: string,
  change: (pins: readonly Pin[]) => readonly Pin[],
): Promise<void> {
  return changingKeys(directory, async () => savePins(directory, change(await loadPins(directory))));
}

/**
 * Returns the key that is to follow the present one, made once and kept beside it until {@link adoptNextSigner}.
 *
 * @throws CodedError `keys.*`, `key.malformed`; system errors.
 */
export async function nextSigner(directory: string): Promise<NoteSigner> {
  await requireOwnDirectory(directory);
  const path = join(directory, NEXT_KEY_FILE);
  const fresh = generateSigner(newKeyName());
  try {
    await publishFile(path, keyFile(fresh));
    return fresh;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return signerFromFile(await readOwn(path, 0o077)); // of a rotation that was interrupted
  }
}

/** Makes the next key the present one. The old private key is gone afterwards. */
export async function adoptNextSigner(directory: string): Promise<void> {
  await rename(join(directory, NEXT_KEY_FILE), join(directory, KEY_FILE));
  await syncDirectory(directory);
}
