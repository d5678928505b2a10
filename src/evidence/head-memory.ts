// What a verifier saw last of each journal: the signed checkpoint, kept where the journal's writer need not come. Held
// against it, a rollback, a fork, or a journal begun anew under the same key is an error and no first sight.
import { lstat, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoint, isBy, parseCheckpoint, signedBy } from './checkpoint.ts';
import { CodedError, errnoOf } from './coded-error.ts';
import { isOwnDirectory, makeDirectory, readBounded, replaceFile, whyOf } from './files.ts';
import { acquireLock } from './lock.ts';
import { native } from './native.ts';
import { parseNoteKey } from './note-key.ts';
import type { Pin } from './pin.ts';
import type { SeenHead } from './revocation.ts';
import { sha256Hex } from './sha256.ts';

const MAX_NOTE_BYTES = 65_536;
const LOCK_WAIT_MS = 5_000;

const nameOf = (text: string): string => sha256Hex(text).slice(0, 32);

/** Where this user's verifiers remember: `$XDG_STATE_HOME`, else `~/.local/state` (XDG Base Directory Specification). */
export function defaultMemory(): string {
  const state = process.env['XDG_STATE_HOME'];
  const absolute = state?.startsWith('/') === true; // the specification: a relative path is to be ignored
  return join(absolute ? state : join(homedir(), '.local/state'), 'agilab-guardrails/heads');
}

const failed = (what: string, error: unknown): CodedError =>
  new CodedError(
    'memory.failed',
    `the heads seen earlier could not be ${what} (${whyOf(error)})`,
    'Make agilab-guardrails/heads below $XDG_STATE_HOME (else ~/.local/state) a directory of this user alone (chmod 0700), or set XDG_STATE_HOME to another place: there nothing is remembered, so pass the checkpoint that you kept with --previous.',
    { cause: error },
  );

/** Checkpoints by origin, in a directory of their own. */
export class HeadMemory {
  readonly #directory: string;

  /** @param directory made with mode 0700 when something is to be kept. */
  constructor(directory: string = defaultMemory()) {
    this.#directory = directory;
  }

  /**
   * Returns the checkpoints seen last of the journal with this checkpoint, and of any other that was sealed by a pinned key
   * which seals this one: a key seals one journal, whatever it calls itself. Where the checkpoint is lost, returns that of the
   * only journal that the pinned keys have signed.
   *
   * @throws CodedError `memory.failed`: there may be one, and it cannot be read.
   */
  async recall(pins: readonly Pin[], present: Checkpoint | undefined): Promise<readonly SeenHead[]> {
    try {
      const keys = pins
        .map(({ vkey }) => parseNoteKey(vkey))
        .filter((key) => present?.signatures.some((line) => isBy(line, key)) ?? true);
      const heads: SeenHead[] = [];
      for (const name of await this.#names()) heads.push(await this.#read(name)); // there may be more than descriptors
      const known = heads.map((head) => ({ head, seen: parseCheckpoint(head.checkpoint) }));
      const ofKeys = known.filter(({ seen }) => signedBy(seen, keys, native) !== undefined);
      const own = known.filter(
        (each) => each.seen.claimed.origin === present?.claimed.origin || ofKeys.includes(each),
      );
      return present === undefined && own.length > 1 ? [] : own.map(({ head }) => head);
    } catch (error) {
      throw failed('read', error);
    }
  }

  async #names(): Promise<readonly string[]> {
    try {
      if (!(await isOwnDirectory(this.#directory)))
        throw new CodedError('memory.unsafe', 'others may write to it', 'Make it mode 0700.');
      return (await readdir(this.#directory)).filter((name) => /^[0-9a-f]{32}$/.test(name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** It was seen when it was written: what is kept is replaced, never changed. */
  async #read(name: string): Promise<SeenHead> {
    const policy = { maxBytes: MAX_NOTE_BYTES, owner: 'own', forbiddenMode: 0o022 } as const;
    const path = join(this.#directory, name);
    const checkpoint = (await readBounded(path, policy)).toString('utf8');
    const { mtimeMs } = await lstat(path); // after the content: of one replaced in between it is too late, never too early
    return { checkpoint, seen: mtimeMs };
  }

  /**
   * Keeps the checkpoint of a journal that was verified, unless a larger one is kept already.
   *
   * @throws CodedError `memory.failed`, `memory.locked`.
   */
  async remember(note: string): Promise<void> {
    const { origin, size } = parseCheckpoint(note).claimed;
    const name = nameOf(origin);
    try {
      await makeDirectory(this.#directory);
      const lock = await acquireLock(join(this.#directory, 'lock'), LOCK_WAIT_MS, 'memory.locked');
      try {
        const kept = (await this.#names()).includes(name)
          ? parseCheckpoint((await this.#read(name)).checkpoint)
          : undefined;
        if (kept && kept.claimed.size >= size) return;
        await replaceFile(join(this.#directory, name), note);
      } finally {
        await lock.release();
      }
    } catch (error) {
      if (error instanceof CodedError && error.code === 'memory.locked') throw error;
      throw failed('kept', error);
    }
  }
}
