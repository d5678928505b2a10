// Which drills are run again before their records are believed: chosen by the root of the journal, which covers every
// record, so that who writes them cannot choose which are looked at.
import { portable } from '../evidence/primitives.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import type { Claims } from './claims.ts';
import { lookAt } from './look.ts';

/** A drill that a grade rests on, and what its record says came out. */
export interface Drawn {
  readonly guard: string;
  readonly drill: string;
  readonly recorded: string;
  /** SHA-256 (hex) of what its record says was built, where it says so. */
  readonly fixture?: string | undefined;
}

/** A drill that was run again, now and here. */
export interface Replayed extends Drawn {
  /** What came out. */
  readonly seen: string;
  /** SHA-256 (hex) of what was built. */
  readonly built?: string | undefined;
}

/** Why what came out now takes back what was recorded, or `undefined`. */
export function contradiction({ drill, recorded, seen, fixture, built }: Replayed): string | undefined {
  if (recorded !== seen) return `${drill}: its record says ${recorded}, run again it shows ${seen}`;
  if (fixture === built) return undefined;
  return `${drill}: run again it built another state than its record names`;
}

/** Returns every drill that the grades of these claims rest on, in the order in which the root draws them. */
export function drawDrills(
  { lines, root }: Pick<JournalVerdict, 'lines' | 'root'>,
  { claims }: Claims,
): readonly Drawn[] {
  const looks = lookAt({ lines });
  const records = claims.flatMap(({ guard }) => looks.get(guard)?.drills ?? []);
  const place = (id: string): string => portable.sha256Hex(new TextEncoder().encode(`${root} ${id}`));
  return records
    .flatMap(({ id, guard, probe, replay: { fixtureDigest: fixture } }) =>
      probe ? [{ place: place(id), guard: guard.id, probe, fixture }] : [],
    )
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ guard, probe, fixture }) => ({ guard, drill: probe.drill, recorded: probe.observed, fixture }));
}
