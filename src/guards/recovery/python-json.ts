// The revision that AGILAB gives to a state: SHA-256 of Python's json.dumps(sort_keys=True, separators=(',', ':'),
// ensure_ascii=False). Only for values whose text Python and JavaScript agree on: a float they may spell otherwise.

import { sha256Hex } from '../../evidence/sha256.ts';
import type { JsonObject, JsonValue } from '../../evidence/strict-json.ts';

/** Python sorts by code points, JavaScript by UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const difference = rank(a.charCodeAt(index)) - rank(b.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Units in the order of the points that they are part of: surrogates after all others. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

function encode(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value as JsonObject).toSorted(([a], [b]) => byCodePoint(a, b));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${encode(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Returns the revision of a state, 64 lowercase hex digits. The state holds no float: parse it strictly. */
export function revisionOf(state: JsonValue): string {
  return sha256Hex(encode(state));
}
