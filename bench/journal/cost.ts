// What a piece of work costs: CPU beside wall time, since a machine that does other things takes longer and not more.
export interface Cost {
  /** Microseconds each, of all threads. */
  readonly cpu: number;
  readonly wall: number;
}

/** A median, and what it is the median of. */
export interface Middle extends Cost {
  readonly among?: readonly Cost[];
}

export async function cost(count: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / count, wall: ((performance.now() - started) * 1_000) / count };
}

/** Runs the pieces of work in turns, and returns the median of each: what disturbs one round disturbs no piece alone. */
export async function inTurns<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => Promise<Cost>>>,
): Promise<Record<Name, Middle>> {
  const names = Object.keys(works) as Name[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as Cost[]])) as Record<Name, Cost[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const each = await works[name]();
      if (round > 0) costs[name].push(each); // the first warms up
    }
  }
  const median = (of: readonly number[]): number =>
    of.toSorted((a, b) => a - b)[of.length >> 1] ?? Number.NaN;
  const middle = (among: readonly Cost[]): Middle => ({
    cpu: median(among.map(({ cpu }) => cpu)),
    wall: median(among.map(({ wall }) => wall)),
    among,
  });
  return Object.fromEntries(names.map((name) => [name, middle(costs[name])])) as Record<Name, Middle>;
}

export function show(what: string, ours: Middle, peer: Middle, name: string, goal: string): void {
  const figures = (middle: Middle): string =>
    `${spread(middle, 'cpu')} us CPU, ${spread(middle, 'wall')} wall`;
  const [cpu, wall] = [ours.cpu / peer.cpu, ours.wall / peer.wall];
  console.log(
    `${what}: ${figures(ours)}; ${name} ${figures(peer)}; ratio ${cpu.toFixed(2)} CPU, ${wall.toFixed(2)} wall (goal ${goal})`,
  );
}

/** A median with the least and the most, where it is one of several. */
export function spread({ among, ...middle }: Middle, of: keyof Cost): string {
  if (among === undefined) return middle[of].toFixed(1);
  const all = among.map((each) => each[of]);
  return [Math.min(...all), middle[of], Math.max(...all)].map((each) => each.toFixed(1)).join(' / ');
}
