// From a request to a decision: parse, look once, ask every rule. Everything that can go wrong on the way (bad request,
// thrown error, deadline, abort, a rule that misbehaves) is a refusal with a code.
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import type { Subject } from '../evidence/record.ts';
import { Deadline, Interrupted } from './deadline.ts';
import type { AnyDefinition } from './define.ts';
import type { Decision } from './guard.ts';
import { KERNEL_CODES, type KernelCode, kernelDecision } from './refusal.ts';
import { schemaReason } from './schema-reason.ts';

/** A decision with what the rest of the house needs to know about it. Internal to the kernel and the drill runner. */
export interface Outcome {
  readonly decision: Decision;
  /** The parsed request as JSON text, for the keyed input digest. */
  readonly input: string;
  readonly subject: Subject | undefined;
  /** What was found, still open: whoever decides grants or releases it. */
  readonly observed: { readonly facts: unknown } | undefined;
  readonly cause: unknown;
}

/** Closes what was observed. A release that fails or hangs changes nothing: the answer is already no. */
export async function release(definition: AnyDefinition, facts: unknown, timeoutMs: number): Promise<void> {
  if (!definition.release) return;
  const deadline = new Deadline({ timeoutMs });
  try {
    await deadline.run(async () => definition.release?.(facts));
  } catch {
  } finally {
    deadline.end();
  }
}

/** Judges the facts by every rule. A rule that throws or answers anything but a string or `false` refuses. */
function askRules(
  guard: AnyDefinition,
  facts: unknown,
): { readonly decision: Decision; readonly cause: unknown } {
  const refused: { code: string; reason: string; remedy: string }[] = [];
  let cause: unknown;
  let broken = false;
  // By index: the engine walks a frozen array in no other way as fast.
  for (let index = 0; index < guard.rules.length; index += 1) {
    const rule = guard.rules[index] as AnyDefinition['rules'][number];
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
      remedy: KERNEL_CODES['guard.rule-failed'],
    });
  }
  const [headline] = refused;
  if (!headline) {
    // Written out: a spread costs as much as a few rules.
    const decision: Decision = {
      guard: guard.id,
      decision: 'allow',
      codes: [],
      reason: 'no rule refused',
      remedy: '',
    };
    return { decision, cause };
  }
  const { reason, remedy } = headline;
  const codes = refused.map(({ code }) => code);
  const decision = broken ? 'error' : 'refuse';
  return { decision: { guard: guard.id, decision, codes, reason, remedy }, cause };
}

/** Judges facts and names what was judged. Pure: the drill runner judges the facts of a drill again without each rule. */
export function judgeFacts(guard: AnyDefinition, facts: unknown): Omit<Outcome, 'input' | 'observed'> {
  const { decision, cause } = askRules(guard, facts);
  try {
    const subject: unknown = guard.subject?.(facts);
    if (subject instanceof Promise) {
      subject.catch(() => {}); // its rejection must not end the process
      throw new TypeError('the subject is a promise');
    }
    return { decision, cause, subject: subject ? ({ ...subject } as Subject) : undefined }; // read once, here
  } catch (error) {
    const broken = kernelDecision(guard.id, 'guard.rule-failed', 'the guard could not name what it judged');
    const codes = [...broken.codes, ...decision.codes];
    return { decision: { ...broken, codes }, cause: error, subject: undefined };
  }
}

/**
 * Request to decision for what the request alone says. `undefined` where it takes a look, and where anything is wrong: then
 * {@link decide} says so.
 */
export function decideAtOnce(guard: AnyDefinition, request: unknown): Decision | undefined {
  if (!guard.glance) return undefined;
  try {
    const { success, data } = guard.request.safeParse(request);
    const facts: unknown = success ? guard.glance(data) : undefined;
    return facts === undefined ? undefined : judgeFacts(guard, facts).decision;
  } catch {
    return undefined;
  }
}

/** Request to decision. The facts, if any, are still open: whoever calls this grants or releases them. */
export async function decide(guard: AnyDefinition, request: unknown, deadline: Deadline): Promise<Outcome> {
  const refuse = (code: KernelCode, reason: string, cause?: unknown, input = ''): Outcome => ({
    decision: kernelDecision(guard.id, code, reason),
    input,
    subject: undefined,
    observed: undefined,
    cause,
  });
  let parsed: unknown;
  let input: string;
  try {
    const result = guard.request.safeParse(request);
    if (!result.success) {
      const reason = schemaReason(guard.request, result.error.issues);
      return refuse('guard.request-invalid', reason, result.error);
    }
    parsed = result.data;
    input = JSON.stringify(parsed) ?? '';
  } catch (error) {
    return refuse('guard.request-invalid', 'the request could not be read as plain data', error);
  }
  let facts: unknown;
  try {
    facts = deadline.interrupted ? undefined : guard.glance?.(parsed);
    facts ??= await deadline.run(
      () => guard.observe(parsed, deadline.signal),
      (late) => void release(guard, late, deadline.timeoutMs),
    );
  } catch (error) {
    if (error instanceof Interrupted) {
      const timedOut = error.code === 'guard.timeout';
      const reason = timedOut ? 'the look at the world took too long' : 'the caller aborted';
      return refuse(error.code, reason, error, input);
    }
    const why = error instanceof CodedError ? `${error.code}: ${error.message}` : errnoOf(error);
    const reason = `the world could not be looked at (${why})`;
    return refuse('guard.observe-failed', reason, error, input);
  }
  const { decision, cause, subject } = judgeFacts(guard, facts);
  return { decision, cause, subject, input, observed: { facts } };
}
