// Says where a request departs from the schema of its guard. A request may hold secrets, also as keys, so what is said are
// names and kinds that the schema itself knows.
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

/** The parts of a schema that lead to others, as zod keeps them in `def`. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly options?: readonly z.core.$ZodType[];
  readonly items?: readonly z.core.$ZodType[];
  readonly [part: string]: unknown;
}
const PARTS = [
  'innerType',
  'element',
  'valueType',
  'in',
  'out',
  'left',
  'right',
  'rest',
  'catchall',
] as const;

const isSchema = (part: unknown): part is z.core.$ZodType =>
  typeof part === 'object' && part !== null && '_zod' in part;

/** Returns every key that the schema has a name for, at any depth. */
function keysOf(schema: z.core.$ZodType): ReadonlySet<string> {
  const keys = new Set<string>();
  const seen = new Set<z.core.$ZodType>();
  const visit = (part: unknown): void => {
    if (!isSchema(part) || seen.has(part)) return;
    seen.add(part);
    const definition = part._zod.def as unknown as Definition;
    for (const [key, value] of Object.entries(definition.shape ?? {})) {
      keys.add(key);
      visit(value);
    }
    for (const inner of [...(definition.options ?? []), ...(definition.items ?? [])]) visit(inner);
    for (const name of PARTS) visit(definition[name]);
  };
  visit(schema);
  return keys;
}

/** The options of a discriminator are constants of ours; so are the values of an enum and what a type is called. */
function expected(issue: Issue): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.length === 1 ? 'an unknown key' : `${issue.keys.length} unknown keys`;
  if (issue.code === 'invalid_type') return `${issue.expected} expected`;
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')} expected`;
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options))
    return `one of ${issue.options.join(', ')} expected`;
  return issue.code;
}

/** An issue inside a union is of use only where one option alone came near: the one with the fewest issues. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const [nearest] = issue.errors.toSorted((a, b) => a.length - b.length);
  const [first] = nearest ?? [];
  return first ? innermost({ ...first, path: [...issue.path, ...first.path] } as Issue) : issue;
}

/** Returns one sentence about the first departure: the expected key, the kind of fault, how many there are. */
export function schemaReason(
  schema: z.core.$ZodType,
  issues: readonly Issue[],
  what = 'the request',
): string {
  const [first] = issues;
  if (!first) return `${what} does not match the schema`;
  const keys = keysOf(schema);
  const issue = innermost(first);
  const place = issue.path
    .map((step) =>
      typeof step === 'number' ? `[${step}]` : keys.has(String(step)) ? `.${String(step)}` : '.?',
    )
    .join('')
    .replace(/^\./, '');
  const where = place === '' ? '' : `${place}: `;
  return `${what} does not match the schema (${where}${expected(issue)}; ${issues.length} in all)`;
}
