// The two repairs that lose nothing: a state is swapped only for the one that was read, and what a dead writer left of a line
// is kept beside the log.
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '../../evidence/coded-error.ts';
import { publishFile, readBounded, replaceFile } from '../../evidence/files.ts';
import { acquireLock } from '../../evidence/lock.ts';
import { type JsonValue, parseStrictJson } from '../../evidence/strict-json.ts';
import { revisionOf } from './python-json.ts';

const MAX_BYTES = 16 * 1_048_576;
const OWN = { maxBytes: MAX_BYTES, owner: 'own', forbiddenMode: 0o022 } as const;
const LOCK_WAIT_MS = 5_000;

/** Runs a change of a file while no other process of this machine changes it. */
async function locked<T>(path: string, change: () => Promise<T>): Promise<T> {
  const lock = await acquireLock(
    join(dirname(path), `.${basename(path)}.lock`),
    LOCK_WAIT_MS,
    'recovery.locked',
  );
  try {
    return await change();
  } finally {
    await lock.release();
  }
}

/**
 * Replaces a state by the next one if it still has the revision that was read. Returns the new revision.
 *
 * @throws CodedError `recovery.stale-writer`, `recovery.locked`; `read.*`; StrictJsonError; system errors.
 */
export async function swapState(path: string, revision: string, next: JsonValue): Promise<string> {
  return await locked(path, async () => {
    const now = revisionOf(
      parseStrictJson(await readBounded(path, OWN), { maxBytes: MAX_BYTES, maxDepth: 64 }),
    );
    if (now !== revision) {
      const remedy = 'Read the state again and decide anew.';
      throw new CodedError('recovery.stale-writer', 'another session has written since', remedy);
    }
    await replaceFile(path, `${JSON.stringify(next)}\n`);
    return revisionOf(next);
  });
}

/**
 * Moves what follows the last whole line of a log into `.NAME.partial.<hex>.jsonl` beside it. Returns the path of that
 * file, or `undefined` when the log ends with a whole line.
 *
 * @throws CodedError `recovery.locked`; `read.*`; system errors.
 */
export async function quarantineTail(path: string): Promise<string | undefined> {
  return await locked(path, async () => {
    const bytes = await readBounded(path, OWN);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end === bytes.length) return undefined;
    const aside = join(dirname(path), `.${basename(path)}.partial.${randomBytes(8).toString('hex')}.jsonl`);
    await publishFile(aside, bytes.subarray(end)); // kept before it is taken away
    await replaceFile(path, bytes.subarray(0, end));
    return aside;
  });
}
