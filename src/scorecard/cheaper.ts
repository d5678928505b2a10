// Ways in which a gap asks for less than it did: each would raise the score without anything having been proven.
import type { PricedGap } from './price.ts';

/** What became of a gap since an earlier register. */
export interface Cheaper {
  readonly kind: 'removed' | 'less-severe' | 'asks-for-less' | 'redated' | 'cheaper';
  /** Reads after the id of the gap. */
  readonly why: string;
}

const SEVERITIES: readonly PricedGap['severity'][] = ['P2', 'P1', 'P0'];

/** Requirements, and for what was shipped the drills that showed it, which are there no more. */
function asksForLess(before: PricedGap, now: PricedGap): boolean {
  const asked = new Map(now.evidence_required.map(({ requirement, evidence }) => [requirement, evidence]));
  return before.evidence_required.some(({ requirement, evidence }) => {
    const named = asked.get(requirement);
    if (!named) return true;
    return before.counted === 'shipped' && !evidence.every((id) => named.includes(id));
  });
}

/** Returns how `now` asks for less than `before` did, which is compared by what it counted, not by what was written. */
export function whyCheaper(before: PricedGap, now: PricedGap | undefined): Cheaper | undefined {
  if (!now) return { kind: 'removed', why: 'was removed from the register' };
  if (SEVERITIES.indexOf(now.severity) < SEVERITIES.indexOf(before.severity))
    return { kind: 'less-severe', why: 'was made less severe' };
  if (asksForLess(before, now)) return { kind: 'asks-for-less', why: 'asks for other evidence' };
  if (now.counted !== 'shipped' && before.words?.some((word) => !now.words?.includes(word)))
    return { kind: 'asks-for-less', why: 'lost a word that public text must not use of it' };
  if (before.opened !== undefined && before.opened !== now.opened)
    return { kind: 'redated', why: `was opened on ${before.opened}, and now says otherwise` };
  if (now.penalty < before.penalty && now.counted !== 'shipped')
    return { kind: 'cheaper', why: `went from ${before.counted} to ${now.counted} without proof` };
  return undefined;
}
