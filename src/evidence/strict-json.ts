// JSON as RFC 8259 means it and nothing else. What two readers may take differently (a repeated key, NaN, 44.0 for an
// integer, a byte order mark) is refused, because a check and a use that read differently are a way in. Runs in a
// browser too: no Buffer, no module of Node.
import { scanJson } from './json-scanner.ts';
import { StrictJsonError } from './strict-json-error.ts';

export { StrictJsonError } from './strict-json-error.ts';

/** A value of RFC 8259. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface StrictJsonLimits {
  /** Longest text in UTF-8 bytes. */
  readonly maxBytes: number;
  /** Deepest nesting of arrays and objects, at most 512. Default 32. */
  readonly maxDepth?: number;
  /**
   * Says where any number will do. Default nowhere: only safe integers count, and `44.0` and `1e1` are none. The path
   * is one array for the whole text: look at it, do not keep it.
   */
  readonly fractionAt?: (path: readonly (string | number)[]) => boolean;
  /** The name that errors give the text. */
  readonly file?: string | undefined;
}

const DEFAULT_DEPTH = 32;
const HIGHEST_DEPTH = 512;

// `ignoreBOM` keeps the mark in the text, where it can be seen and refused.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Returns the text, or refuses it by its size or encoding. */
function decode(input: string | Uint8Array, maxBytes: number, file: string | undefined): string {
  // UTF-8 needs one to three bytes for each UTF-16 unit, so the exact size rarely has to be counted.
  const isCounted = typeof input === 'string' && input.length <= maxBytes && input.length * 3 > maxBytes;
  const size = isCounted ? encoder.encode(input).length : input.length;
  if (!(size <= maxBytes)) throw new StrictJsonError('json.too-large', `over ${maxBytes} bytes`, file);
  if (typeof input === 'string') {
    if (input.isWellFormed()) return input;
    throw new StrictJsonError('json.encoding', 'the text holds a lone surrogate', file);
  }
  try {
    return decoder.decode(input);
  } catch {
    throw new StrictJsonError('json.encoding', 'the bytes are not UTF-8', file);
  }
}

/** A second reader must agree with the scanner. Its own error would repeat the text. */
function parse(text: string, file: string | undefined): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new StrictJsonError('json.syntax', 'not JSON', file);
  }
}

function countMembers(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const item of value as readonly JsonValue[]) count += countMembers(item);
  else {
    const object = value as JsonObject;
    for (const key of Object.keys(object)) count += 1 + countMembers(object[key] ?? null);
  }
  return count;
}

/**
 * Returns the value of a JSON text (RFC 8259), read strictly: every key once, integers written as integers.
 *
 * @throws StrictJsonError `json.too-large`, `json.encoding` (no UTF-8, lone surrogate, byte order mark),
 * `json.too-deep`, `json.syntax` (also trailing bytes, NaN, comments), `json.duplicate-key`, `json.proto-key`,
 * `json.not-integer`, `json.number-range` (an integer that is not safe where one is due, a number that overflows).
 */
export function parseStrictJson(input: string | Uint8Array, limits: StrictJsonLimits): JsonValue {
  const { maxBytes, maxDepth = DEFAULT_DEPTH, fractionAt, file } = limits;
  const text = decode(input, maxBytes, file);
  if (text.startsWith('\ufeff')) {
    throw new StrictJsonError('json.encoding', 'the text has a byte order mark', file);
  }
  const rules = { maxDepth: Math.min(maxDepth, HIGHEST_DEPTH), fractionAt, file };
  const members = scanJson(text, rules);
  const value = parse(text, file);
  // JSON.parse keeps the last of two equal keys, so a repeated one leaves fewer members than were scanned.
  if (members > 0 && countMembers(value) !== members) {
    scanJson(text, { ...rules, findDuplicate: true });
    throw new StrictJsonError('json.duplicate-key', 'an object repeats a key', file);
  }
  return value;
}
