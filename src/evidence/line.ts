// One spelling for each record: what a journal line may look like, byte for byte. A line that two readers could read
// differently (a repeated key, another order, a character that Python takes for the end of a line) is no record. The
// grammar is made from the schema, so there is one definition; the writer asks it too before it writes.
import { plainRecord } from './plain-record.ts';
import { type EvidenceRecord, evidenceRecordJsonSchema, MAX_RECORD_BYTES } from './record.ts';

/** The part of JSON Schema that the record's schema uses. */
interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

// Never raw in a line, although JSON allows it: DEL and C1 (terminals obey them; U+0085 ends a line in Python), U+2028
// and U+2029 (end a line in Python), marks that change the order in which text is shown, and the byte order mark.
const HIDDEN = '\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff';
const hidden = new RegExp(`[${HIDDEN}]`, 'g');
const hex4 = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

// One UTF-16 unit of a string, in its only spelling: itself, a short escape, or four lowercase digits for what has neither.
const UNIT = [
  `[^"\\\\\\x00-\\x1f${HIDDEN}]`,
  '\\\\["\\\\bfnrt]',
  '\\\\u(?:00(?:0[0-7be-f]|1[0-9a-f]|7f|[89][0-9a-f])|061c|200[ef]|202[89a-e]|206[6-9]|feff)',
].join('|');

/** Longest integer: above, numbers would not be exact. */
const INTEGER = '(?:0|[1-9][0-9]{0,14})';

const literal = (text: string): string => JSON.stringify(text).replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const either = (patterns: readonly string[]): string => `(?:${patterns.join('|')})`;

function stringPattern({ pattern, minLength = 0, maxLength }: Schema): string {
  if (pattern === undefined) return `"(?:${UNIT}){${minLength},${maxLength ?? ''}}"`;
  // Patterns of the schema admit no character that would be escaped. Hexadecimal digits are lowercase.
  return `"(?:${pattern.replace(/^\^/, '').replace(/\$$/, '').replaceAll('a-fA-F', 'a-f').replaceAll('abAB', 'ab')})"`;
}

function objectPattern({ properties = {}, required = [] }: Schema): string {
  let some = false; // whether a required member has come, so that the next one has a comma before it
  const members = Object.entries(properties).map(([key, schema]) => {
    const needed = required.includes(key);
    if (!some && !needed) throw new TypeError('an object of the schema begins with an optional member');
    const member = `${some ? ',' : ''}${literal(key)}:${patternOf(schema)}`;
    some = true;
    return needed ? member : `(?:${member})?`;
  });
  return `\\{${members.join('')}\\}`;
}

/** Returns the regular expression of the canonical JSON texts that a schema admits. */
function patternOf(schema: Schema): string {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return either(choices.map(patternOf));
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return either(schema.enum.map(literal));
  switch (schema.type) {
    case 'object':
      return objectPattern(schema);
    case 'array': {
      const item = patternOf(schema.items ?? {});
      const { minItems = 0, maxItems } = schema;
      const more = `${item}(?:,${item}){${Math.max(minItems - 1, 0)},${maxItems === undefined ? '' : maxItems - 1}}`;
      return minItems > 0 ? `\\[${more}\\]` : `\\[(?:${more})?\\]`;
    }
    case 'string':
      return stringPattern(schema);
    case 'integer':
      return INTEGER;
    case 'boolean':
      return '(?:true|false)';
    default:
      throw new TypeError(`the schema of a record has a part that no line can hold: ${schema.type}`);
  }
}

const SCHEMA = evidenceRecordJsonSchema() as Schema;
const LINE = new RegExp(`^${patternOf(SCHEMA)}$`);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns the line of a record, without newline, or `undefined` where the record has none: it does not fit the schema or the
 * bounds. Nothing in the record stands in for a member of `envelope`.
 */
export function encodeLine(
  given: unknown,
  envelope?: Readonly<Record<string, unknown>>,
): { readonly record: EvidenceRecord; readonly line: string } | undefined {
  const record = plainRecord(given, envelope) as EvidenceRecord | undefined;
  if (record === undefined) return undefined;
  const text = JSON.stringify(record);
  if (LINE.test(text)) return { record, line: text };
  const line = text.replace(hidden, hex4); // few texts hold such a character, and those that do are no lines yet
  return LINE.test(line) ? { record, line } : undefined;
}

/** What every record begins with, as far as the chain is concerned. */
export interface LineHead {
  readonly seq: number;
  readonly prev: string;
  readonly id: string;
  readonly time: string;
  /** As spelled in the line, escapes and all. */
  readonly host: string;
  readonly run: string;
  readonly mode: string;
}

const TEXT = '"((?:[^"\\\\]|\\\\.)*)"';
const HEAD = new RegExp(
  `"seq":(\\d+),"prev":${TEXT},"id":${TEXT},"time":${TEXT},"monotonic":\\d+,"boot":${TEXT},"host":${TEXT},"writer":${TEXT},"run":${TEXT},"mode":"([a-z]+)"`,
);

/** Returns the beginning of the record on a line, or `undefined` when the bytes are no record. Costs half of {@link decodeLine}. */
export function readHead(bytes: Uint8Array): LineHead | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  let line: string;
  try {
    line = decoder.decode(bytes);
  } catch {
    return undefined;
  }
  if (!LINE.test(line)) return undefined;
  const [, seq, prev = '', id = '', time = '', _boot, host = '', _writer, run = '', mode = ''] =
    HEAD.exec(line) ?? [];
  return { seq: Number(seq), prev, id, time, host, run, mode };
}

/** Takes anything: a line may be cut in the middle of a character. */
const lenient = new TextDecoder();
const START =
  /^\{"schema":"agilab\.guard_evidence\.v1","seq":\d{1,15},"prev":"[0-9a-f]{64}","id":"([0-9a-f-]{36})"/;

/** Returns the id of the record on a line that was verified before, or `undefined` where there is none. Looks no further. */
export function readId(bytes: Uint8Array): string | undefined {
  return START.exec(lenient.decode(bytes.subarray(0, 200)))?.[1];
}

/** Returns the record on a line, given without its newline, or `undefined` when the bytes are none. */
export function decodeLine(bytes: Uint8Array): EvidenceRecord | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  try {
    const line = decoder.decode(bytes);
    return LINE.test(line) ? (JSON.parse(line) as EvidenceRecord) : undefined;
  } catch {
    return undefined;
  }
}
