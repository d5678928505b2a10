// Guards with one thing broken on purpose. A rule that is taken out needs no author; looks that are broken in the way of a
// careless programmer are written by hand, beside the drills.
import { judgeFacts, type Outcome } from '../kernel/decide.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import type { BrokenLook } from './proof.ts';

/** The id of all facts that rules read, each always good: see `missedFacts`. */
export const FACTS = 'facts';

interface Named {
  readonly id: string;
  readonly fault: string;
}

/** Judges what was seen otherwise than the guard does. */
interface OtherJudgement extends Named {
  readonly observesAnew: false;
  judge(facts: unknown): Omit<Outcome, 'input' | 'observed'>;
}

/** Looks otherwise than the guard does, so the state must be there. */
interface OtherLook extends Named {
  readonly observesAnew: true;
  readonly guard: AnyDefinition;
  readonly noticedBy: string | undefined;
}

export type Mutant = OtherJudgement | OtherLook;

/** Returns the guard without rule i, for every i, and with each look that is broken on purpose. */
export function mutantsOf(
  guard: AnyDefinition,
  brokenLooks: readonly BrokenLook<unknown>[],
): readonly Mutant[] {
  const ruleless = guard.rules.map(({ code }, index): OtherJudgement => {
    // By position: of two rules that share a code, each must be missed on its own.
    const mutant = { ...guard, rules: guard.rules.toSpliced(index, 1) };
    const judge = (facts: unknown): ReturnType<OtherJudgement['judge']> => judgeFacts(mutant, facts);
    return { id: code, fault: `the rule ${code} taken out`, observesAnew: false, judge };
  });
  const blinded = brokenLooks.map((look): OtherLook => {
    const observe: AnyDefinition['observe'] = (request, signal) => look.observe(request, signal);
    return {
      id: look.id,
      fault: `the look replaced by ${look.id}`,
      observesAnew: true,
      noticedBy: look.noticedBy,
      // A glance would spare it the look that is broken.
      guard: { ...guard, observe, glance: () => undefined },
    };
  });
  return [...ruleless, ...blinded];
}
