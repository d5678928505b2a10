// The signing key of this host and the keys it trusts, in one directory. The private key never leaves it; the pins are
// (key, host) pairs, because a key vouches only for the host that holds it.
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError, errnoOf } from './coded-error.ts';
import { processIdentity } from './identity.ts';
import { generateSigner, type NoteSigner, parseVerifierKey, signerFromPem } from './keys.ts';
import type { Pin } from './verify.ts';

const KEY_FILE = 'signing-key.pem';
const PINS_FILE = 'pins.json';

interface PinsFile {
  readonly schema: 'agilab.guardrails_pins.v1';
  readonly pins: readonly Pin[];
}
const pinsFile: z.ZodType<PinsFile> = z.strictObject({
  schema: z.literal('agilab.guardrails_pins.v1'),
  pins: z.array(z.strictObject({ vkey: z.string(), host: z.string().min(1) })).max(1_000),
});

const keyName = (): string => `agilab-guardrails/${encodeURIComponent(processIdentity().host)}`;

async function createOnce(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Makes a signing key in `directory` and pins it for this host, so that the host can grade what it recorded itself.
 *
 * @throws CodedError `keys.exist`: a key is never replaced, since the journal it sealed could not be continued.
 */
export async function initKeys(directory: string): Promise<NoteSigner> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const signer = generateSigner(keyName());
  try {
    await createOnce(join(directory, KEY_FILE), signer.exportPem());
    const pins: PinsFile = {
      schema: 'agilab.guardrails_pins.v1',
      pins: [{ vkey: signer.vkey, host: processIdentity().host }],
    };
    await createOnce(join(directory, PINS_FILE), `${JSON.stringify(pins, null, 2)}\n`);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const remedy = 'Use the key that is there, or another directory for another key.';
    throw new CodedError('keys.exist', 'this directory already has a signing key or pins', remedy);
  }
  return signer;
}

/** Reads a plain file that only this user (or root, who needs no file to forge) can have put there. */
async function readOwn(path: string, forbiddenMode: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    const foreign = process.geteuid !== undefined && stat.uid !== process.geteuid() && stat.uid !== 0;
    if (!stat.isFile() || (stat.mode & forbiddenMode) !== 0 || foreign) {
      const remedy =
        'Make it a plain file of your own with mode 0600; if others could read a key or write pins, make them anew.';
      throw new CodedError('keys.unsafe', 'the signing key or the pins are open to others', remedy);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Returns the signer kept in `directory`.
 *
 * @throws CodedError `keys.missing`, `keys.unsafe` (others can read or replace it), `key.malformed`.
 */
export async function loadSigner(directory: string): Promise<NoteSigner> {
  let pem: string;
  try {
    pem = await readOwn(join(directory, KEY_FILE), 0o077);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const remedy = 'Run `guardrails keys init`.';
    throw new CodedError('keys.missing', `no readable signing key (${errnoOf(error)})`, remedy, {
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
    const { pins } = pinsFile.parse(JSON.parse(await readOwn(join(directory, PINS_FILE), 0o022)));
    for (const { vkey } of pins) parseVerifierKey(vkey);
    return pins;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (error instanceof CodedError) throw error;
    const remedy = 'Restore pins.json, or pass the keys you trust by hand.';
    throw new CodedError('keys.bad-pins', 'the pins file cannot be read', remedy, { cause: error });
  }
}
