// That a journal extends what was seen of it before, told by a few hashes between two checkpoints instead of by its lines.
// The text is what a witness is sent (c2sp.org/tlog-witness, add-checkpoint). Runs anywhere.
import { fromBase64, sameBytes, toBase64 } from './bytes.ts';
import { type Checkpoint, parseCheckpoint, signedBy, type TreeHead } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { parseNoteKey } from './note-key.ts';
import { type Primitives, portable } from './primitives.ts';
import { checkConsistency } from './proof.ts';

const MAX_LENGTH = 131_072;
/** The limit of tlog-witness. */
const MAX_HASHES = 63;

export interface Consistency {
  /** Number of lines of the earlier checkpoint. */
  readonly before: number;
  readonly path: readonly Uint8Array[];
  /** The later checkpoint, as it was found. */
  readonly note: string;
}

const fail = (code: string, message: string): CodedError =>
  new CodedError(code, message, 'Do not accept the later checkpoint; keep both and compare the journals.');

/** Returns the text of a consistency proof. */
export function encodeConsistency({ before, path, note }: Consistency): string {
  return `old ${before}\n${path.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`;
}

/** @throws CodedError `consistency.malformed`. */
function parseConsistency(text: string): Consistency {
  const split = text.indexOf('\n\n');
  if (text.length > MAX_LENGTH || split < 0) throw fail('consistency.malformed', 'not a consistency proof');
  const [first = '', ...hashes] = text.slice(0, split).split('\n');
  const [, before] = /^old (0|[1-9][0-9]{0,14})$/.exec(first) ?? [];
  const path = hashes.map((line) => fromBase64(line) ?? new Uint8Array());
  if (before === undefined || path.length > MAX_HASHES || path.some((hash) => hash.length !== 32))
    throw fail('consistency.malformed', 'a consistency proof with a bad size or hash');
  return { before: Number(before), path, note: text.slice(split + 2) };
}

/**
 * Returns the later checkpoint of a consistency proof when it extends the earlier head. Says nothing of signatures.
 *
 * @throws CodedError `consistency.malformed`, `consistency.other-size`, `consistency.foreign-origin`,
 * `consistency.not-extended`; `checkpoint.malformed`.
 */
export function checkHead(before: TreeHead, text: string, { sha256 }: Primitives = portable): Checkpoint {
  const proof = parseConsistency(text);
  const later = parseCheckpoint(proof.note);
  const { origin, size, root } = later.claimed;
  if (proof.before !== before.size)
    throw fail('consistency.other-size', 'the proof starts at another size than the earlier checkpoint');
  if (origin !== before.origin)
    throw fail('consistency.foreign-origin', 'the checkpoints are of two journals');
  // Every tree extends the empty one; there is nothing to prove, and nothing may be sent.
  const empty =
    before.size === 0 && sameBytes(before.root, sha256(new Uint8Array())) && proof.path.length === 0;
  if (!empty && !checkConsistency(sha256, before.size, before.root, size, root, proof.path))
    throw fail(
      'consistency.not-extended',
      'the later checkpoint does not extend the earlier one: rollback or fork',
    );
  return later;
}

/**
 * Returns the later checkpoint when it extends the earlier one and a pinned key signed both.
 *
 * @throws CodedError as {@link checkHead}, and `consistency.unpinned`, `checkpoint.bad-signature`, `key.*`.
 */
export function verifyConsistency(
  earlier: string,
  text: string,
  vkeys: readonly string[],
  primitives: Primitives = portable,
): Checkpoint {
  const before = parseCheckpoint(earlier);
  const later = checkHead(before.claimed, text, primitives);
  const keys = vkeys.map((vkey) => parseNoteKey(vkey));
  for (const checkpoint of [before, later]) {
    if (!signedBy(checkpoint, keys, primitives))
      throw fail('consistency.unpinned', 'a checkpoint is signed by no pinned key');
  }
  return later;
}
