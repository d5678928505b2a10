// What is run again before its records are believed. Drills are chosen by the root of the journal, which covers every record,
// so that who writes them cannot choose which are looked at; every real subject is asked about again, for there is one of each.
import { portable } from '../evidence/primitives.ts';
import type { DecisionRecord } from '../evidence/record.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import type { Claims } from './claims.ts';
import { lookAt } from './look.ts';

/** A drill, or the question about the real subject (`live`), that a grade rests on, and what its record says came out. */
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

/**
 * Returns what is to be run again: `count` drills as the root draws them, every drill of the guards in `whole`, and every
 * question about a real subject.
 */
export function drawDrills(
  { lines, root }: Pick<JournalVerdict, 'lines' | 'root'>,
  { claims }: Claims,
  count: number,
  whole: ReadonlySet<string> = new Set(),
): readonly Drawn[] {
  const looks = lookAt({ lines });
  const place = (id: string): string => portable.sha256Hex(new TextEncoder().encode(`${root} ${id}`));
  const drawn = ({ guard, probe, replay: { fixtureDigest: fixture } }: DecisionRecord): readonly Drawn[] =>
    probe ? [{ guard: guard.id, drill: probe.drill, recorded: probe.observed, fixture }] : [];
  const drills = claims
    .flatMap(({ guard }) => looks.get(guard)?.drills ?? [])
    .map((record) => ({ record, at: place(record.id) }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .filter(({ record }, n) => n < count || whole.has(record.guard.id));
  const asked = claims.flatMap(({ guard, live }) =>
    live === undefined ? [] : (looks.get(guard)?.live ?? []),
  );
  return [...drills.map(({ record }) => record), ...asked].flatMap(drawn);
}
