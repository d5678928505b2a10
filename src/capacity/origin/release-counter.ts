// How far the releases of one model by one key have come, so that an older one, still rightly signed, is noticed. One
// line per step in a file that only grows: the highest line counts, so two processes at once cannot set it back.
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../evidence/coded-error.ts';
import { append, openAppend, readHandle, syncDirectory } from '../../evidence/files.ts';
import { sha256Hex } from '../../evidence/sha256.ts';

/** The highest release seen so far. */
export interface Counted {
  readonly version: number;
  /** SHA-256 of that model, 64 lowercase hex digits. */
  readonly digest: string;
}

/** 1 MiB: over ten thousand releases. */
export const MAX_COUNTER_BYTES = 1_048_576;

/** Returns the key itself, without the name that somebody gave it: under another name it is no other key. */
export const materialOf = (vkey: string): string => vkey.split('+').slice(2).join('+');

/** Returns the file name of a counter. One per key: a leaked key can spoil its own counter and no other. */
export function counterName(vkey: string, model: string): string {
  return `${sha256Hex(`${materialOf(vkey)}\n${model}`).slice(0, 32)}.releases`;
}

/**
 * Returns the highest release in the content of a counter; `undefined` in an empty one.
 *
 * @throws CodedError `counter.malformed`: a line is no release, or the last was not written to its end.
 */
export function readCounter(content: string): Counted | undefined {
  const lines = content.split('\n');
  let highest: Counted | undefined;
  const tail = lines.pop();
  for (const line of lines) {
    const [, version = '', digest = ''] = /^([1-9]\d{0,15}) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (version === '' || !Number.isSafeInteger(Number(version))) throw malformed();
    if (!highest || Number(version) > highest.version) highest = { version: Number(version), digest };
  }
  if (tail !== '') throw malformed();
  return highest;
}

const malformed = (): CodedError =>
  new CodedError(
    'counter.malformed',
    'the release counter has a line that is no release',
    'Look at it. A last line without an end was never granted and may be cut off.',
  );

const overtaken = (): CodedError =>
  new CodedError(
    'counter.overtaken',
    'another process has meanwhile used a newer release, or another model under this version',
    'Use the newest release of the model; a version is never used for two models.',
  );

const contentOf = async (file: FileHandle): Promise<string> =>
  (await readHandle(file, MAX_COUNTER_BYTES)).toString('latin1');

/**
 * Makes sure, durably, that the counter has come to this release and no further, before anyone is given the model.
 * Another process may have counted since the look, so what decides is the highest line once ours is among them: of two
 * releases at once the older is refused, and of two models under one version the one that was written second.
 *
 * @throws CodedError `counter.overtaken`, `counter.malformed`, `read.too-large`; system errors when it cannot be written.
 */
export async function rememberRelease(
  directory: string,
  name: string,
  { version, digest }: Counted,
): Promise<void> {
  const file = await openAppend(join(directory, name));
  try {
    const before = readCounter(await contentOf(file));
    if (!before || before.version < version) await append(file, Buffer.from(`${version} ${digest}\n`));
    await file.sync(); // also where another process wrote the line: it may not have come to its own sync yet
    const highest = readCounter(await contentOf(file));
    if (highest?.version !== version || highest.digest !== digest) throw overtaken();
  } finally {
    await file.close();
  }
  await syncDirectory(directory); // the name of a new counter must last as well
}
