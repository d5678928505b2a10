// Where definitions are kept. A guard that users hold has no way to its own rules: only the kernel and the drill runner
// ask `definitionOf`. That is a rule of the house, not a wall: code that runs in this process can do anything.
import { HOUSE_ID, OWN_ID } from '../evidence/vouched.ts';
import { weakTable } from '../evidence/weak-table.ts';
import type { AnyGuard, Guard, GuardDefinition, Rule } from './guard.ts';

/** A definition whose types are forgotten. Method bivariance makes every definition assignable. */
// biome-ignore lint/suspicious/noExplicitAny: the kernel handles guards of unrelated types, each with its own facts
export type AnyDefinition = GuardDefinition<any, any, object>;

const definitions = weakTable<AnyDefinition>();

// Two copies of this package in one process do not know each other's guards. Counted, so that the message can say so.
const COPIES = Symbol.for('agilab-guardrails.kernels');
const world = globalThis as { [COPIES]?: number };
world[COPIES] = (world[COPIES] ?? 0) + 1;

/** Whether a guard of this id is the house's. */
export function isHouseId(id: string): boolean {
  return HOUSE_ID.test(id);
}

function required(definition: AnyDefinition): void {
  for (const name of ['observe', 'grant'] as const)
    if (typeof definition[name] !== 'function') throw new TypeError(`a guard needs ${name} as a function`);
  for (const name of ['glance', 'commit', 'release', 'subject', 'method'] as const)
    if (definition[name] !== undefined && typeof definition[name] !== 'function')
      throw new TypeError(`${name} of a guard is a function, if any`);
  if (typeof definition.request?.safeParse !== 'function')
    throw new TypeError('a guard needs a zod schema as request');
  if (!Array.isArray(definition.rules) || definition.rules.length === 0)
    throw new TypeError('a guard needs rules');
}

const frozenRule = (rule: Rule<unknown>): Rule<unknown> => {
  const { code, remedy } = rule;
  if (typeof code !== 'string' || typeof remedy !== 'string' || typeof rule.refuses !== 'function')
    throw new TypeError('a rule is a code, a remedy and a function that refuses');
  return Object.freeze({ code, remedy, refuses: rule.refuses.bind(rule) });
};

function define<Request, Facts, Grant extends object>(
  given: GuardDefinition<Request, Facts, Grant>,
  ids: RegExp,
  wrongId: string,
): Guard<Request, Grant> {
  // Read once: a getter could give the check one id and the guard another.
  const { id, dimension, request } = given;
  if (typeof id !== 'string' || !ids.test(id)) throw new TypeError(wrongId);
  required(given);
  // Bound to the object they were written on: on a copy, an instance would not find its private fields. Taken now, so that
  // an edit of that object afterwards changes no guard.
  const definition: AnyDefinition = Object.freeze({
    id,
    dimension,
    request,
    observe: given.observe.bind(given),
    rules: Object.freeze(given.rules.map(frozenRule)),
    grant: given.grant.bind(given),
    ...(given.glance && { glance: given.glance.bind(given) }),
    ...(given.commit && { commit: given.commit.bind(given) }),
    ...(given.release && { release: given.release.bind(given) }),
    ...(given.subject && { subject: given.subject.bind(given) }),
    ...(given.method && { method: given.method.bind(given) }),
  });
  const codes = Object.freeze(definition.rules.map(({ code }) => code));
  const guard = Object.freeze({ id, dimension, codes });
  definitions.set(guard, definition);
  return guard as unknown as Guard<Request, Grant>;
}

/**
 * Returns the guard that a definition describes: an opaque, frozen handle for `enforce` and `judge`.
 *
 * @throws TypeError when a part is missing, or the id has no prefix: ids without one are this package's own, and a record
 * under them must have been judged by its rules.
 */
export function defineGuard<Request, Facts, Grant extends object & { readonly then?: never }>(
  definition: GuardDefinition<Request, Facts, Grant>,
): Guard<Request, Grant> {
  const wrongId = 'the id of a guard is a prefix of your own and a name, in lower case: acme/tenants';
  return define(definition, OWN_ID, wrongId);
}

/** As {@link defineGuard}, for the guards of this package alone. */
export function defineHouseGuard<Request, Facts, Grant extends object & { readonly then?: never }>(
  definition: GuardDefinition<Request, Facts, Grant>,
): Guard<Request, Grant> {
  return define(definition, HOUSE_ID, 'ids of the house have one part');
}

/**
 * Returns what a guard was defined by. For the kernel and the drill runner.
 *
 * @throws TypeError for anything that `defineGuard` of this copy of the package did not return.
 */
export function definitionOf(guard: AnyGuard): AnyDefinition {
  const known = definitions.get(guard);
  if (known) return known;
  const copies = world[COPIES] ?? 1;
  const why = copies > 1 ? `: of ${copies} copies of agilab-guardrails each knows its own` : '';
  throw new TypeError(`this is no guard that defineGuard returned here${why}`);
}
