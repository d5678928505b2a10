// Which drills are run again before their records are believed: chosen by the root of the journal, which covers every
// record, so that who writes them cannot choose which are looked at.
import { portable } from '../evidence/primitives.ts';
import type { JournalVerdict } from '../evidence/verify.ts';
import type { Claims } from './claims.ts';
import { lookAt } from './look.ts';

/** A drill that a grade rests on, and what its record says came out. */
export interface Drawn {
  readonly guard: string;
  readonly drill: string;
  readonly recorded: string;
}

/** A drill that was run again, now and here. */
export interface Replayed extends Drawn {
  /** What came out. */
  readonly seen: string;
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
    .flatMap(({ id, guard, probe }) => (probe ? [{ place: place(id), guard: guard.id, probe }] : []))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ guard, probe }) => ({ guard, drill: probe.drill, recorded: probe.observed }));
}
