// The kernel: takes a guard from request to grant. Everything that can go wrong on the way (bad request, thrown
// error, deadline, abort, a rule that misbehaves, a journal that cannot keep the record) ends in a refusal with a
// code. It is written once here so that no guard can get it wrong.
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { codeIdentity } from '../evidence/identity.ts';
import {
  type EvidenceDraft,
  type EvidenceSink,
  MAX_REASON,
  MAX_SUBJECT_NAME,
  type Subject,
} from '../evidence/record.ts';
import { type AnyGuard, type Decision, type Guard, GuardRefusal } from './guard.ts';

export interface JudgeOptions {
  /** Aborts the look at the world and refuses. */
  readonly signal?: AbortSignal;
  /** Deadline in milliseconds for each wait on the outside: the look, the journal, the release. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface EnforceOptions extends JudgeOptions {
  /** Where the record goes, before any effect. */
  readonly journal: EvidenceSink;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** What the kernel itself refuses with, whatever the guard. */
const KERNEL = {
  'guard.request-invalid': 'Send a request that matches the schema of this guard; unknown keys are refused.',
  'guard.observe-failed': 'Make what the request names readable to this process, then ask again.',
  'guard.timeout': 'Find out what did not answer, or pass a longer timeoutMs.',
  'guard.aborted': 'The caller gave up; ask again when ready.',
  'guard.rule-failed': 'A rule threw or gave no clear answer; this is a bug in the guard, report it.',
  'guard.grant-failed':
    'See the error in parentheses: what had to last first could not be kept (space, permissions), or the guard has a bug.',
  'guard.journal-failed':
    'Make the journal writable again (space, permissions, lock): no evidence, no grant.',
  'guard.journal-timeout': 'Find out why the journal does not answer: no evidence, no grant.',
} as const;
type KernelCode = keyof typeof KERNEL;

/** A decision with what the rest of the house needs to know about it. Internal to the kernel and the drills. */
export interface Outcome<Facts> {
  readonly decision: Decision;
  /** The parsed request as JSON text, for the keyed input digest. */
  readonly input: string;
  readonly subject: Subject | undefined;
  readonly observed: { readonly facts: Facts } | undefined;
  readonly cause: unknown;
}

class Interrupted extends Error {
  readonly code: 'guard.timeout' | 'guard.aborted';
  constructor(code: 'guard.timeout' | 'guard.aborted') {
    super(code);
    this.code = code;
  }
}

/** Runs `work` until its deadline or abort. What arrives afterwards goes to `late`, so that it can be closed. */
async function bounded<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal: outer, timeoutMs = DEFAULT_TIMEOUT_MS }: JudgeOptions,
  late: (value: T) => void = () => {},
): Promise<T> {
  const inner = new AbortController();
  return await new Promise<T>((resolve, reject) => {
    let open = true;
    const close = (): boolean => {
      if (!open) return false;
      open = false;
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
      return true;
    };
    const interrupt = (code: 'guard.timeout' | 'guard.aborted'): void => {
      if (!close()) return;
      reject(new Interrupted(code));
      inner.abort();
    };
    const onAbort = (): void => interrupt('guard.aborted');
    // A referenced timer: a promise that never settles must end in a refusal, not in a process that exits silently.
    const timer = setTimeout(() => interrupt('guard.timeout'), timeoutMs);
    if (outer?.aborted) return onAbort();
    outer?.addEventListener('abort', onAbort, { once: true });
    // `async` so that a synchronous throw becomes a rejection too.
    (async () => work(inner.signal))().then(
      (value) => (close() ? resolve(value) : late(value)),
      (error: unknown) => close() && reject(error),
    );
  });
}

function refusal(guard: AnyGuard, code: KernelCode, reason: string): Decision {
  const decision = code === 'guard.request-invalid' ? 'refuse' : 'error';
  return { guard: guard.id, decision, codes: [code], reason, remedy: KERNEL[code] };
}

