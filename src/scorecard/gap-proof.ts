// What proves a gap closed: the drills that its register names, one for each requirement at least, of guards that may
// speak for it. Whether they are live is for the grades to say.
import type { Claims } from './claims.ts';
import type { Gap } from './register.ts';

/** What this package itself closes, by these guards of its own. */
export const OWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['capacity-model-signature', ['capacity-model', 'capacity-origin']],
]);

/** What no package can close for a deployment: only guards under the deployment's own prefix speak for it. */
export const OF_THE_DEPLOYMENT: ReadonlySet<string> = new Set([
  'tenant-isolation',
  'enterprise-auth-rbac',
  'production-rollback',
  'regulated-serving',
]);

/** Returns the guard of each claimed drill, by the id that registers name it by. */
export function drillIds({ claims }: Claims): ReadonlyMap<string, string> {
  return new Map(
    claims.flatMap(({ guard, drills }) => drills.map(({ id }) => [`drill:${guard}/${id}`, guard] as const)),
  );
}

/** Whether a guard may speak for a gap. */
export function speaksFor(gap: string, guard: string): boolean {
  const own = OWN.get(gap);
  if (own) return own.includes(guard);
  return !OF_THE_DEPLOYMENT.has(gap) || guard.includes('/');
}

/** Returns every id that two requirements of these gaps share: one drill shows one thing. */
export function sharedEvidence(gaps: readonly Gap[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { evidence_required } of gaps)
    for (const { evidence } of evidence_required)
      for (const id of evidence) {
        (seen.has(id) ? shared : seen).add(id);
      }
  return shared;
}

/**
 * Returns the guards whose drills must be live for a gap to count as shipped, or why none can show it. Version 1 of the
 * register names no drills: of it, only what this package closes itself can be shown.
 */
export function proofOf(gap: Gap, drills: ReadonlyMap<string, string>): readonly string[] | string {
  const own = OWN.get(gap.id) ?? [];
  if (gap.owner === undefined) return own.length > 0 ? own : 'the register names no drills for it';
  const guards = new Set(own);
  for (const { requirement, evidence } of gap.evidence_required) {
    if (evidence.length === 0) return `no drill is named for "${requirement}"`;
    for (const id of evidence) {
      const guard = drills.get(id);
      if (guard === undefined) return `nobody claims ${id}`;
      if (!speaksFor(gap.id, guard)) return `${guard} does not speak for it`;
      guards.add(guard);
    }
  }
  return [...guards];
}
