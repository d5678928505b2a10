// The error that a caller gets instead of a grant, and what the kernel itself refuses with, whatever the guard.
import { CodedError } from '../evidence/coded-error.ts';
import type { Decision } from './guard.ts';

/** Codes of the kernel, with what the operator does next. */
export const KERNEL_CODES = {
  'guard.request-invalid': 'Send a request that matches the schema; unknown keys are refused.',
  'guard.observe-failed': 'Make what the request names readable to this process, then ask again.',
  'guard.timeout': 'Find out what did not answer, or pass a longer timeoutMs.',
  'guard.aborted': 'The caller gave up; ask again when ready.',
  'guard.rule-failed': 'A rule threw or gave no clear answer: a bug in the guard, report it.',
  'guard.commit-failed':
    'See the error in parentheses: what must outlast the grant could not be kept (space, permissions).',
  'guard.grant-failed': 'The grant could not be built from the facts: a bug in the guard, report it.',
  'guard.journal-failed':
    'Make the journal writable again (space, permissions, lock): no evidence, no grant.',
  'guard.journal-timeout': 'Find out why the journal does not answer: no evidence, no grant.',
} as const;
export type KernelCode = keyof typeof KERNEL_CODES;

/** Returns a decision of the kernel's own. */
export function kernelDecision(guard: string, code: KernelCode, reason: string): Decision {
  const decision = code === 'guard.request-invalid' ? 'refuse' : 'error';
  return { guard, decision, codes: [code], reason, remedy: KERNEL_CODES[code] };
}

/** The remedy of the innermost coded error: the full disk, not the journal that it filled. */
function innermostRemedy(cause: unknown): string | undefined {
  let remedy: string | undefined;
  const seen = new Set<unknown>();
  for (let error = cause; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    if (error instanceof CodedError && error.remedy !== '') remedy = error.remedy;
  }
  return remedy;
}

/** Thrown by `enforce` instead of a grant. `code` is the headline; `cause` the underlying error, if there was one. */
export class GuardRefusal extends CodedError {
  readonly guard: string;
  /** Every code that refused. */
  readonly codes: readonly string[];
  readonly reason: string;
  /** Id of the record in the journal; `undefined` when the journal itself failed. */
  readonly evidenceId: string | undefined;

  constructor(decision: Decision, evidenceId: string | undefined, cause: unknown) {
    super(
      decision.codes[0] ?? 'guard.refused',
      `${decision.guard}: ${decision.reason}`,
      innermostRemedy(cause) ?? decision.remedy,
      cause === undefined ? undefined : { cause },
    );
    this.guard = decision.guard;
    this.codes = decision.codes;
    this.reason = decision.reason;
    this.evidenceId = evidenceId;
  }
}
