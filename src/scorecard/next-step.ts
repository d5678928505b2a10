// What a scorecard does not rest on: drills whose state could not be built here, and what to run where nothing was drilled.
import type { JournalVerdict } from '../evidence/verdict.ts';
import { isUnavailable } from './held.ts';
import { lookAt } from './look.ts';
import type { Score } from './score.ts';

/** A drill, or the question about the real subject (`live`), that the machine could not answer. */
export interface LeftOut {
  readonly guard: string;
  readonly drill: string;
  /** What to install or to do. */
  readonly why: string;
}

/** Returns what the runs that count left out. */
export function leftOutOf(verdict: Pick<JournalVerdict, 'lines'>): readonly LeftOut[] {
  return [...lookAt(verdict)].flatMap(([guard, { drills, live }]) =>
    [...drills, ...(live ? [live] : [])]
      .filter(isUnavailable)
      .map(({ probe, reason }) => ({ guard, drill: probe?.drill ?? '', why: reason })),
  );
}

/** Returns the command that gives the probes without evidence some, or `undefined` where each has some. */
export function nextCommand({ dimensions }: Pick<Score, 'dimensions'>): readonly string[] | undefined {
  const probes = dimensions.flatMap((row) => row.probes);
  const bare = probes.filter(({ evidence }) => evidence.length === 0).map(({ probe }) => probe);
  if (bare.length === 0) return undefined;
  // One run for all: a probe that is not in the newest run is not live.
  return ['guardrails', 'drill', '--mutants'];
}
