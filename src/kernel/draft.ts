// The record of a decision, before the journal adds its own fields.
import { codeIdentity } from '../evidence/identity.ts';
import { MAX_REASON, MAX_SUBJECT_NAME } from '../evidence/limits.ts';
import type { DecisionDraft, Method, Subject } from '../evidence/record.ts';
import { sha256Hex } from '../evidence/sha256.ts';
import { uuidv7 } from '../evidence/uuid.ts';
import { vouchFor } from '../evidence/vouched.ts';
import { weakTable } from '../evidence/weak-table.ts';
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
  return sha256Hex(policy);
}

/** What each record of a guard says of the guard, and how a decision for a caller is asked for again. */
type Signature = Pick<DecisionDraft, 'guard' | 'policyDigest' | 'replay'>;
const signatures = weakTable<Signature>();

function signatureOf(guard: AnyDefinition): Signature {
  const known = signatures.get(guard);
  if (known) return known;
  const signature = deepFreeze({
    guard: { id: guard.id, ...codeIdentity() },
    policyDigest: policyDigest(guard),
    replay: { argv: ['guardrails', 'check', guard.id, '--json', '-'] },
  });
  if (Object.isFrozen(guard) && Object.isFrozen(guard.rules)) signatures.set(guard, signature);
  return signature;
}

function methodOf(guard: AnyDefinition, observed: Outcome['observed']): Method {
  try {
    return (observed && guard.method?.(observed.facts)) ?? 'none';
  } catch {
    return 'none'; // what the guard cannot say is not claimed
  }
}

const named = ({ kind, name, digest }: Subject): Subject =>
  Object.freeze({ kind, name: name && clip(name, MAX_SUBJECT_NAME), digest });

/** Returns the record of an outcome, which a journal takes for the guard's own. */
export function draftOf(
  guard: AnyDefinition,
  { decision, subject, observed }: Pick<Outcome, 'decision' | 'subject' | 'observed'>,
  rest: Pick<DecisionDraft, 'mode' | 'probe' | 'of'> & Partial<Pick<DecisionDraft, 'replay'>>,
): DecisionDraft {
  const signature = signatureOf(guard);
  const { mode, replay, probe, of } = rest;
  // Written out: an object that is brought together from others costs as much as the rest of the decision.
  const draft: DecisionDraft = {
    id: uuidv7(),
    guard: signature.guard,
    dimension: guard.dimension,
    decision: decision.decision,
    codes: Object.freeze([...decision.codes]),
    reason: clip(decision.reason, MAX_REASON),
    subject: subject && named(subject),
    method: methodOf(guard, observed),
    policyDigest: signature.policyDigest,
    mode,
    replay: replay ? deepFreeze(replay) : signature.replay,
    probe: probe && Object.freeze({ ...probe }),
    of,
  };
  return Object.freeze(vouchFor(draft));
}
