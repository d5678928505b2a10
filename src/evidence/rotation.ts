// A journal goes over to another key by a record that names the new one, sealed at once by both keys. Whoever has pinned
// the old key can follow, and nobody else can lead there. Runs anywhere.
import { type AdoptionStatement, adoptedRanges, membership } from './adopted.ts';
import { toHex } from './bytes.ts';
import { type Checkpoint, parseCheckpoint, signersOf } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { type NoteKey, parseNoteKey } from './note-key.ts';
import { type Pin, validityOf } from './pin.ts';
import type { Primitives } from './primitives.ts';
import type { EvidenceRecord } from './record.ts';
import type { Revocations } from './revocation.ts';
import type { Times } from './times.ts';

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
  /** From where on the lines of a key that led to it are dated outside of that key's time. */
  readonly outside?: number | undefined;
}

/**
 * Returns from where on the lines up to position `end` are dated outside of the time that the key which answers for them is
 * pinned for; `undefined` where none is.
 */
export function outsideValidity(
  { pin, since, outside }: Trusted,
  end: number,
  times: Times,
): number | undefined {
  if (outside !== undefined) return outside;
  const span = times.between(since, end);
  const [from, until] = validityOf(pin);
  const within = !span || (Date.parse(span.earliest) >= from && Date.parse(span.latest) < until);
  return within ? undefined : since;
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

/** What a journal says of its keys. */
export interface KeyHistory {
  /** Its roots at the sizes of the rotations, hex. */
  readonly rootAt: ReadonlyMap<number, string>;
  /** The keys that its records name, by the position of the record, first to last. */
  readonly successors: ReadonlyMap<number, string>;
  /** What it says of lines that were adopted: whoever appends one without a key must not name a successor. */
  readonly statements: readonly AdoptionStatement[];
  readonly times: Times;
}

/**
 * Returns the given keys and those that they handed the journal over to. One that is given as well comes twice: it may
 * answer for all lines, or for those since it was handed the journal, and the one before it for the others.
 */
export function followRotations(
  pinned: readonly Trusted[],
  rotations: readonly Checkpoint[],
  { rootAt, successors, statements, times }: KeyHistory,
  revocations: Revocations,
  primitives: Primitives,
): readonly Trusted[] {
  const trusted = [...pinned];
  const lastNamed = new Map<number, readonly [seq: number, vkey: string] | undefined>();
  for (const rotation of rotations) {
    const { size, root } = rotation.claimed;
    if (rootAt.get(size) !== toHex(root)) continue;
    if (!lastNamed.has(size)) {
      const isAdopted = membership(adoptedRanges(statements, size));
      // The last one that is covered: it is sealed right after it was written.
      lastNamed.set(size, [...successors].filter(([at]) => at < size && !isAdopted(at)).at(-1));
    }
    const [seq, vkey] = lastNamed.get(size) ?? [];
    if (seq === undefined || vkey === undefined) continue;
    try {
      const next = parseNoteKey(vkey);
      const signers = signersOf(
        rotation,
        trusted.map(({ key }) => key),
        primitives,
      );
      if (signersOf(rotation, [next], primitives).length === 0) continue;
      const before = trusted.filter(({ key }) => key.vkey !== vkey && signers.includes(key));
      const since = seq + 1;
      const isWithin = (each: Trusted): boolean => outsideValidity(each, since, times) === undefined;
      const from = before.find(isWithin) ?? before[0];
      if (!from) continue;
      const outside = outsideValidity(from, since, times);
      const known = trusted.filter(({ key }) => key.vkey === vkey);
      const own = known.find((each) => pinned.includes(each));
      const isEarlier = revocations.precedes(rotation, from.pin);
      if (known.length === 0) trusted.push({ key: next, pin: heirOf(from.pin, isEarlier), since, outside });
      else if (own && (isEarlier || !revocations.isRevoked(from.pin)))
        trusted.push({ ...own, since, outside });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // a forged signature leads nowhere
    }
  }
  return trusted;
}
