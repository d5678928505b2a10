// What a baseline asked for and nobody asks for any more. A score is as good as its questions: fewer rows, drills or
// mutants, a longer time to live or another weight would lift it, or hide a fall, without anything having been proven; and so
// would tests that assert less, behind a list that was written anew.

import type { TestFile } from './claim-boundary/suite.ts';
import type { Claim, Claims } from './claims.ts';
import type { Retired } from './retired.ts';

/** One thing that is gone or asks for less. */
export interface Lost {
  /** As a retired entry names it: `drill:bind/star`. A row more is `weight:ROW`, since it takes weight from the others. */
  readonly id: string;
  readonly row: string;
  /** The guard that it belonged to; `undefined` for what belongs to the row itself. */
  readonly guard?: string;
}

function lostFrom(row: string, before: Claim, now: Claim): readonly Lost[] {
  const { guard } = before;
  const asked = new Map(now.drills.map((drill) => [drill.id, drill]));
  const mutants = new Set(now.mutants);
  return [
    ...(now.timeToLive > before.timeToLive ? [`age:${guard}`] : []),
    ...(before.live !== undefined && now.live !== before.live ? [`live:${guard}`] : []),
    ...before.drills
      .filter(({ id, expects, needs, fixture }) => {
        const drill = asked.get(id);
        const unfixed = fixture !== undefined && drill?.fixture === undefined;
        return drill?.expects !== expects || unfixed || (needs === undefined && drill.needs !== undefined);
      })
      .map(({ id }) => `drill:${guard}/${id}`),
    // Under the same name something easier may be built; which of the two is, no digest says.
    ...before.drills
      .filter(({ id, fixture }) => {
        const built = asked.get(id)?.fixture;
        return fixture !== undefined && built !== undefined && built !== fixture;
      })
      .map(({ id }) => `state:${guard}/${id}`),
    ...before.mutants.filter((id) => !mutants.has(id)).map((id) => `mutant:${guard}/${id}`),
  ].map((id) => ({ id, row, guard }));
}

/** Returns everything that `before` asks for and `now` does not, without what was retired. */
export function lostSince(before: Claims, now: Claims, retired: readonly Retired[]): readonly Lost[] {
  const excused = new Set(retired.map(({ id }) => id));
  const rows = new Map(now.dimensions.map((row) => [row.id, row]));
  const earlier = new Map(before.claims.map((claim) => [claim.guard, claim]));
  const current = new Map(now.claims.map((claim) => [claim.guard, claim]));
  const lost = before.dimensions.flatMap(({ id, weight, probes, restsOn = [] }): readonly Lost[] => {
    const row = rows.get(id);
    if (!row) return [{ id: `row:${id}`, row: id }];
    const own = row.weight === weight ? [] : [{ id: `weight:${id}`, row: id }];
    const below = probes.flatMap((guard): readonly Lost[] => {
      const [was, is] = [earlier.get(guard), current.get(guard)];
      if (!was) return [];
      return is && row.probes.includes(guard)
        ? lostFrom(id, was, is)
        : [{ id: `probe:${guard}`, row: id, guard }];
    });
    const unsaid = restsOn
      .filter((guard) => current.has(guard) && !row.restsOn?.includes(guard))
      .map((guard) => ({ id: `rests:${id}/${guard}`, row: id }));
    return [...own, ...below, ...unsaid];
  });
  // One row more, and every other weighs less.
  const known = new Set(before.dimensions.map(({ id }) => id));
  const more = now.dimensions
    .filter(({ id }) => !known.has(id))
    .map(({ id }) => ({ id: `weight:${id}`, row: id }));
  return [...lost, ...more].filter(({ id }) => !excused.has(id));
}

/** Returns every file of tests that holds less than the baseline knew, without what was retired: the text leans on them. */
export function testsLost(
  before: readonly TestFile[],
  now: readonly TestFile[],
  retired: readonly Retired[],
): readonly Lost[] {
  const excused = new Set(retired.map(({ id }) => id));
  const files = new Map(now.map((file) => [file.path, file]));
  return before
    .filter(({ path, tests, assertions }) => {
      const { tests: left = 0, assertions: asserted = 0 } = files.get(path) ?? {};
      return left < tests || asserted < assertions;
    })
    .map(({ path }) => ({ id: `tests:${path}`, row: 'architecture_claim_boundary', guard: 'claim-boundary' }))
    .filter(({ id }) => !excused.has(id));
}
