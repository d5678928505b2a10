// A journal goes over to another key by a record that names the new one, sealed at once by both keys. Whoever has pinned
// the old key can follow, and nobody else can lead there. Runs anywhere.
import { toHex } from './bytes.ts';
import { type Checkpoint, parseCheckpoint, signedBy } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { type NoteKey, parseNoteKey } from './note-key.ts';
import type { Pin } from './pin.ts';
import type { Primitives } from './primitives.ts';
import type { EvidenceRecord } from './record.ts';
import type { Revocations } from './revocation.ts';

/** Code of the record that names the successor of a key, and the kind of its subject. */
export const ROTATION_CODE = 'journal.key-rotated';
export const KEY_SUBJECT = 'signing-key';

/** Returns the verifier key that a record names as successor; `undefined` when it is no such record. */
export function successorIn(record: EvidenceRecord): string | undefined {
  const names = record.mode === 'repair' && record.codes.includes(ROTATION_CODE);
  return names && record.subject?.kind === KEY_SUBJECT ? record.subject.name : undefined;
}

/** Returns the checkpoints among `notes`, smallest first. One that is damaged leads nowhere, and is left out. */
export function parseRotations(notes: readonly string[]): readonly Checkpoint[] {
  const parsed = notes.flatMap((note) => {
    try {
      return parseCheckpoint(note);
    } catch (error) {
      if (error instanceof CodedError) return [];
      throw error;
    }
  });
  return parsed.sort((a, b) => a.claimed.size - b.claimed.size);
}

/** A key that is trusted, and the position of the line from which on it has to answer. */
export interface Trusted {
  readonly key: NoteKey;
  readonly pin: Pin;
  readonly since: number;
}

/**
 * The validity of a pin is that of its own key; the machine is that of its heirs as well. So is a revocation, unless the
 * rotation is known to have come first: a thief could hand the journal over to a key of his own.
 */
const heirOf = ({ vkey, host, machine, revoked }: Pin, isEarlier: boolean): Pin => ({
  vkey,
  host,
  machine,
  ...(isEarlier ? {} : { revoked }),
});

/**
 * Returns the given keys and those that they handed the journal over to. `rootAt` are the roots of the journal at the
 * sizes of the rotations, hex, and `successors` the keys that its records name.
 */
export function followRotations(
  pinned: readonly Trusted[],
  rotations: readonly Checkpoint[],
  rootAt: ReadonlyMap<number, string>,
  successors: ReadonlyMap<number, string>,
  revocations: Revocations,
  primitives: Primitives,
): readonly Trusted[] {
  const trusted = [...pinned];
  for (const rotation of rotations) {
    const { size, root } = rotation.claimed;
    // The last one that is covered: it is sealed right after it was written.
    const since = Math.max(-1, ...[...successors.keys()].filter((seq) => seq < size));
    const vkey = successors.get(since);
    if (vkey === undefined || rootAt.get(size) !== toHex(root)) continue;
    try {
      const signer = signedBy(
        rotation,
        trusted.map(({ key }) => key),
        primitives,
      );
      const next = parseNoteKey(vkey);
      const from = trusted.find(({ key }) => key === signer);
      if (!from || signedBy(rotation, [next], primitives) !== next) continue;
      if (!trusted.some(({ key }) => key.vkey === next.vkey))
        trusted.push({ key: next, pin: heirOf(from.pin, revocations.precedes(rotation, from.pin)), since });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // a forged signature leads nowhere
    }
  }
  return trusted;
}
