// Requests that fit the schema of a guard, with the worst value that fits in each field; the schema is the guard's own.
import fc from 'fast-check';
import type { AnyGuard } from '../../src/kernel/guard.ts';
import { requestJsonSchema } from '../../src/kernel/request-schema.ts';

/** The part of JSON Schema (draft 2020-12) that zod writes for our requests. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What lies where guards are sent, and what answers there. */
export interface HostileSite {
  /** Directories in which every name leads to something of one kind. */
  readonly roots: readonly string[];
  /** Names that are there in each of them. */
  readonly names: readonly string[];
  /** Ports of this host: one answers without end, one never. */
  readonly ports: readonly number[];
}

/** Text of every kind that a field may ask for, none of it what it should be. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '~/x',
  '-rf',
  '0',
  'x',
  'a=b',
  '\n',
  '\u{202e}x',
  '\0',
  '\u{d800}',
  `\${HOME}`,
  '$(id)',

  '127.0.0.1',
  '::1',
  '0.0.0.0',
  'localhost',
  '127.0.0.1:1',
  '[::1]:1',
  'http://127.0.0.1:1',
  'tcp://127.0.0.1:1',

  'https://github.com/a/b',
  'https://127.0.0.1:1/',
  `https://a.example/${'a/'.repeat(480)}`,
  '.github/workflows/a.yml',
  '1.0.0',
  'tls://10.0.0.1:8786',
  'https://127.0.0.1:1/x',

  'a'.repeat(32),
  'a'.repeat(40),
  'a'.repeat(64),
  'AAAA',
  '2026-01-01T00:00:00Z',
  'guardrails+00000000+AAAA',

  'x'.repeat(100_000),
  '/'.repeat(4_000),
  '../'.repeat(1_000),
  '(a|'.repeat(300),
  '{'.repeat(1_000),
  '"'.repeat(200),

  '*'.repeat(200),
  '[['.repeat(500),
  'é'.repeat(1_000),
  '%00'.repeat(300),
  `${'a.'.repeat(120)}a`,
  '1'.repeat(1_000),
];
const NUMBERS: readonly number[] = [
  0,
  1,
  -1,
  2,
  4,
  0.5,
  17,
  1_000,
  65_535,
  2 ** 31,
  2 ** 53 - 1,
  -(2 ** 53),
  1e308,
];

/** Returns an arbitrary of the requests of a guard; with `site`, of paths and ports that are there. */
export function hostileRequests(
  guard: AnyGuard,
  { roots, names, ports }: HostileSite,
): fc.Arbitrary<unknown> {
  const paths = roots.flatMap((root) => [root, ...names.map((name) => `${root}/${name}`)]);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);

  const string = (schema: Schema, field: string): fc.Arbitrary<string> => {
    const pattern = new RegExp(schema.pattern ?? '', 'u');
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
    const fits = (text: string): boolean =>
      text.length >= minLength && text.length <= maxLength && pattern.test(text);
    const choices = [
      { weight: /root|^directory$|^state$|^built$|^modules$/.test(field) ? 30 : 0, values: roots },
      { weight: 6, values: names },
      { weight: 3, values: paths },
      { weight: 3, values: urls },
      { weight: 3, values: TEXTS },
    ].flatMap(({ weight, values }) => {
      const fitting = values.filter(fits);
      return fitting.length > 0 && weight > 0 ? [{ weight, arbitrary: fc.constantFrom(...fitting) }] : [];
    });
    if (choices.length === 0) throw new Error(`no text fits ${field} of ${guard.id}: ${schema.pattern}`);
    return fc.oneof(...choices);
  };

  const list = (schema: Schema, field: string): fc.Arbitrary<unknown> => {
    if (schema.prefixItems) return fc.tuple(...schema.prefixItems.map((item) => arbitraryOf(item, field)));
    const item = typeof schema.items === 'object' ? arbitraryOf(schema.items, field) : fc.jsonValue();
    const { minItems = 0, maxItems = 1_000_000 } = schema;
    const short = fc.array(item, { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) });
    // As many as the schema lets in, where that is many: what costs more than each of them is found so.
    const long = item.map((one) => Array.from({ length: Math.min(maxItems, 10_000) }, () => one));
    return fc.oneof({ weight: 9, arbitrary: short }, { weight: 1, arbitrary: long });
  };

  const object = (schema: Schema): fc.Arbitrary<unknown> => {
    const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
    if (typeof additionalProperties === 'object')
      return fc.dictionary(string(propertyNames ?? {}, 'key'), arbitraryOf(additionalProperties, 'value'), {
        maxKeys: 8,
      });
    const fields = Object.entries(properties).map(
      ([name, field]) => [name, arbitraryOf(field, name)] as const,
    );
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
  };

  const arbitraryOf = (schema: Schema, field: string): fc.Arbitrary<unknown> => {
    const { anyOf, oneOf = anyOf, minimum = -Infinity, maximum = Infinity } = schema;
    if ('const' in schema) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (oneOf) return fc.oneof(...oneOf.map((one) => arbitraryOf(one, field)));
    switch (schema.type) {
      case 'string':
        return string(schema, field);
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'integer':
      case 'number': {
        const isPort = /port/i.test(field);
        const fitting = [...(isPort ? ports : NUMBERS), minimum, maximum].filter(
          (number) => Number.isFinite(number) && number >= minimum && number <= maximum,
        );
        return fc.constantFrom(...fitting);
      }
      case 'array':
        return list(schema, field);
      case 'object':
        return object(schema);
      default:
        return fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constant(deep(10_000)));
    }
  };
  return arbitraryOf(requestJsonSchema(guard) as Schema, 'request');
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let left = levels; left > 0; left -= 1) value = [value];
  return value;
}
