// How the cost of work grows with its size. Time itself is never asserted; that it does not explode is.

/** Below this, in milliseconds, a measurement is noise. */
const FLOOR = 2;
/** Measurements of a size that seems to grow too fast, before it is believed. */
const MOST = 12;

/** Between linear and quadratic, with room for caches and the collector. */
export const LINEAR = 24;

/** What one run costs in milliseconds of CPU: what other processes do on the machine does not count. */
async function cost(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return Math.max((user + system) / 1_000, FLOOR);
}

/**
 * Returns how many times as much CPU eight times the size takes: 8 when the work is linear, 64 when it is quadratic.
 * Each size counts by the least of three runs. Busy neighbours (their caches, their page faults) only ever add to it, so
 * where the growth seems too fast both sizes are measured again; what is quadratic stays so however often it is measured.
 */
export async function growthOf(work: (size: number) => unknown, size: number): Promise<number> {
  await work(size); // compiled by then
  let small = Number.POSITIVE_INFINITY;
  let large = Number.POSITIVE_INFINITY;
  for (let run = 1; run <= MOST; run++) {
    small = Math.min(small, await cost(() => work(size)));
    large = Math.min(large, await cost(() => work(8 * size)));
    if (run >= 3 && large / small < LINEAR) break;
  }
  return large / small;
}
