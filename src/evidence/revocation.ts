// What a revoked key still vouches for: what is known to have been sealed before the time of the revocation. The key's own
// word does not count, since a thief can date as he likes; a witness's does, and so does what the caller saw itself. Runs
// anywhere.
import { type Checkpoint, cosignaturesOf } from './checkpoint.ts';
import { COSIGNATURE, type NoteKey } from './note-key.ts';
import type { Pin } from './pin.ts';
import type { Primitives } from './primitives.ts';

/** A checkpoint that was kept, and when it was seen. */
export interface SeenHead {
  readonly checkpoint: string;
  /** Milliseconds since 1970. */
  readonly seen: number;
}

/** When the heads of a journal are known to have been there. */
export class Revocations {
  readonly #now: number;
  readonly #witnesses: readonly NoteKey[];
  readonly #primitives: Primitives;
  readonly #seen: ReadonlyMap<Checkpoint, number>;

  /** @param seen when the caller saw a checkpoint itself, in milliseconds since 1970 */
  constructor(
    now: number,
    pins: readonly { readonly pin: Pin; readonly key: NoteKey }[],
    primitives: Primitives,
    seen: ReadonlyMap<Checkpoint, number>,
  ) {
    this.#now = now;
    this.#primitives = primitives;
    this.#seen = seen;
    this.#witnesses = pins
      .filter(({ pin, key }) => key.type === COSIGNATURE && pin.revoked === undefined)
      .map(({ key }) => key);
  }

  /** Whether a pin is believed no more. */
  isRevoked({ revoked }: Pin): boolean {
    return revoked !== undefined && Date.parse(revoked) <= this.#now;
  }

  /**
   * Whether a checkpoint was there before the key of a pin was revoked.
   *
   * @throws CodedError `checkpoint.bad-signature`: a pinned witness's name is on it, and not its signature.
   */
  precedes(checkpoint: Checkpoint, { revoked }: Pin): boolean {
    if (revoked === undefined) return true;
    const witnessed = cosignaturesOf(checkpoint, this.#witnesses, this.#primitives).map(
      ({ time }) => time * 1_000,
    );
    return (
      Math.min(...witnessed, this.#seen.get(checkpoint) ?? Number.POSITIVE_INFINITY) < Date.parse(revoked)
    );
  }
}
