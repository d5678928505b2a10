// What the lock and the guards ask for, together. The lock says what was agreed on, the guards what they can be asked today:
// whoever takes a row, a probe, a drill or a mutant out of one of them is still asked for it by the other.
import type { Claim, Claims, Dimension, DrillClaim } from './claims.ts';

const union = (...lists: readonly (readonly string[])[]): readonly string[] => [...new Set(lists.flat())];

function joinDrills(agreed: readonly DrillClaim[], asked: readonly DrillClaim[]): readonly DrillClaim[] {
  const now = new Map(asked.map((drill) => [drill.id, drill]));
  const known = new Set(agreed.map(({ id }) => id));
  const needed = agreed.map((drill): DrillClaim => {
    const { needs, ...everywhere } = drill;
    const other = now.get(drill.id);
    return needs !== undefined && other && other.needs === undefined ? everywhere : drill;
  });
  return [...needed, ...asked.filter(({ id }) => !known.has(id))];
}

function joinClaim(agreed: Claim, asked: Claim | undefined): Claim {
  if (!asked) return agreed;
  return {
    ...agreed,
    ...(asked.live !== undefined && { live: asked.live }),
    timeToLive: Math.min(agreed.timeToLive, asked.timeToLive),
    drills: joinDrills(agreed.drills, asked.drills),
    mutants: union(agreed.mutants, asked.mutants),
  };
}

/**
 * Returns what both sides ask for. Rows and their weights are those of the guards; where the two sides expect different
 * things of one drill, the lock is asked, which such a guard does not bear out.
 */
export function joinClaims(lock: Claims, guards: Claims): Claims {
  const agreed = new Map(lock.claims.map((claim) => [claim.guard, claim]));
  const asked = new Map(guards.claims.map((claim) => [claim.guard, claim]));
  const rows = new Map(lock.dimensions.map((row) => [row.id, row]));
  const dimensions = guards.dimensions.map((row): Dimension => {
    const { probes = [], restsOn = [] } = rows.get(row.id) ?? {};
    const gone = probes.filter((guard) => !asked.has(guard)); // a probe is in one row alone, which its guard names
    const rests = union(restsOn, row.restsOn ?? []);
    return { ...row, probes: union(row.probes, gone), ...(rests.length > 0 && { restsOn: rests }) };
  });
  const probes = new Set(dimensions.flatMap((row) => row.probes));
  const claims = [
    ...lock.claims.map((claim) => joinClaim(claim, asked.get(claim.guard))),
    ...guards.claims.filter(({ guard }) => !agreed.has(guard)),
  ];
  return { schema: lock.schema, dimensions, claims: claims.filter(({ guard }) => probes.has(guard)) };
}
