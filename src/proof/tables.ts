// Tables of names that a guard lets nothing through of, or nothing but, as a proof declares them. A name that is taken out of
// the one, or put into the other, is a mistake of a moment, so some drill must be there to miss it.
import type { NameTable } from './changed-table.ts';

interface Table<Request> {
  /** Unique in its proof; the mutant of the table is `table.ID`. */
  readonly id: string;
  /** What its entries are, in a few words: `variables that shells obey`. */
  readonly what: string;
  /**
   * Looks again at no more than the table decides, for a guard whose whole look takes long. `facts` are those that the guard
   * found in the same state. Default: the guard's own look.
   */
  look?(request: Request, facts: unknown, signal: AbortSignal): Promise<unknown>;
}

/** What is in it is refused. Each entry is taken out, and must be missed. */
export interface DenyTable<Request> extends Table<Request> {
  /** The table that the guard asks: the very same object. */
  readonly denies: NameTable;
  /** Returns the id of the drill that misses an entry. */
  drillOf(entry: string): string;
  /** Entries that no drill need miss, each with the reason: what they refuse is refused by something else as well. */
  readonly excused?: Readonly<Record<string, string>>;
}

/** What is not in it is refused. A foreign entry is put in, and must be missed. */
export interface AllowTable<Request> extends Table<Request> {
  readonly allows: NameTable;
  readonly foreign: {
    readonly entry: string;
    /** What the table, if it is a map, holds for it. */
    readonly value?: unknown;
    /** The drill whose state has it. */
    readonly drill: string;
  };
}

export type ProofTable<Request> = DenyTable<Request> | AllowTable<Request>;

/** A table with one entry otherwise, and the drill that is to miss it. */
export interface EntryChange {
  readonly entry: string;
  readonly value?: unknown;
  readonly drill: string;
}

/** Either kind of table, as the runner takes it. */
export interface TableMutant {
  /** Of the mutant. */
  readonly id: string;
  readonly table: NameTable;
  readonly changes: readonly EntryChange[];
  readonly excused: Readonly<Record<string, string>>;
  /** Says what was done to it, given how many entries count. */
  faultOf(count: number): string;
  readonly look: Table<unknown>['look'] | undefined;
}

/**
 * Returns what is done to a table: read now, so that an edit of the declaration changes nothing.
 *
 * @throws TypeError for what is no table, or one that cannot answer otherwise.
 */
export function tableMutant<Request>(declared: ProofTable<Request>): TableMutant {
  const id = `table.${declared.id}`;
  const { what } = declared;
  const look = declared.look?.bind(declared) as TableMutant['look'];
  const table = 'denies' in declared ? declared.denies : declared.allows;
  if (!(table instanceof Set || table instanceof Map) || !Object.isExtensible(table))
    throw new TypeError('a table of a proof is a set or a map, and not frozen');
  if ('allows' in declared) {
    const foreign = Object.freeze({ ...declared.foreign });
    const faultOf = (): string => `a foreign entry in the ${what}: ${foreign.entry}`;
    return Object.freeze({ id, table, changes: Object.freeze([foreign]), excused: {}, faultOf, look });
  }
  const { excused = {} } = declared;
  return Object.freeze({
    id,
    table,
    changes: Object.freeze([...table.keys()].map((entry) => ({ entry, drill: declared.drillOf(entry) }))),
    excused: Object.freeze({ ...excused }),
    faultOf: (count: number): string => `each of ${count} ${what}, taken out of its table`,
    look,
  });
}
