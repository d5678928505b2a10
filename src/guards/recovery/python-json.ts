// The revision that AGILAB gives to a state: SHA-256 of Python's json.dumps(sort_keys=True, separators=(',', ':'),
// ensure_ascii=False). Only for values whose text Python and JavaScript agree on: a float they may spell otherwise.
import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../evidence/strict-json.ts';

/** Python sorts by code points, JavaScript by UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let index = 0; index < Math.min(x.length, y.length); index += 1) {
    const difference = (x[index]?.codePointAt(0) ?? 0) - (y[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}

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
  return createHash('sha256').update(encode(state)).digest('hex');
}
