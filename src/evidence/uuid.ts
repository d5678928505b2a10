// UUID version 7 (RFC 9562 section 5.7): milliseconds, then a counter that makes the ids of one process rise strictly
// (section 6.2, method 1), then random bits. Sorted as text they are in the order in which they were made.
import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn for this many ids at once: one call of the generator costs more than an id. */
const POOL_IDS = 256;
const BYTES_PER_ID = 10; // 2 for the counter, 8 for the tail

const pool = Buffer.alloc(POOL_IDS * BYTES_PER_ID);
let digits = ''; // of the pool
let next = pool.length;
let time = 0;
let counter = 0;
/** The milliseconds as an id begins with them, and what they are. */
let [begin, begun] = ['', -1];

/** Makes all later ids of this process greater than `id`, whatever the clock says meanwhile. Ignores what is no UUID. */
export function riseAbove(id: string): void {
  const [, high = '', low = '', count = ''] = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-/.exec(id) ?? [];
  const millis = Number.parseInt(high + low, 16);
  if (!(millis > time || (millis === time && Number.parseInt(count, 16) > counter))) return;
  time = millis;
  counter = Number.parseInt(count, 16);
}

/** Returns a new UUIDv7, lowercase. */
export function uuidv7(): string {
  if (next === pool.length) {
    digits = randomFillSync(pool).toString('hex');
    next = 0;
  }
  const now = Date.now();
  if (now > time) {
    time = now;
    counter = pool.readUInt16BE(next) & 0x7ff; // 11 random bits: the twelfth leaves room to count
  } else if (++counter > 0xfff) {
    time++; // the clock stands still or ran back: go on ahead of it (RFC 9562 section 6.2, counter rollover)
    counter = pool.readUInt16BE(next) & 0x7ff;
  }
  if (begun !== time) {
    const millis = time.toString(16).padStart(12, '0');
    [begin, begun] = [`${millis.slice(0, 8)}-${millis.slice(8)}-7`, time];
  }
  const tail = 2 * (next + 2);
  const variant = '89ab'.charAt(pool.readUInt8(next + 2) >> 6);
  next += BYTES_PER_ID;
  const count = counter.toString(16).padStart(3, '0');
  return `${begin}${count}-${variant}${digits.slice(tail + 1, tail + 4)}-${digits.slice(tail + 4, tail + 16)}`;
}
