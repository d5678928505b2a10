// Several guards drilled at once: most of what takes long in a drill waits for another process. What came out is told in
// the order of the guards all the same, so that two runs print the same lines.
import type { EvidenceSink } from '../evidence/record.ts';
import { mapAtOnce } from '../kernel/at-once.ts';
import { type DrillOptions, type DrillResult, drillGuard } from './drill.ts';
import type { Proof } from './proof.ts';

/** How many guards are drilled, or their states built, at the same time. */
export const GUARDS_AT_ONCE = 4;

export interface DrillGuardsOptions extends Omit<DrillOptions, 'only'> {
  /** Ids of the drills to run, by the id of their guard; see {@link DrillOptions}. Default: all. */
  readonly only?: ReadonlyMap<string, readonly string[]>;
}

/** Drills one guard as {@link drillGuard} does, in this process or another. */
export type DrillOne = (proof: Proof, options: DrillOptions) => Promise<readonly DrillResult[]>;

/**
 * Drills each of `proofs` as {@link drillGuard} does. `onResult` hears of the guards in their order, of each as soon as the
 * guards before it are done. The first that throws ends the others, and what they had built is taken down.
 *
 * @throws what `drillGuard` throws.
 */
export function drillGuards(
  proofs: readonly Proof[],
  journal: EvidenceSink,
  options: DrillGuardsOptions = {},
): Promise<readonly DrillResult[]> {
  return drillBy((proof, each) => drillGuard(proof, journal, each), undefined, proofs, options);
}

/** As {@link drillGuards}. `here` drills the guards in their order; `there`, where it is given, from the last one back. */
export async function drillBy(
  here: DrillOne,
  there: DrillOne | undefined,
  proofs: readonly Proof[],
  { onResult = () => {}, signal, only, ...options }: DrillGuardsOptions,
): Promise<readonly DrillResult[]> {
  const untold: DrillResult[][] = proofs.map(() => []);
  const done = new Set<number>();
  let told = 0; // the guard that is told of as it goes
  // Who is also asked about the deployment takes longest, and goes first there: the last guard must not run alone.
  const waiting = [...proofs.entries()].sort(([, a], [, b]) => Number(!!a.live) - Number(!!b.live));
  const running = { here: 0, there: 0 };
  const found: (readonly DrillResult[])[] = [];
  const drillNext = async (_: Proof, _n: number, within: AbortSignal): Promise<void> => {
    const where = there !== undefined && running.there < running.here ? 'there' : 'here';
    const next = where === 'here' ? waiting.shift() : waiting.pop();
    if (!next) return;
    const [n, proof] = next;
    running[where]++;
    const by = where === 'there' && there ? there : here;
    found[n] = await by(proof, {
      ...options,
      ...(only && { only: only.get(proof.guard.id) ?? [] }),
      signal: within,
      onResult: (result) => (n === told ? onResult(result) : void untold[n]?.push(result)),
    });
    running[where]--;
    for (done.add(n); done.has(told); told++) for (const result of untold[told + 1] ?? []) onResult(result);
  };
  await mapAtOnce(proofs, GUARDS_AT_ONCE, drillNext, signal);
  return found.flat();
}
