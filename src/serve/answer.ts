// One request to one guard, and what the one who asked is told: the decision and, where it is allowed, what was granted.
// What was granted is told as it is written in JSON; nothing of it stays open here.
import { type DecisionDraft, type EvidenceSink, isDecisionDraft } from '../evidence/record.ts';
import { type EnforceOptions, enforce } from '../kernel/enforce.ts';
import { evidenceIdOf, isGranted } from '../kernel/grants.ts';
import type { AnyGuard, Decision } from '../kernel/guard.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import { heldConnection, hostKey } from '../ssh/host-key/host-key.ts';

export interface Answer extends Decision {
  /** What the caller may use; `null` when refused. */
  readonly grant: object | null;
  /** Id of the record in the journal; `null` where none could be kept. */
  readonly evidence: string | null;
}

/** Puts a request to a guard. Never throws for a refusal. @throws TypeError, CodedError `usage.timeout` as `enforce`. */
export async function answerTo(guard: AnyGuard, request: unknown, options: EnforceOptions): Promise<Answer> {
  let last: DecisionDraft | undefined; // whether it was kept as well, the grant and the refusal say
  const journal: EvidenceSink = {
    append: (draft, input, signal) => {
      if (isDecisionDraft(draft)) last = draft;
      return options.journal.append(draft, input, signal);
    },
  };
  try {
    const grant: object = await enforce(guard, request as never, { ...options, journal });
    // What was asked for is the decision; nobody who asks from outside can use a connection of ours.
    if (isGranted(hostKey, grant)) heldConnection(grant)?.destroy();
    const allowed = { decision: 'allow', codes: [], reason: 'no rule refused', remedy: '' } as const;
    return { guard: guard.id, ...allowed, grant, evidence: evidenceIdOf(grant) ?? null };
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { codes, reason, remedy, evidenceId } = error;
    const decision = last !== undefined && last.id === evidenceId ? last.decision : 'error';
    return { guard: guard.id, decision, codes, reason, remedy, grant: null, evidence: evidenceId ?? null };
  }
}
