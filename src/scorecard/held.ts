// Whether a record bears out what it was drilled for, by what it says of the decision itself: its own verdict alone is
// not enough.
import type { DecisionRecord } from '../evidence/record.ts';
import type { Claim } from './claims.ts';

/** The drill came out as expected. */
export function held({ probe, decision, codes }: DecisionRecord): boolean {
  if (!probe?.passed || probe.observed !== probe.expected) return false;
  return probe.expected === 'allow'
    ? decision === 'allow' && codes.length === 0
    : decision !== 'allow' && codes[0] === probe.expected;
}

/** The state could not be built on this machine: no pass, and no failure of the guard either. */
export function isUnavailable({ probe }: DecisionRecord): boolean {
  return probe?.observed === 'drill.unavailable';
}

/** The mutant came out otherwise than a claimed drill expects. An error is no judgement, so it notices nothing. */
export function differs({ probe, decision, codes }: DecisionRecord, { drills }: Claim): boolean {
  if (!probe?.passed || probe.observed === probe.expected || decision === 'error') return false;
  if (drills.find(({ id }) => id === probe.drill)?.expects !== probe.expected) return false;
  return (codes[0] ?? decision) === probe.observed;
}
