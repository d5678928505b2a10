// A kind of mutant that needs no author but a declaration: a table of names with one entry otherwise. Facts that were found are
// judged again first, since a rule may ask the table; where that changes nothing the state is looked at again, as long as it
// is there.
import type { Outcome } from '../kernel/decide.ts';
import { decide, judgeFacts, release } from '../kernel/decide.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import { withChangedTable } from './changed-table.ts';
import type { Missed } from './fact-mutants.ts';
import type { Drill } from './proof.ts';
import { observedOf, type Run, type RunOptions, within } from './run.ts';
import type { TableMutant } from './tables.ts';

type Judged = Omit<Outcome, 'input' | 'observed'>;

/** Whether a judgement shows that something is otherwise. An error is no judgement. */
const differs = (judged: Judged, expects: string): boolean =>
  judged.decision.decision !== 'error' && observedOf(judged) !== expects;

/** What drills miss of the tables of one guard. */
export class TableMutants {
  readonly #guard: AnyDefinition;
  readonly #tables: readonly TableMutant[];
  /** Entries that were missed, by their table. */
  readonly #noticed = new Map<TableMutant, Set<string>>();
  readonly #first = new Map<TableMutant, NonNullable<Missed['noticed']>>();

  constructor(guard: AnyDefinition, tables: readonly TableMutant[]) {
    this.#guard = guard;
    this.#tables = tables;
  }

  /** Asks whether a drill that passed misses the entries which it is there for, while what it built still stands. */
  async ask(
    { id, expects }: Drill<unknown>,
    request: unknown,
    { outcome: { observed } }: Run,
    options: RunOptions,
  ): Promise<void> {
    if (!observed) return; // the schema refused it, so no table was asked
    // Facts that were closed since the look would come out otherwise whatever the table says.
    if (differs(judgeFacts(this.#guard, observed.facts), expects)) return;
    for (const mutant of this.#tables)
      for (const { entry, value, drill } of mutant.changes) {
        if (drill !== id) continue;
        if (options.signal?.aborted) return; // whoever runs the drills says so
        const judged = await withChangedTable(mutant.table, entry, value, () =>
          this.#judge(mutant, expects, request, observed.facts, options),
        );
        if (!differs(judged, expects)) continue;
        this.#noticed.set(mutant, (this.#noticed.get(mutant) ?? new Set()).add(entry));
        if (!this.#first.has(mutant)) this.#first.set(mutant, { drill, expects, judged });
      }
  }

  /** What came of each table, once all drills have been asked. */
  results(): readonly (Missed & { readonly mutant: TableMutant; readonly drills: readonly string[] })[] {
    return this.#tables.map((mutant) => {
      const noticed = this.#noticed.get(mutant);
      const isNoticed = ({ entry }: { readonly entry: string }): boolean => noticed?.has(entry) === true;
      const unnoticed = mutant.changes.filter((change) => !isNoticed(change));
      const missed = unnoticed.filter(({ entry }) => !Object.hasOwn(mutant.excused, entry));
      return {
        mutant,
        read: mutant.changes.length - unnoticed.length + missed.length,
        missed: missed.map(({ entry }) => entry),
        drills: missed.map(({ drill }) => drill),
        noticed: this.#first.get(mutant),
      };
    });
  }

  async #judge(
    { look }: TableMutant,
    expects: string,
    request: unknown,
    facts: unknown,
    options: RunOptions,
  ): Promise<Judged> {
    const judged = judgeFacts(this.#guard, facts);
    if (differs(judged, expects)) return judged;
    const guard: AnyDefinition = look
      ? { ...this.#guard, glance: () => undefined, observe: (parsed, signal) => look(parsed, facts, signal) }
      : this.#guard;
    return await within(options, async (deadline) => {
      const outcome = await decide(guard, request, deadline);
      if (outcome.observed) await release(guard, outcome.observed.facts, deadline.timeoutMs);
      return outcome;
    });
  }
}
