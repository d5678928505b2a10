// The directory in which this host keeps its key, its pins and its journal; `.guardrails` unless told otherwise.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { processIdentity } from '../evidence/identity.ts';
import type { Journal } from '../evidence/journal.ts';
import { readJournal } from '../evidence/journal-files.ts';
import { initKeys, loadPins, loadSigner } from '../evidence/key-store.ts';
import { type NoteSigner, parseVerifierKey } from '../evidence/keys.ts';
import { openJournal } from '../evidence/open-journal.ts';
import { type JournalVerdict, type Pin, verifyJournal } from '../evidence/verify.ts';

/** Options of every command that touches the state directory. */
export interface StateOptions {
  readonly dir: string;
}

/** Options of every command that reads a journal. */
export interface VerdictOptions extends StateOptions {
  readonly pin?: readonly string[];
  readonly previous?: string;
}

const journalDirectory = (dir: string): string => join(dir, 'journal');

/** Longest input that is read, in bytes: /dev/zero has no end. */
const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/** Returns all that a stream holds. @throws CodedError `input.too-large`. */
export async function readBounded(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > MAX_INPUT_BYTES)
      throw new CodedError('input.too-large', 'the input is over 16 MiB', 'Send less.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns a file's bytes, for a file that the user named. */
export async function readInput(path: string): Promise<Buffer> {
  try {
    return await readBounded(createReadStream(path));
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const remedy = 'Name a file that this user can read.';
    throw new CodedError('input.unreadable', `cannot read ${path} (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  }
}

async function hasJournal(dir: string): Promise<boolean> {
  try {
    await readJournal(journalDirectory(dir));
    return true;
  } catch {
    return false;
  }
}

/** Makes the key of a fresh directory, or takes the one that another process made in the same moment. */
async function firstSigner(dir: string): Promise<NoteSigner> {
  try {
    const signer = await initKeys(dir);
    process.stderr.write(`Made a signing key in ${dir} and pinned it for this host: ${signer.vkey}\n`);
    return signer;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'keys.exist') return loadSigner(dir);
    throw error;
  }
}

/** Opens the journal for writing. On a fresh directory it makes a key first and says so; it never replaces one. */
export async function openState({ dir }: StateOptions): Promise<Journal> {
  let signer: NoteSigner;
  try {
    signer = await loadSigner(dir);
  } catch (error) {
    const fresh = error instanceof CodedError && error.code === 'keys.missing';
    if (!fresh || (await hasJournal(dir))) throw error;
    signer = await firstSigner(dir);
  }
  return openJournal({ directory: journalDirectory(dir), signer });
}

function decodeHost(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // no name of ours then, and no host is called that
  }
}

/** A key vouches for the host that its name carries (`agilab-guardrails/<host>`). */
function pinOf(vkey: string): Pin {
  const { name } = parseVerifierKey(vkey);
  const [, host] = /^agilab-guardrails\/(.+)$/.exec(name) ?? [];
  if (host === undefined) {
    const remedy = 'Pass the key as `guardrails keys show` prints it on the host that signs.';
    throw new CodedError('key.malformed', 'the name in the verifier key is no host of ours', remedy);
  }
  return { vkey, host: decodeHost(host) };
}

/**
 * Verifies the journal in a state directory. Pins given by hand replace those in the directory; of the latter, only
 * this host's own count, since a directory that came from elsewhere must not vouch for itself.
 */
export async function readVerdict({ dir, pin, previous }: VerdictOptions): Promise<JournalVerdict> {
  const { host } = processIdentity();
  const pins = pin ? pin.map(pinOf) : (await loadPins(dir)).filter((local) => local.host === host);
  const files = await readJournal(journalDirectory(dir));
  const earlier = previous === undefined ? undefined : (await readInput(previous)).toString('utf8');
  return verifyJournal(files, { pins, previous: earlier });
}
