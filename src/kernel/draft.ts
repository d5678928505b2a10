// The record of a decision, before the journal adds its own fields.
import { createHash } from 'node:crypto';
import { codeIdentity } from '../evidence/identity.ts';
import { MAX_REASON, MAX_SUBJECT_NAME } from '../evidence/limits.ts';
import type { DecisionDraft, Method } from '../evidence/record.ts';
import { uuidv7 } from '../evidence/uuid.ts';
import { vouchFor } from '../evidence/vouched.ts';
import type { Outcome } from './decide.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { AnyDefinition } from './define.ts';

/** A text over its limit would make the decision unrecordable, and who causes one could keep it out of the journal. */
function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Never half a character: a lone surrogate has no UTF-8, and no journal takes it.
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}\u2026`;
}

/**
 * Returns the SHA-256 (hex) of what a guard refuses, in its own words: id, row, and code and remedy of each rule, in
 * order. The code behind them is in the digest of the code, which stands beside it in each record.
 */
export function policyDigest({ id, dimension, rules }: AnyDefinition): string {
  const policy = JSON.stringify([id, dimension, rules.map(({ code, remedy }) => [code, remedy])]);
  return createHash('sha256').update(policy).digest('hex');
}

function methodOf(guard: AnyDefinition, observed: Outcome['observed']): Method {
  try {
    return (observed && guard.method?.(observed.facts)) ?? 'none';
  } catch {
    return 'none'; // what the guard cannot say is not claimed
  }
}

/** Returns the record of an outcome, which a journal takes for the guard's own. */
export function draftOf(
  guard: AnyDefinition,
  { decision, subject, observed }: Pick<Outcome, 'decision' | 'subject' | 'observed'>,
  rest: Pick<DecisionDraft, 'mode' | 'replay' | 'probe' | 'of'>,
): DecisionDraft {
  const { version, codeDigest } = codeIdentity();
  const draft: DecisionDraft = {
    id: uuidv7(),
    guard: { id: guard.id, version, codeDigest },
    dimension: guard.dimension,
    decision: decision.decision,
    codes: [...decision.codes],
    reason: clip(decision.reason, MAX_REASON),
    ...(subject
      ? { subject: { ...subject, name: subject.name && clip(subject.name, MAX_SUBJECT_NAME) } }
      : {}),
    method: methodOf(guard, observed),
    policyDigest: policyDigest(guard),
    ...rest,
  };
  return vouchFor(deepFreeze(draft));
}
