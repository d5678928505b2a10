// A list worked off by a few at a time, none of whom is left behind.

/**
 * Does `work` for each item, for at most `limit` of them at the same time; returns what came of each, in their order. The
 * first that fails aborts the signal of the others and lets none begin; it is thrown when all have ended. `outer` ends
 * them in the same way.
 *
 * @throws what `work` throws first; the reason of `outer`.
 */
export async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
  outer?: AbortSignal,
): Promise<Result[]> {
  const failed = new AbortController();
  const signal = outer ? AbortSignal.any([outer, failed.signal]) : failed.signal;
  const results: Result[] = [];
  const waiting = [...items.entries()];
  const workOff = async (): Promise<void> => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const [index, item] = next;
      try {
        results[index] = await work(item, index, signal);
      } catch (error) {
        if (!signal.aborted) failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, workOff));
  signal.throwIfAborted();
  return results;
}
