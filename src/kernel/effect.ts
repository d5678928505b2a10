// What became of a grant: a command that was sent, a process that was stopped. An effect is no decision and never reads as
// one; it names the record of the decision that allowed it.
import { MAX_REASON } from '../evidence/limits.ts';
import type { EffectDraft, EvidenceSink } from '../evidence/record.ts';
import { uuidv7 } from '../evidence/uuid.ts';
import { vouchFor } from '../evidence/vouched.ts';
import { deepFreeze } from './deep-freeze.ts';
import { evidenceIdOf } from './grants.ts';

export type Effect = Omit<EffectDraft, 'id' | 'mode' | 'of'>;

/**
 * Records an effect of a grant, durably.
 *
 * @returns the id of the record
 * @throws TypeError for what was not granted in this process; what the journal throws.
 */
export async function recordEffect(journal: EvidenceSink, grant: object, effect: Effect): Promise<string> {
  const of = evidenceIdOf(grant);
  if (of === undefined) throw new TypeError('an effect belongs to a grant');
  const id = uuidv7();
  const { kind, outcome, codes, reason, subject } = effect;
  const draft: EffectDraft = {
    id,
    mode: 'effect',
    of,
    kind,
    outcome,
    codes: [...codes],
    reason: reason.slice(0, MAX_REASON),
    ...(subject ? { subject: { ...subject } } : {}),
  };
  await journal.append(deepFreeze(vouchFor(draft)), '');
  return id;
}
