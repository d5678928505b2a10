// A table of names as it would be with an entry less, or one more. The table itself stays as it is: only who asks it within
// the work that was given for that is answered by the other. A drill may wait within its look, and whoever enforces the same
// guard in this process meanwhile must not be let through by a table that a drill has taken something out of.
import { AsyncLocalStorage } from 'node:async_hooks';

export type NameTable = ReadonlySet<string> | ReadonlyMap<string, unknown>;

interface Change {
  readonly table: NameTable;
  readonly changed: NameTable;
}

const change = new AsyncLocalStorage<Change>();

/** All that a table can be asked. */
const QUESTIONS = ['has', 'get', 'size', 'keys', 'values', 'entries', 'forEach', Symbol.iterator] as const;

/** How many works ask each table at this time, and all of them. */
const asking = new Map<NameTable, number>();

/** Has a table answer by the other one where there is one. */
function divert(table: NameTable): void {
  for (const question of QUESTIONS) {
    const own = Reflect.getOwnPropertyDescriptor(Object.getPrototypeOf(table), question);
    if (!own) continue; // a set has no `get`
    const asked = (): NameTable => {
      const here = change.getStore();
      return here?.table === table ? here.changed : table;
    };
    const descriptor = own.get
      ? { get: () => own.get?.call(asked()) }
      : { value: (...given: readonly unknown[]) => Reflect.apply(own.value, asked(), given) };
    Object.defineProperty(table, question, { ...descriptor, configurable: true });
  }
}

/** Takes back what {@link divert} did. */
function restore(table: NameTable): void {
  for (const question of QUESTIONS) Reflect.deleteProperty(table, question);
}

/** Returns the table without an entry that it has, or with one that it has not. */
function other(table: NameTable, entry: string, value: unknown): NameTable {
  if (table instanceof Map) {
    const changed = new Map<string, unknown>(table);
    if (!changed.delete(entry)) changed.set(entry, value);
    return changed;
  }
  const changed = new Set<string>((table as ReadonlySet<string>).values());
  if (!changed.delete(entry)) changed.add(entry);
  return changed;
}

/** Does a work in which `table` lacks `entry`, or has it with this value where it lacks it now. */
export async function withChangedTable<T>(
  table: NameTable,
  entry: string,
  value: unknown,
  work: () => Promise<T>,
): Promise<T> {
  const changed = other(table, entry, value);
  const before = asking.get(table) ?? 0;
  if (before === 0) divert(table);
  asking.set(table, before + 1);
  try {
    return await change.run({ table, changed }, work);
  } finally {
    const left = (asking.get(table) ?? 1) - 1;
    if (left > 0) asking.set(table, left);
    else {
      asking.delete(table);
      restore(table);
    }
    // While it is on, every promise of this process costs more.
    if (asking.size === 0) change.disable();
  }
}
