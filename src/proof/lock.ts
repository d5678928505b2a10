// From guards with their drills to the claims that a score is computed against.
import { definitionOf } from '../kernel/define.ts';
import { policyDigest } from '../kernel/draft.ts';
import type { Claims, Dimension } from '../scorecard/claims.ts';
import { mutantsOf } from './mutants.ts';
import type { Proof } from './proof.ts';

/** One day: what a drill shows of a host holds until somebody changes the host. */
const TIME_TO_LIVE_S = 86_400;

/** Returns what the evidence of these proofs must show. A row has the probes whose guards name it. */
export function claimsOf(proofs: readonly Proof[], rows: readonly Omit<Dimension, 'probes'>[]): Claims {
  return {
    schema: 'agilab.guard_claims.v1',
    dimensions: rows.map((row) => ({
      ...row,
      probes: proofs.filter(({ guard }) => guard.dimension === row.id).map(({ guard }) => guard.id),
    })),
    claims: proofs.map(({ guard, drills, brokenLooks, live }) => {
      const definition = definitionOf(guard);
      return {
        guard: guard.id,
        policyDigest: policyDigest(definition),
        timeToLive: TIME_TO_LIVE_S,
        ...(live && { live: live.subject }),
        drills: drills.map(({ id, expects }) => ({ id, expects })),
        mutants: mutantsOf(definition, brokenLooks).map(({ id }) => id),
      };
    }),
  };
}
