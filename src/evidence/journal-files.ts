// The files of a journal directory: what they are called, and how an auditor reads them without a lock.
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, errnoOf } from './coded-error.ts';
import { readBounded, whyOf } from './files.ts';
import type { JournalFiles, SegmentFile } from './pass.ts';
import { decodeStart } from './start.ts';

export const CHECKPOINT_FILE = 'checkpoint';
export const HEAD_FILE = 'head';
/** Where a journal begins whose first lines were retired. */
export const START_FILE = 'start';
/** The lock is called `lock,<identity>`. */
export const LOCK_NAME = 'lock';

const MAX_CHECKPOINT_BYTES = 64 * 1024;
const READ_BYTES = 64 * 1024;

/** The name of the file whose first line is the one at position `first`. */
export const segmentName = (first: number): string => `journal-${String(first).padStart(12, '0')}.jsonl`;

/** The first file of lines. */
export const FIRST_SEGMENT: string = segmentName(0);

/** The name of the checkpoint of `size` lines at which the journal went over to another key. */
export const rotationName = (size: number): string => `rotation-${String(size).padStart(12, '0')}`;
const MAX_ROTATIONS = 1_000;

/** A failure of the journal. */
export const fail = (code: string, message: string, remedy: string, cause?: unknown): CodedError =>
  new CodedError(code, message, remedy, cause === undefined ? undefined : { cause });

/** Returns the positions that the files of lines in a directory begin at, in order. */
export async function segmentsIn(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => /^journal-(\d{12})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Yields the bytes of a plain file from `start` to where it ended when it was opened. */
export async function* readSegment(path: string, start = 0): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw fail('read.not-plain', 'it is no plain file', 'Put a plain file there.');
    for (let at = start; at < stat.size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, stat.size - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) return; // it has become shorter
      yield chunk.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** How often, and after how many milliseconds, half a line is looked at again: its writer may be in the middle of it. */
const LOOKS = 10;
const LOOK_MS = 20;

/** Yields the bytes of the file that may still be written to. Half a line at its end is read until the line is whole. */
async function* readActive(path: string): AsyncGenerator<Buffer> {
  let at = 0;
  let whole = true;
  for await (const chunk of readSegment(path)) {
    at += chunk.length;
    whole = chunk.at(-1) === 0x0a;
    yield chunk;
  }
  for (let look = 0; look < LOOKS && !whole; look++) {
    await sleep(LOOK_MS);
    for await (const chunk of readSegment(path, at)) {
      const end = chunk.indexOf(0x0a) + 1;
      whole = end > 0;
      const piece = whole ? chunk.subarray(0, end) : chunk;
      at += piece.length;
      yield piece;
      if (whole) break;
    }
  }
}

const readNote = async (path: string): Promise<string> =>
  (await readBounded(path, { maxBytes: MAX_CHECKPOINT_BYTES })).toString('utf8');

async function readRotations(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory)).filter((name) => /^rotation-\d{12}$/.test(name)).sort();
  return Promise.all(names.slice(0, MAX_ROTATIONS).map((name) => readNote(join(directory, name))));
}

/** Returns the checkpoint as text; `undefined` when there is none. */
export async function readCheckpoint(directory: string): Promise<string | undefined> {
  try {
    return await readNote(join(directory, CHECKPOINT_FILE));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the text of the start file; `undefined` when there is none. */
export async function readStart(directory: string): Promise<string | undefined> {
  try {
    return await readNote(join(directory, START_FILE));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const unreadable = (error: unknown): CodedError =>
  fail(
    'journal.unreadable',
    `no readable journal in the directory (${whyOf(error)})`,
    `Name a directory that holds ${FIRST_SEGMENT} or a later file of lines; with --dir, the one around its folder \`journal\`.`,
    error,
  );

/** The same bytes, with the error that an auditor sees. */
async function* orUnreadable(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes;
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * Returns the journal in `directory`, for {@link verifyJournal}; its lines are read when they are asked for. Takes no
 * lock: the checkpoint is read first, so lines appended meanwhile are merely not covered by it.
 *
 * @throws CodedError `journal.unreadable`, also while the lines are read.
 */
export async function readJournal(directory: string): Promise<JournalFiles> {
  try {
    const checkpoint = await readCheckpoint(directory);
    const start = await readStart(directory);
    // Files before the start are left over from a retirement that was interrupted.
    const begin = decodeStart(start ?? '')?.edge.size ?? 0;
    const firsts = (await segmentsIn(directory)).filter((first) => first >= begin);
    if (firsts.length === 0) throw Object.assign(new Error('no segment'), { code: 'ENOENT' });
    const segments = firsts.map((first, index): SegmentFile => {
      const path = join(directory, segmentName(first));
      return {
        first,
        bytes: () => orUnreadable(index === firsts.length - 1 ? readActive(path) : readSegment(path)),
      };
    });
    return { segments, checkpoint, rotations: await readRotations(directory), start };
  } catch (error) {
    throw unreadable(error);
  }
}
