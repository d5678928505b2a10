// JSON as RFC 8259 means it and nothing else. What two readers may take differently (a repeated key, NaN, 44.0 for an
// integer, a byte order mark) is refused, because a check and a use that read differently are a way in.
import { type DocumentNode, parse, type ValueNode } from '@humanwhocodes/momoa';
import { CodedError } from './coded-error.ts';

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
  /** Says where any number will do. Default nowhere: only safe integers count, and `44.0` and `1e1` are none. */
  readonly fractionAt?: (path: readonly (string | number)[]) => boolean;
}

/** Where a text is no strict JSON. Repeats none of the text. */
export class StrictJsonError extends CodedError {
  /** From 1; 0 where no position applies. */
  readonly line: number;
  readonly column: number;

  constructor(code: string, why: string, { line, column }: Place = NOWHERE) {
    super(code, line === 0 ? why : `${why} (line ${line}, column ${column})`, REMEDY);
    this.line = line;
    this.column = column;
  }
}

interface Place {
  readonly line: number;
  readonly column: number;
}

const NOWHERE: Place = { line: 0, column: 0 };
const REMEDY =
  'Write the text again with a plain JSON encoder: UTF-8, each key once, integers without a point.';
const DEFAULT_DEPTH = 32;
const HIGHEST_DEPTH = 512;

// `ignoreBOM` keeps the mark in the text, where it can be seen and refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(input: string | Uint8Array, maxBytes: number): string {
  // UTF-8 needs at least one byte for each UTF-16 unit, so the length is a bound that costs nothing.
  const size =
    typeof input === 'string' && input.length <= maxBytes ? Buffer.byteLength(input) : input.length;
  if (size > maxBytes) throw new StrictJsonError('json.too-large', `the text is over ${maxBytes} bytes`);
  if (typeof input === 'string') {
    if (!input.isWellFormed()) throw new StrictJsonError('json.encoding', 'the text holds a lone surrogate');
    return input;
  }
  try {
    return utf8.decode(input);
  } catch {
    throw new StrictJsonError('json.encoding', 'the bytes are not UTF-8');
  }
}

/** Counts brackets outside strings. The parser recurses, so depth must be known before it starts. */
function requireDepth(text: string, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > maxDepth) throw new StrictJsonError('json.too-deep', `nested more than ${maxDepth} deep`);
  }
}

function parseTree(text: string): DocumentNode {
  try {
    const tree = parse(text, { mode: 'json', ranges: true });
    JSON.parse(text); // a second reader must agree that this is JSON
    return tree;
  } catch (error) {
    const { line, column } = error as Partial<Place>;
    const place = typeof line === 'number' && typeof column === 'number' ? { line, column } : NOWHERE;
    throw new StrictJsonError('json.syntax', 'not JSON', place);
  }
}

type Path = readonly (string | number)[];

/** Turns the tree into plain values, refusing what JSON allows but readers disagree on. */
function read(node: ValueNode, text: string, path: Path, fractionAt: (path: Path) => boolean): JsonValue {
  const start = node.loc.start;
  switch (node.type) {
    case 'Null':
      return null;
    case 'Boolean':
      return node.value;
    case 'String':
      if (node.value.isWellFormed()) return node.value;
      throw new StrictJsonError('json.encoding', 'a lone surrogate is escaped', start);
    case 'Number': {
      const token = text.slice(...(node.range ?? [0, 0]));
      const fraction = fractionAt(path);
      if (!fraction && !/^-?\d+$/.test(token)) {
        throw new StrictJsonError('json.not-integer', 'a number is not written as an integer', start);
      }
      if (fraction ? Number.isFinite(node.value) : Number.isSafeInteger(node.value)) return node.value;
      throw new StrictJsonError('json.number-range', 'a number is out of range', start);
    }
    case 'Array':
      return node.elements.map(({ value }, index) => read(value, text, [...path, index], fractionAt));
    case 'Object': {
      const object: Record<string, JsonValue> = {};
      for (const { name, value } of node.members) {
        const key = name.type === 'String' ? name.value : name.name;
        const at = name.loc.start;
        if (!key.isWellFormed())
          throw new StrictJsonError('json.encoding', 'a lone surrogate is escaped', at);
        // Assigning it would set the prototype, and some validators pass over it without a word.
        if (key === '__proto__') throw new StrictJsonError('json.proto-key', 'a key is __proto__', at);
        if (Object.hasOwn(object, key)) {
          throw new StrictJsonError('json.duplicate-key', 'an object repeats a key', at);
        }
        object[key] = read(value, text, [...path, key], fractionAt);
      }
      return object;
    }
    default:
      throw new StrictJsonError('json.syntax', 'not JSON', start);
  }
}

/**
 * Returns the value of a JSON text (RFC 8259), read strictly: every key once, integers written as integers.
 *
 * @throws StrictJsonError `json.too-large`, `json.encoding` (no UTF-8, lone surrogate, byte order mark),
 * `json.too-deep`, `json.syntax` (also trailing bytes, NaN, comments), `json.duplicate-key`, `json.proto-key`,
 * `json.not-integer`, `json.number-range` (an integer that is not safe where one is due, a number that overflows).
 */
export function parseStrictJson(input: string | Uint8Array, limits: StrictJsonLimits): JsonValue {
  const { maxBytes, maxDepth = DEFAULT_DEPTH, fractionAt = () => false } = limits;
  const text = decode(input, maxBytes);
  if (text.startsWith('\ufeff')) throw new StrictJsonError('json.encoding', 'the text has a byte order mark');
  requireDepth(text, Math.min(maxDepth, HIGHEST_DEPTH));
  return read(parseTree(text).body, text, [], fractionAt);
}
