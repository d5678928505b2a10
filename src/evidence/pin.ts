// Whom a reader of evidence believes, for which machine, and when.

/**
 * A key and the only machine whose records it may vouch for. One of the cosigner type (c2sp.org/tlog-cosignature) is that of a
 * witness: it vouches for no record, only for when a checkpoint was there.
 */
export interface Pin {
  readonly vkey: string;
  /** Name of the machine when it was pinned. A label where `machine` is known, since a machine may be renamed. */
  readonly host: string;
  /** Machine id (see processIdentity). Without one the host's name has to do, and whatever machine bore it first. */
  readonly machine?: string | undefined;
  /** Lines that this key has to answer for are dated from then on, and before then. RFC 3339, UTC. */
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
  /**
   * From then on nothing is believed that this key alone signed, whatever date it bears, since a thief can date as he likes;
   * what a pinned witness or the reader itself saw before then stays believed. RFC 3339, UTC.
   */
  readonly revoked?: string | undefined;
}

/** From and to which time a pin is good, in milliseconds since 1970. */
export const validityOf = ({ notBefore, notAfter }: Pin): readonly [number, number] => [
  notBefore === undefined ? Number.NEGATIVE_INFINITY : Date.parse(notBefore),
  notAfter === undefined ? Number.POSITIVE_INFINITY : Date.parse(notAfter),
];

/** Whether a pin is believed no more at a time, in milliseconds since 1970. */
export const isRevoked = ({ revoked }: Pin, now: number): boolean =>
  revoked !== undefined && Date.parse(revoked) <= now;
