// From guards with their drills to the claims that a score is computed against.
import { CodedError } from '../evidence/coded-error.ts';
import { definitionOf } from '../kernel/define.ts';
import { policyDigest } from '../kernel/draft.ts';
import type { Claims, Dimension } from '../scorecard/claims.ts';
import { FACTS, mutantsOf } from './mutants.ts';
import { type Proof, tablesOf } from './proof.ts';
import { buildFixture, type RunOptions } from './run.ts';

/** One day: what a drill shows of a host holds until somebody changes the host. */
const TIME_TO_LIVE_S = 86_400;

/** Digests of what drills build, by `guard/drill`. */
export type Fixtures = ReadonlyMap<string, string>;

/**
 * Builds the state of every drill of a proof and takes it down again, unjudged.
 *
 * @throws CodedError `claims.not-built` for a state that cannot be built on this machine.
 */
export async function fixturesOf({ guard, drills }: Proof, options: RunOptions): Promise<Fixtures> {
  const digests = new Map<string, string>();
  for (const drill of drills) {
    const { fixture, reason } = await buildFixture(drill, options);
    const name = `${guard.id}/${drill.id}`;
    if (fixture === undefined)
      throw new CodedError('claims.not-built', `the state of ${name} cannot be built here`, reason);
    digests.set(name, fixture);
  }
  return digests;
}

/** The digests that claims name. */
export function claimedFixtures({ claims }: Claims): Fixtures {
  return new Map(
    claims.flatMap(({ guard, drills }) =>
      drills.flatMap(({ id, fixture }) =>
        fixture === undefined ? [] : [[`${guard}/${id}`, fixture] as const],
      ),
    ),
  );
}

/**
 * Returns what the evidence of these proofs must show. A row has the probes whose guards name it. With `fixtures`, a drill
 * must also have built the state that it is named for.
 */
export function claimsOf(
  proofs: readonly Proof[],
  rows: readonly Omit<Dimension, 'probes'>[],
  fixtures: Fixtures = new Map(),
): Claims {
  return {
    schema: 'agilab.guard_claims.v1',
    dimensions: rows.map((row) => ({
      ...row,
      probes: proofs.filter(({ guard }) => guard.dimension === row.id).map(({ guard }) => guard.id),
    })),
    claims: proofs.map((proof) => {
      const { guard, drills, brokenLooks, live } = proof;
      const definition = definitionOf(guard);
      return {
        guard: guard.id,
        policyDigest: policyDigest(definition),
        timeToLive: TIME_TO_LIVE_S,
        ...(live && { live: live.subject }),
        drills: drills.map(({ id, expects, elsewhere }) => {
          const fixture = fixtures.get(`${guard.id}/${id}`);
          const { needs } = elsewhere ?? {};
          return {
            id,
            expects,
            ...(needs !== undefined && { needs }),
            ...(fixture !== undefined && { fixture }),
          };
        }),
        mutants: [...mutantsOf(definition, brokenLooks), { id: FACTS }, ...tablesOf(proof)].map(
          ({ id }) => id,
        ),
      };
    }),
  };
}
