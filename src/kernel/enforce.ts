// Takes a guard from request to grant. No evidence, no grant; and whatever happens after the record and keeps the grant
// from being handed out is recorded as well. It is written once here so that no guard can get it wrong.
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import type { EvidenceSink } from '../evidence/record.ts';
import { Deadline, type DeadlineOptions, Interrupted } from './deadline.ts';
import { decide, decideAtOnce, type Outcome, release } from './decide.ts';
import { type AnyDefinition, definitionOf } from './define.ts';
import { draftOf } from './draft.ts';
import { enterGrant } from './grants.ts';
import type { Decision, Guard } from './guard.ts';
import { GuardRefusal, type KernelCode, kernelDecision } from './refusal.ts';

/** The timeout is for look, record and commit together; what is to be recorded or closed after that has as long once more. */
export type JudgeOptions = DeadlineOptions;

export interface EnforceOptions extends JudgeOptions {
  /** Where the record goes, before any effect. */
  readonly journal: EvidenceSink;
}

/** What errors may say in a record: a code, never their message. */
const named = (error: unknown): string => (error instanceof CodedError ? error.code : errnoOf(error));

/** Writes the records of one decision. */
class Recorder {
  readonly #guard: AnyDefinition;
  readonly #outcome: Outcome;
  readonly #journal: EvidenceSink;

  constructor(guard: AnyDefinition, outcome: Outcome, journal: EvidenceSink) {
    this.#guard = guard;
    this.#outcome = outcome;
    this.#journal = journal;
  }

  /**
   * Returns the id of the record once it is durable. An abort of the caller does not keep a decision out of the journal,
   * so only time bounds this: that of the whole call, or `timeoutMs` of its own. `of` names the record that this one takes
   * back.
   *
   * @throws Interrupted; what the journal throws.
   */
  async write(decision: Decision, bound: Deadline | number, of?: string): Promise<string> {
    const { subject, observed } = this.#outcome;
    const draft = draftOf(this.#guard, { decision, subject, observed }, { mode: 'enforce', of });
    // What comes too late is durable all the same, and nobody may read it as a grant.
    const late = (): void => {
      if (decision.decision !== 'allow') return;
      const reason = 'the record came after its deadline; nothing was granted';
      this.takeBack('guard.journal-timeout', reason, draft.id, timeoutMs).catch(() => {});
    };
    const deadline = typeof bound === 'number' ? new Deadline({ timeoutMs: bound }) : bound;
    const { timeoutMs } = deadline;
    try {
      const { timeSignal } = deadline;
      await deadline.runDespiteAbort(
        () => this.#journal.append(draft, this.#outcome.input, timeSignal),
        late,
      );
    } finally {
      if (deadline !== bound) deadline.end();
    }
    return draft.id;
  }

  /** Records that what was recorded as allowed did not take effect. */
  async takeBack(code: KernelCode, reason: string, of: string, timeoutMs: number): Promise<string> {
    return await this.write(kernelDecision(this.#guard.id, code, reason), timeoutMs, of);
  }
}

/**
 * Returns the guard's grant, after a durable record of the decision, or throws {@link GuardRefusal}.
 *
 * @throws GuardRefusal with the code of the first rule that refused, or `guard.request-invalid`, `guard.observe-failed`,
 * `guard.timeout`, `guard.aborted`, `guard.rule-failed`, `guard.commit-failed`, `guard.grant-failed`,
 * `guard.journal-failed`, `guard.journal-timeout`.
 * @throws CodedError `usage.timeout`. @throws TypeError for a guard that `defineGuard` did not return, and without a
 * journal.
 */
export async function enforce<Request, Grant extends object>(
  guard: Guard<Request, Grant>,
  request: NoInfer<Request>,
  options: EnforceOptions,
): Promise<Grant> {
  const definition = definitionOf(guard);
  // Callers in JavaScript leave it out; nothing is looked at for a decision that nobody could keep.
  if (typeof options?.journal?.append !== 'function')
    throw new TypeError('enforce needs { journal }: openState({ dir }) opens one; judge asks without one');
  const deadline = new Deadline(options);
  const { timeoutMs } = deadline;
  let outcome: Outcome | undefined;
  let granted = false;
  try {
    outcome = await decide(definition, request, deadline);
    const recorder = new Recorder(definition, outcome, options.journal);
    const { decision, observed } = outcome;
    const allowed = decision.decision === 'allow' && observed !== undefined;
    let evidenceId: string;
    try {
      evidenceId = await recorder.write(decision, allowed ? deadline : timeoutMs);
    } catch (error) {
      const code = error instanceof Interrupted ? 'guard.journal-timeout' : 'guard.journal-failed';
      const reason = `the decision was "${decision.decision}", but no record of it could be kept`;
      const unkept = kernelDecision(guard.id, code, reason);
      throw new GuardRefusal({ ...unkept, codes: [code, ...decision.codes] }, undefined, error);
    }
    if (!allowed) throw new GuardRefusal(decision, evidenceId, outcome.cause);
    const takeBack = async (code: KernelCode, reason: string, cause: unknown): Promise<never> => {
      const kept = await recorder.takeBack(code, reason, evidenceId, timeoutMs).catch(() => undefined);
      throw new GuardRefusal(kernelDecision(guard.id, code, reason), kept, cause);
    };
    const { facts } = observed;
    try {
      if (definition.commit) await deadline.run(async () => definition.commit?.(facts, deadline.signal));
      deadline.requireTime();
    } catch (error) {
      if (!(error instanceof Interrupted))
        return await takeBack(
          'guard.commit-failed',
          `what must last could not be kept (${named(error)})`,
          error,
        );
      const timedOut = error.code === 'guard.timeout';
      return await takeBack(
        error.code,
        timedOut ? 'time was up before the grant' : 'the caller aborted',
        error,
      );
    }
    try {
      const grant: unknown = definition.grant(facts);
      if (grant instanceof Promise) grant.catch(() => {}); // refused below; its rejection must not end the process
      enterGrant(guard, grant, evidenceId);
      granted = true;
      return grant as Grant;
    } catch (error) {
      return await takeBack('guard.grant-failed', `the grant could not be built (${named(error)})`, error);
    }
  } finally {
    deadline.end();
    if (!granted && outcome?.observed) await release(definition, outcome.observed.facts, timeoutMs);
  }
}

/**
 * Returns the decision alone: no journal, no grant. For hot loops that only ask, and for tests.
 *
 * @throws CodedError `usage.timeout`. @throws TypeError for a guard that `defineGuard` did not return.
 */
export async function judge<Request>(
  guard: Guard<Request, object>,
  request: NoInfer<Request>,
  options: JudgeOptions = {},
): Promise<Decision> {
  const definition = definitionOf(guard);
  if (options.timeoutMs === undefined && options.signal === undefined) {
    const decision = decideAtOnce(definition, request);
    if (decision) return decision;
  }
  const deadline = new Deadline(options);
  try {
    const outcome = await decide(definition, request, deadline);
    if (outcome.observed) await release(definition, outcome.observed.facts, deadline.timeoutMs);
    return outcome.decision;
  } finally {
    deadline.end();
  }
}
