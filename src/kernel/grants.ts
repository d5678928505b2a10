// What was granted. A grant is remembered by identity, under the guard that gave it and the record that allowed it: a
// copy, a proxy or an object made by hand is none.

import { weakTable } from '../evidence/weak-table.ts';
import type { AnyGuard, Guard } from './guard.ts';

interface Granted {
  readonly guard: AnyGuard;
  /** Id of the record of the decision. */
  readonly evidenceId: string;
}

const grants = weakTable<Granted>();

/**
 * Enters a grant. Internal to the kernel.
 *
 * @throws TypeError for what must not be granted: no object, one that can still be changed, a promise, or one that was
 * granted before and would now be good for another request as well.
 */
export function enterGrant(guard: AnyGuard, grant: unknown, evidenceId: string): void {
  if (typeof grant !== 'object' || grant === null) throw new TypeError('a grant is an object');
  if ('then' in grant) throw new TypeError('a grant is no promise');
  if (!Object.isFrozen(grant)) throw new TypeError('a grant is frozen');
  if (grants.get(grant)) throw new TypeError('a grant is a new object each time');
  grants.set(grant, { guard, evidenceId });
}

/** Whether `enforce` with this guard handed out this very object, in this process. */
export function isGranted<Grant extends object>(guard: Guard<never, Grant>, value: unknown): value is Grant {
  const granted = grants.get(value);
  // Said in full: for a guard that is undefined, as in a circle of imports, what was never granted must not compare equal.
  return granted !== undefined && granted.guard === guard;
}

/** Returns the id of the record that allowed a grant; `undefined` for what was not granted in this process. */
export function evidenceIdOf(grant: object): string | undefined {
  return grants.get(grant)?.evidenceId;
}
