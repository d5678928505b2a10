// Who may say what in a journal. The kernel enters each record that it writes here, and a journal takes those as they are.
// Of everybody else it takes only what cannot read as the word of a guard of this package, or of any grant.
import type { DecisionDraft, EvidenceDraft } from './record.ts';
import { weakTable } from './weak-table.ts';

/** Ids of the house have one part; everybody else's begin with a prefix of their own. */
export const HOUSE_ID = /^[a-z][a-z0-9-]{0,63}$/;
export const OWN_ID = /^[a-z][a-z0-9-]{0,63}(?:\/[a-z0-9][a-z0-9-]{0,63}){1,3}$/;

const vouched = weakTable<true>();

/** Enters a record, frozen to the bottom, that the kernel has written. For the kernel alone. */
export function vouchFor<Draft extends EvidenceDraft>(draft: Draft): Draft {
  vouched.set(draft, true);
  return draft;
}

/** Whether the kernel wrote this very record. */
export function isVouched(draft: EvidenceDraft): boolean {
  return vouched.get(draft) === true;
}

/**
 * Returns a copy of a decision that somebody wrote by hand, if it speaks for nobody else. What was looked at is what the
 * copy holds.
 */
export function ownDecision(draft: DecisionDraft): DecisionDraft | undefined {
  const own = { ...draft, guard: { ...draft.guard } };
  return typeof own.guard.id === 'string' && OWN_ID.test(own.guard.id) && own.of === undefined
    ? own
    : undefined;
}
