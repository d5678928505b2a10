// How a record is spelled, as regular expressions that are made from its schema: so there is one definition of what a line may
// be. For the reader the whole line, for the writer the parts of one.
import { evidenceRecordJsonSchema } from './record.ts';

/** The part of JSON Schema that the record's schema uses. */
export interface Schema {
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

/** Each character that is never raw in a line. */
export const hidden: RegExp = new RegExp(`[${HIDDEN}]`, 'g');

// One UTF-16 unit of a string, in its only spelling: itself, a short escape, or four lowercase digits for what has neither.
const UNIT = [
  `[^"\\\\\\x00-\\x1f${HIDDEN}]`,
  '\\\\["\\\\bfnrt]',
  '\\\\u(?:00(?:0[0-7be-f]|1[0-9a-f]|7f|[89][0-9a-f])|061c|200[ef]|202[89a-e]|206[6-9]|feff)',
].join('|');

/** One unit that is spelled as it is in any case. */
const PLAIN_UNIT = '[ !#-[\\]-~]';

/** Longest integer: above, numbers would not be exact. */
const INTEGER = '(?:0|[1-9][0-9]{0,14})';

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const literal = (text: string): string => escaped(JSON.stringify(text));
const either = (patterns: readonly string[]): string => `(?:${patterns.join('|')})`;

function stringPattern({ pattern, minLength = 0, maxLength }: Schema, unit: string): string {
  if (pattern === undefined) return `(?:${unit}){${minLength},${maxLength ?? ''}}`;
  // Patterns of the schema admit no character that would be escaped. Hexadecimal digits are lowercase.
  return `(?:${pattern.replace(/^\^/, '').replace(/\$$/, '').replaceAll('a-fA-F', 'a-f').replaceAll('abAB', 'ab')})`;
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
      return `"${stringPattern(schema, UNIT)}"`;
    case 'integer':
      return INTEGER;
    case 'boolean':
      return '(?:true|false)';
    default:
      throw new TypeError(`the schema of a record has a part that no line can hold: ${schema.type}`);
  }
}

/** Returns the regular expression of those values of a text or an integer that stand in a line as they are. */
export function plainPattern(schema: Schema): RegExp {
  const pattern =
    schema.const !== undefined
      ? escaped(schema.const)
      : schema.enum
        ? either(schema.enum.map(escaped))
        : schema.type === 'integer'
          ? INTEGER
          : stringPattern(schema, PLAIN_UNIT);
  return new RegExp(`^${pattern}$`);
}

/** Of the four records of {@link evidenceRecordJsonSchema}. */
export const SCHEMA: Schema = evidenceRecordJsonSchema() as Schema;
export const LINE: RegExp = new RegExp(`^${patternOf(SCHEMA)}$`);
