// Brings a value into the one form that a schema gives it: a copy of plain data, members in the order of the schema. The
// copy is what is written, so a getter, a proxy or a later change has no part in it. Made from the schema, once.

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

/**
 * Returns the copy, or `undefined` for what has another shape. Lengths, patterns and missing members are for the grammar.
 * Members of `first` stand in for those of the value: to bring two objects together beforehand costs more than all the rest.
 */
export type Arrange = (value: unknown, first?: Readonly<Record<string, unknown>>) => unknown;

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

function objectArrange({ properties = {} }: Schema): Arrange {
  const members = Object.entries(properties).map(([key, schema]) => [key, arrangeOf(schema)] as const);
  const known = new Set(Object.keys(properties));
  return (value, first = NOTHING) => {
    if (typeof value !== 'object' || value === null) return undefined;
    for (const key in value) if (!known.has(key)) return undefined;
    const copy: Record<string, unknown> = {};
    for (const [key, arrange] of members) {
      const given = first[key] ?? (value as Record<string, unknown>)[key];
      if (given === undefined) continue;
      const arranged = arrange(given);
      if (arranged === undefined) return undefined;
      copy[key] = arranged;
    }
    return copy;
  };
}

function arrayArrange({ items = {}, maxItems = Number.POSITIVE_INFINITY }: Schema): Arrange {
  const arrange = arrangeOf(items);
  return (value) => {
    if (!Array.isArray(value) || value.length > maxItems) return undefined;
    const copy: unknown[] = [];
    for (let at = 0; at < value.length; at++) {
      const arranged = arrange(value[at]);
      if (arranged === undefined) return undefined;
      copy.push(arranged);
    }
    return copy;
  };
}

/** Returns the function that arranges what a schema describes. */
export function arrangeOf(schema: Schema): Arrange {
  const choices = (schema.oneOf ?? schema.anyOf)?.map(arrangeOf);
  if (choices) {
    return (value, first) => {
      for (const arrange of choices) {
        const arranged = arrange(value, first);
        if (arranged !== undefined) return arranged;
      }
      return undefined;
    };
  }
  const { const: only, enum: some, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (only !== undefined) return (value) => (value === only ? only : undefined);
  if (some) return (value) => some.find((each) => each === value);
  switch (schema.type) {
    case 'object':
      return objectArrange(schema);
    case 'array':
      return arrayArrange(schema);
    case 'string':
      return (value) => (typeof value === 'string' && value.length <= maxLength ? value : undefined);
    case 'integer':
      return (value) => (typeof value === 'number' ? value : undefined);
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    default:
      throw new TypeError(`the schema of a record has a part that no line can hold: ${schema.type}`);
  }
}
