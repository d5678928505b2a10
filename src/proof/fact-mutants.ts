// A kind of mutant that needs no author: a fact that some rule reads, always good. What an allowed drill saw takes the
// place of what this one saw, in that one respect, and the same rules are asked again. A fact that nobody misses is one
// that no drill ever made bad, or that no rule obeys.
import { judgeFacts, type Outcome } from '../kernel/decide.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import { observedOf } from './run.ts';

/** Where a fact lies: keys from the top, `*` for each element of a list. */
type Path = readonly string[];
const EACH = '*';

/** What a drill saw, and what was concluded from it. */
export interface Seen {
  readonly drill: string;
  readonly expects: string;
  readonly facts: unknown;
  readonly reason: string;
}

type Judged = Omit<Outcome, 'input' | 'observed'>;

export interface Missed {
  /** Facts that rules read, and that some drill has to make bad. */
  readonly read: number;
  /** Those that no drill misses when they are always good, as dotted paths. */
  readonly missed: readonly string[];
  /** One that missed its fact, for the record. */
  readonly noticed: { readonly drill: string; readonly expects: string; readonly judged: Judged } | undefined;
}

/**
 * Of the looks of the house: what the caller asked for and nobody found out; and owners, of which only root can make one
 * foreign: everybody else drills by trusting root alone, and then all of them are.
 */
const EXCUSED = /(?:^|\.)(?:trustedOwners(?:\.\*)?|maxBytes|uid)$/;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Whether its parts are facts of their own. What is of a class, a buffer or a map is one fact. */
function hasParts(value: unknown): value is Readonly<Record<string, unknown>> | readonly unknown[] {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return isList(value) || prototype === Object.prototype || prototype === null;
}

/**
 * Returns `value` so that whatever is read of it is told. The proxy stands before an empty target: facts are mostly
 * frozen, and a proxy of a frozen object has to return the very parts of it.
 */
function watched(value: unknown, path: Path, onRead: (path: Path) => void): unknown {
  if (!hasParts(value)) return value;
  const source = value as Readonly<Record<string | symbol, unknown>>;
  const isItem = (key: string): boolean => !isList(value) || /^\d+$/.test(key);
  const read = (key: string | symbol): unknown => {
    if (typeof key === 'symbol' || !isItem(key) || key === 'toJSON') return source[key];
    const at = [...path, isList(value) ? EACH : key];
    onRead(at);
    return watched(source[key], at, onRead);
  };
  return new Proxy<object>(isList(value) ? Array(value.length) : {}, {
    get: (_target, key) => read(key),
    has: (_target, key) => key in source,
    ownKeys: () => Reflect.ownKeys(source),
    getOwnPropertyDescriptor: (target, key) => {
      if (isList(value) && key === 'length') return Reflect.getOwnPropertyDescriptor(target, key);
      if (!Object.hasOwn(source, key)) return undefined;
      return { value: read(key), configurable: true, enumerable: true, writable: true };
    },
  });
}

/** What rules read of one look. */
interface Reads {
  /** The narrowest facts that any rule read, by their dotted paths. */
  readonly paths: ReadonlyMap<string, Path>;
  /** Paths that were read by the rules of the code which refused. */
  readonly headline: ReadonlySet<string>;
}

/** Returns what the rules read. A guard whose facts have no parts reads them whole. */
function factsRead({ rules }: AnyDefinition, { facts, expects }: Seen): Reads {
  const read = new Map<string, Path>();
  const headline = new Set<string>();
  let code = '';
  const told = watched(facts, [], (path) => {
    const name = path.join('.');
    read.set(name, path);
    if (code === expects) headline.add(name);
  });
  for (const rule of rules) {
    ({ code } = rule);
    try {
      rule.refuses(told);
    } catch {} // what it read until then, it read
  }
  if (read.size === 0) return { paths: new Map([['', []]]), headline };
  const parents = new Set([...read.values()].map((path) => path.slice(0, -1).join('.')));
  return { paths: new Map([...read].filter(([name]) => !parents.has(name))), headline };
}

/**
 * Returns `facts` with what lies at `path` as it is in `good`, or without what is absent there; the very same object
 * where that changes nothing.
 */
function withGood(facts: unknown, good: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || !hasParts(facts) || !hasParts(good)) return good;
  if (key === EACH) {
    if (!isList(facts) || !isList(good) || good.length === 0) return good;
    const items = facts.map((item, n) => withGood(item, good[n] ?? good[0], rest));
    return items.every((item, n) => item === facts[n]) ? facts : items;
  }
  const into = facts as Readonly<Record<string, unknown>>;
  const part = withGood(into[key], (good as Readonly<Record<string, unknown>>)[key], rest);
  return part === into[key] ? facts : { ...into, [key]: part };
}

/**
 * Judges what the drills saw once for each fact, with that fact as an allowed drill saw it. Those that only change the
 * sentence of a refusal are left out, and so is what nobody misses and nobody need miss: below a path of `excused`.
 */
export function missedFacts(
  guard: AnyDefinition,
  seen: readonly Seen[],
  excused: Readonly<Record<string, string>>,
): Missed {
  const reads = new Map(seen.map((each) => [each, factsRead(guard, each)]));
  const paths = new Map([...reads.values()].flatMap((each) => [...each.paths]));
  const allowed = seen.filter(({ expects }) => expects === 'allow');
  const goods = allowed.map(({ facts }) => facts);
  const refused = seen.filter(({ expects }) => expects !== 'allow');
  /** In the order in which they most likely miss a fact: first who was refused by a rule that reads it. */
  const asked = (name: string): readonly Seen[] => {
    const readBy = (each: Seen): boolean => reads.get(each)?.headline.has(name) === true;
    return [...refused.filter(readBy), ...refused.filter((each) => !readBy(each)), ...allowed];
  };
  let noticed: Missed['noticed'];
  const missed: string[] = [];
  let read = 0;
  /** Whether some drill misses it; `undefined` where only a sentence changes. */
  const isMissed = (path: Path): boolean | undefined => {
    let isSaid = false;
    let isBroken = false;
    const drills = asked(path.join('.'));
    for (const good of goods)
      for (const { drill, expects, facts, reason } of drills) {
        const changed = withGood(facts, good, path);
        if (changed === facts) continue;
        const judged = judgeFacts(guard, changed);
        if (judged.decision.decision === 'error') {
          isBroken = true; // no judgement
          continue;
        }
        if (observedOf(judged) !== expects) {
          noticed = { drill, expects, judged };
          return true;
        }
        isSaid ||= judged.decision.reason !== reason;
      }
    // A kind without what belongs to it cannot be judged, so both are made good together.
    if (isBroken && path.length > 1) return isMissed(path.slice(0, -1));
    return isSaid ? undefined : false;
  };
  const reasons = Object.keys(excused);
  const isExcused = (name: string): boolean =>
    EXCUSED.test(name) || reasons.some((part) => name === part || name.startsWith(`${part}.`));
  for (const [name, path] of paths) {
    const answer = isMissed(path);
    if (answer === undefined || (answer === false && isExcused(name))) continue;
    read += 1;
    if (!answer) missed.push(name);
  }
  return { read, missed, noticed };
}
