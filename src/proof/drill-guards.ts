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

/**
 * Drills each of `proofs` as {@link drillGuard} does. `onResult` hears of the guards in their order, of each as soon as the
 * guards before it are done. The first that throws ends the others, and what they had built is taken down.
 *
 * @throws what `drillGuard` throws.
 */
export async function drillGuards(
  proofs: readonly Proof[],
  journal: EvidenceSink,
  { onResult = () => {}, signal, only, ...options }: DrillGuardsOptions = {},
): Promise<readonly DrillResult[]> {
  const untold: DrillResult[][] = proofs.map(() => []);
  const done = new Set<number>();
  let told = 0; // the guard that is told of as it goes
  const drill = async (proof: Proof, n: number, within: AbortSignal): Promise<readonly DrillResult[]> => {
    const results = await drillGuard(proof, journal, {
      ...options,
      ...(only && { only: only.get(proof.guard.id) ?? [] }),
      signal: within,
      onResult: (result) => (n === told ? onResult(result) : void untold[n]?.push(result)),
    });
    for (done.add(n); done.has(told); told++) for (const result of untold[told + 1] ?? []) onResult(result);
    return results;
  };
  return (await mapAtOnce(proofs, GUARDS_AT_ONCE, drill, signal)).flat();
}