/** Judges the facts by every rule. A rule that throws or answers anything but a string or `false` refuses. */
function judgeFacts(guard: AnyGuard, facts: unknown): { decision: Decision; cause: unknown } {
  const refused: { code: string; reason: string; remedy: string }[] = [];
  let cause: unknown;
  let broken = false;
  for (const rule of guard.rules) {
    try {
      const answer: unknown = rule.refuses(facts);
      if (answer === false) continue;
      if (typeof answer === 'string') {
        refused.push({ code: rule.code, reason: answer, remedy: rule.remedy });
        continue;
      }
      if (answer instanceof Promise) answer.catch(() => {}); // an async rule; its rejection must not end the process
      cause ??= new TypeError(`rule ${rule.code} answered ${typeof answer}, not a string or false`);
    } catch (error) {
      cause ??= error;
    }
    broken = true;
    refused.push({
      code: 'guard.rule-failed',
      reason: `the rule ${rule.code} gave no answer`,
      remedy: KERNEL['guard.rule-failed'],
    });
  }
  const [headline] = refused;
  if (!headline) {
    const decision = {
      guard: guard.id,
      decision: 'allow',
      codes: [],
      reason: 'no rule refused',
      remedy: '',
    } as const;
    return { decision, cause };
  }
  const { reason, remedy } = headline;
  const codes = refused.map(({ code }) => code);
  return {
    decision: { guard: guard.id, decision: broken ? 'error' : 'refuse', codes, reason, remedy },
    cause,
  };
}

/** Where the request departs from its schema. Says kinds and positions only: the request may hold secrets. */
function schemaReason(
  issues: readonly { readonly code: string; readonly path: readonly PropertyKey[] }[],
): string {
  const [first] = issues;
  if (!first) return 'the request does not match the schema';
  const depth = first.path.length;
  return `the request does not match the schema (${first.code} at depth ${depth}; ${issues.length} in all)`;
}

/** Closes what was observed. A release that fails or hangs changes nothing: the answer is already no. */
export async function release(guard: AnyGuard, facts: unknown, timeoutMs?: number): Promise<void> {
  try {
    await bounded(async () => guard.release?.(facts), timeoutMs === undefined ? {} : { timeoutMs });
  } catch {}
}

/** Request to decision. The facts, if any, are still open: whoever calls this grants or releases them. */
export async function decide<Request, Facts, Grant>(
  guard: Guard<Request, Facts, Grant>,
  request: unknown,
  options: JudgeOptions = {},
): Promise<Outcome<Facts>> {
  const refuse = (code: KernelCode, reason: string, cause?: unknown, input = ''): Outcome<Facts> => ({
    decision: refusal(guard, code, reason),
    input,
    subject: undefined,
    observed: undefined,
    cause,
  });
  let parsed: Request;
  let input: string;
  try {
    const result = guard.request.safeParse(request);
    if (!result.success)
      return refuse('guard.request-invalid', schemaReason(result.error.issues), result.error);
    parsed = result.data;
    input = JSON.stringify(parsed) ?? '';
  } catch (error) {
    return refuse('guard.request-invalid', 'the request could not be read as plain data', error);
  }
  let facts: Facts;
  try {
    facts = await bounded(
      (signal) => guard.observe(parsed, signal),
      options,
      (late) => void release(guard, late, options.timeoutMs),
    );
  } catch (error) {
    if (error instanceof Interrupted) {
      const reason =
        error.code === 'guard.timeout' ? 'the look at the world took too long' : 'the caller aborted';
      return refuse(error.code, reason, error, input);
    }
    return refuse(
      'guard.observe-failed',
      `the world could not be looked at (${errnoOf(error)})`,
      error,
      input,
    );
  }
  const { decision, cause } = judgeFacts(guard, facts);
  let subject: Subject | undefined;
  try {
    subject = guard.subject?.(facts);
  } catch (error) {
    const broken = refusal(guard, 'guard.rule-failed', 'the guard could not name what it judged');
    const codes = [...broken.codes, ...decision.codes];
    return { decision: { ...broken, codes }, input, subject, observed: { facts }, cause: error };
  }
  return { decision, input, subject, observed: { facts }, cause };
}

