// How far the releases of one model by one key have come, so that an older one, still rightly signed, is noticed. One
// line per step in a file that only grows: the highest line counts, so two processes at once cannot set it back.
import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../evidence/coded-error.ts';

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
  return `${createHash('sha256')
    .update(`${materialOf(vkey)}\n${model}`)
    .digest('hex')
    .slice(0, 32)}.releases`;
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

/** Adds a release, durably, before anyone is given the model. */
export function advanceCounter(directory: string, name: string, { version, digest }: Counted): void {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  const fd = openSync(join(directory, name), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    const line = `${version} ${digest}\n`;
    if (writeSync(fd, line) !== line.length) throw new Error('short write to the release counter');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder); // the name of a new counter must last as well
  } finally {
    closeSync(folder);
  }
}
