// What a revoked key still vouches for: what is known to have been sealed before the time of the revocation. The key's own
// word does not count, since a thief can date as he likes; a witness's does, and so does what the caller saw itself. Runs
// anywhere.
import { toHex } from './bytes.ts';
import { type Checkpoint, cosignaturesOf } from './checkpoint.ts';
import { COSIGNATURE, type NoteKey } from './note-key.ts';
import { isRevoked, type Pin, validityOf } from './pin.ts';
import type { Primitives } from './primitives.ts';

/** A checkpoint that was kept, and when it was seen. */
export interface SeenHead {
  readonly checkpoint: string;
  /** Milliseconds since 1970. */
  readonly seen: number;
}

/** Returns the given pins, each as revoked as any of the same key is: under another name it is the same key. */
export function sharingRevocations<Pinned extends { readonly pin: Pin; readonly key: NoteKey }>(
  pinned: readonly Pinned[],
): readonly Pinned[] {
  const earliest = new Map<string, string>();
  for (const { pin, key } of pinned) {
    const before = earliest.get(toHex(key.publicKey));
    if (pin.revoked !== undefined && !(before !== undefined && Date.parse(before) <= Date.parse(pin.revoked)))
      earliest.set(toHex(key.publicKey), pin.revoked);
  }
  return pinned.map((each) => {
    const revoked = earliest.get(toHex(each.key.publicKey));
    return revoked === undefined ? each : { ...each, pin: { ...each.pin, revoked } };
  });
}

/** When the heads of a journal are known to have been there. */
export class Revocations {
  readonly #now: number;
  /** Of which key, and from and to which time its word counts. */
  readonly #witnesses: ReadonlyMap<NoteKey, readonly [number, number]>;
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
    this.#witnesses = new Map(
      pins
        .filter(({ pin, key }) => key.type === COSIGNATURE && pin.revoked === undefined)
        .map(({ pin, key }) => [key, validityOf(pin)]),
    );
  }

  /** Whether a pin is believed no more. */
  isRevoked(pin: Pin): boolean {
    return isRevoked(pin, this.#now);
  }

  /**
   * Whether a checkpoint was there before the key of a pin was revoked.
   *
   * @throws CodedError `checkpoint.bad-signature`: a pinned witness's name is on it, and not its signature.
   */
  precedes(checkpoint: Checkpoint, { revoked }: Pin): boolean {
    if (revoked === undefined) return true;
    const cosignatures = cosignaturesOf(checkpoint, [...this.#witnesses.keys()], this.#primitives);
    const witnessed = cosignatures.flatMap(({ key, time: seconds }) => {
      const time = seconds * 1_000;
      const [from, until] = this.#witnesses.get(key) ?? [time, time];
      return seconds > 0 && from <= time && time < until ? [time] : []; // 0 is no time (c2sp.org/tlog-witness)
    });
    return (
      Math.min(...witnessed, this.#seen.get(checkpoint) ?? Number.POSITIVE_INFINITY) < Date.parse(revoked)
    );
  }
}
