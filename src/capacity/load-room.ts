// The memory that models are read to. A process that loads again and again would touch fresh pages for every byte of every
// file, which can take it longer than to hash them; and of a file nothing is kept once it is decoded.
import { Buffer } from 'node:buffer';
import type { Room } from '../files/walk.ts';

/** Twice AGILAB's model. A larger file gets memory of its own. */
const BYTES = 4 * 2 ** 20;

/** What no load has at the moment. Held weakly: a process that loads no more gives it up with the next collection. */
let idle: WeakRef<Buffer> | undefined;

/**
 * Calls `use` with room to read one file to, which is its own until what it returns is settled: a load that comes meanwhile
 * gets other memory. Nothing that is read there may be kept, for the next load writes over it.
 */
export async function withRoom<T>(use: (room: Room) => Promise<T>): Promise<T> {
  let held: Buffer | undefined;
  const room: Room = (bytes) => {
    if (bytes > BYTES) return Buffer.allocUnsafeSlow(bytes);
    held = idle?.deref() ?? Buffer.allocUnsafeSlow(BYTES);
    idle = undefined;
    return held.subarray(0, bytes);
  };
  try {
    return await use(room);
  } finally {
    if (held !== undefined) idle = new WeakRef(held);
  }
}
