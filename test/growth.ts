// How the cost of work grows with its size. Time itself is never asserted; that it does not explode is.

/** Below this, in milliseconds, a measurement is noise. */
const FLOOR = 2;

/** What the best of three runs cost in milliseconds of CPU: what other processes do on the machine does not count. */
async function cost(work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return Math.max(least, FLOOR);
}

/** Returns how many times as much CPU eight times the size takes: 8 when the work is linear, 64 when it is quadratic. */
export async function growthOf(work: (size: number) => unknown, size: number): Promise<number> {
  await work(size); // compiled by then
  const small = await cost(() => work(size));
  return (await cost(() => work(8 * size))) / small;
}

/** Between linear and quadratic, with room for caches and the collector. */
export const LINEAR = 24;
