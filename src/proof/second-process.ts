// The process that drills some of the guards for another: what it is told, and what it tells. It has no journal: each record
// goes to the first process, and is durable there before the drill goes on.
import { CodedError } from '../evidence/coded-error.ts';
import type { EvidenceDraft, EvidenceSink } from '../evidence/record.ts';
import { proofNamed } from './catalogue.ts';
import { type DrillOptions, type DrillResult, drillGuard } from './drill.ts';

/** What the second process is told: to drill a guard, that a record is durable, or to stop. */
export type Order =
  | { readonly drill: string; readonly options: Asked }
  | { readonly recorded: number }
  | { readonly stop: true };

/** Options of a drill that another process can be told. */
interface Asked {
  readonly mutants: boolean | undefined;
  readonly state: string | undefined;
  readonly apart: boolean;
  readonly timeoutMs: number | undefined;
}

/** What it tells: a record to keep, a finding whose record is kept, and how a guard ended. */
export type News =
  | { readonly record: number; readonly draft: EvidenceDraft; readonly input: string }
  | { readonly guard: string; readonly result: DrillResult }
  | { readonly guard: string; readonly results: readonly DrillResult[] }
  | { readonly guard: string; readonly failed: Pick<CodedError, 'code' | 'message' | 'remedy'> };

/** For a drill that does not heed its signal. */
const PATIENCE_MS = 10_000;

function failureOf(error: unknown): Pick<CodedError, 'code' | 'message' | 'remedy'> {
  if (error instanceof CodedError) return { code: error.code, message: error.message, remedy: error.remedy };
  const message = error instanceof Error ? error.message : 'it failed';
  return { code: 'drill.second-process', message, remedy: 'Report it.' };
}

/**
 * Drills what the process that forked this one asks for, until that goes away; then this one ends as well. `outer` stops it
 * as that does.
 *
 * @throws CodedError `usage.no-parent` where nobody forked it.
 */
export function drillForParent(outer: AbortSignal): Promise<never> {
  if (!process.send)
    throw new CodedError('usage.no-parent', 'it is no process of its own', 'Leave `--second` out.');
  const tell = (news: News): void => {
    if (process.connected) process.send?.(news);
  };
  const stopped = new AbortController();
  const signal = AbortSignal.any([outer, stopped.signal]);
  const kept = new Map<number, { readonly resolve: () => void; readonly reject: (why: Error) => void }>();
  let records = 0;
  const journal: EvidenceSink = {
    append: async (draft, input) => {
      if (!process.connected) throw new Error('the first process ended');
      const n = records++;
      tell({ record: n, draft, input });
      await new Promise<void>((resolve, reject) => kept.set(n, { resolve, reject }));
    },
  };
  const drill = async (guard: string, { mutants, state, apart, timeoutMs }: Asked): Promise<void> => {
    try {
      const options: DrillOptions = {
        onResult: (result) => tell({ guard, result }),
        signal,
        apart,
        ...(mutants !== undefined && { mutants }),
        ...(state !== undefined && { state }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      tell({ guard, results: await drillGuard(proofNamed(guard), journal, options) });
    } catch (error) {
      tell({ guard, failed: failureOf(error) });
    }
  };
  const running = new Set<Promise<void>>();
  process.on('message', (order: Order) => {
    if ('drill' in order) {
      const one = drill(order.drill, order.options).finally(() => running.delete(one));
      running.add(one);
    } else if ('stop' in order) stopped.abort(new Error('stopped'));
    else {
      kept.get(order.recorded)?.resolve();
      kept.delete(order.recorded);
    }
  });
  // Not at once: what is still being written would lie where its directory was taken down.
  process.on('disconnect', () => {
    const gone = new Error('the first process ended');
    stopped.abort(gone);
    for (const { reject } of kept.values()) reject(gone);
    void Promise.allSettled(running).then(() => process.exit());
    setTimeout(() => process.exit(), PATIENCE_MS).unref();
  });
  return new Promise(() => {}); // the channel keeps it alive, and its end ends it
}