/** A text over its limit would make the decision unrecordable, and who causes one could keep it out of the journal. */
function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}\u2026`;
}

/** The record of an outcome, before the journal adds its own fields. */
export function draftOf(
  guard: AnyGuard,
  { decision, subject }: Pick<Outcome<unknown>, 'decision' | 'subject'>,
  rest: Pick<EvidenceDraft, 'mode' | 'replay' | 'probe'>,
): EvidenceDraft {
  const policy = JSON.stringify([guard.id, guard.dimension, guard.rules.map(({ code }) => code)]);
  return {
    id: uuidv7(),
    guard: { id: guard.id, ...codeIdentity() },
    dimension: guard.dimension,
    decision: decision.decision,
    codes: decision.codes,
    reason: clip(decision.reason, MAX_REASON),
    ...(subject
      ? { subject: { ...subject, name: subject.name && clip(subject.name, MAX_SUBJECT_NAME) } }
      : {}),
    policyDigest: createHash('sha256').update(policy).digest('hex'),
    ...rest,
  };
}

/**
 * Returns the guard's grant, after a durable record of the decision, or throws {@link GuardRefusal}.
 *
 * @throws GuardRefusal with the code of the first rule that refused, or `guard.request-invalid`,
 * `guard.observe-failed`, `guard.timeout`, `guard.aborted`, `guard.rule-failed`, `guard.journal-failed`,
 * `guard.journal-timeout`, `guard.grant-failed`.
 */
export async function enforce<Request, Facts, Grant>(
  guard: Guard<Request, Facts, Grant>,
  request: NoInfer<Request>,
  options: EnforceOptions,
): Promise<Grant> {
  const outcome = await decide(guard, request, options);
  const replay = { argv: ['guardrails', 'check', guard.id, '--json', '-'] };
  // The record must be written even when the caller has already aborted, so only the deadline bounds it.
  const deadline = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const write = async (decision: Decision): Promise<string> => {
    const draft = draftOf(guard, { ...outcome, decision }, { mode: 'enforce', replay });
    await bounded(async () => options.journal.append(draft, outcome.input), deadline);
    return draft.id;
  };
  let granted = false;
  try {
    let evidenceId: string;
    try {
      evidenceId = await write(outcome.decision);
    } catch (error) {
      const code = error instanceof Interrupted ? 'guard.journal-timeout' : 'guard.journal-failed';
      const reason = `the decision was "${outcome.decision.decision}", but no record of it could be kept`;
      const decision = refusal(guard, code, reason);
      throw new GuardRefusal({ ...decision, codes: [code, ...outcome.decision.codes] }, undefined, error);
    }
    if (outcome.decision.decision !== 'allow' || !outcome.observed) {
      throw new GuardRefusal(outcome.decision, evidenceId, outcome.cause);
    }
    // What was recorded as allowed but does not take effect is recorded as such, so that the journal tells the truth.
    const takeBack = async (code: KernelCode, reason: string, cause: unknown): Promise<never> => {
      const decision = refusal(guard, code, reason);
      throw new GuardRefusal(decision, await write(decision).catch(() => undefined), cause);
    };
    if (options.signal?.aborted)
      return await takeBack('guard.aborted', 'the caller aborted', options.signal.reason);
    try {
      // Awaited although it should be no promise: one that rejects must end in a refusal like one that throws.
      const grant = await guard.grant(outcome.observed.facts);
      granted = true;
      return grant;
    } catch (error) {
      const what = error instanceof CodedError ? error.code : errnoOf(error);
      return await takeBack('guard.grant-failed', `the grant could not be built (${what})`, error);
    }
  } finally {
    if (!granted && outcome.observed) await release(guard, outcome.observed.facts, options.timeoutMs);
  }
}

/** Returns the decision alone: no journal, no grant. For hot loops that only ask, and for tests. Never throws. */
export async function judge<Request, Facts, Grant>(
  guard: Guard<Request, Facts, Grant>,
  request: NoInfer<Request>,
  options: JudgeOptions = {},
): Promise<Decision> {
  const outcome = await decide(guard, request, options);
  if (outcome.observed) await release(guard, outcome.observed.facts, options.timeoutMs);
  return outcome.decision;
}
