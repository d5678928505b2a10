// Who may say what in a journal. The kernel enters each record that it writes here, and a journal takes those as they are.
// Of everybody else it takes only what cannot read as the word of a guard of this package, or of any grant.
import type { DecisionDraft, EvidenceDraft } from './record.ts';

/** Ids of the house have one part; everybody else's begin with a prefix of their own. */
export const HOUSE_ID = /^[a-z][a-z0-9-]{0,63}$/;
export const OWN_ID = /^[a-z][a-z0-9-]{0,63}(?:\/[a-z0-9][a-z0-9-]{0,63}){1,3}$/;

/** Constructs what it is given, so that a class which extends it has its private members on that. */
const Itself = function (this: unknown, draft: object): object {
  return draft;
} as unknown as new (
  draft: object,
) => object;

/**
 * Marks the very object: a private member can neither be named nor copied elsewhere, and no proxy shows that of its target. A
 * WeakMap says the same, at the cost of a tenth of the rest of a decision.
 */
class Vouched extends Itself {
  readonly #vouched = true;
  static has(draft: object): boolean {
    return #vouched in draft && draft.#vouched;
  }
}

/**
 * Enters a record that the kernel has written, and freezes next: nothing says that a frozen object will always take a private
 * member. For the kernel alone.
 */
export function vouchFor<Draft extends EvidenceDraft>(draft: Draft): Draft {
  return new Vouched(draft) as object as Draft;
}

/** Whether the kernel wrote this very record. */
export function isVouched(draft: EvidenceDraft): boolean {
  return typeof draft === 'object' && draft !== null && Vouched.has(draft);
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
