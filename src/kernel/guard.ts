// The one idea: a guard is data plus one look at the world. Rules judge only what that look found, and the caller
// gets only what it found, so nothing is looked up twice and there is no gap between check and use to race.
import type * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import type { DimensionId, Subject, Verdict } from '../evidence/record.ts';

/** One reason to refuse: a pure function of the facts. */
export interface Rule<Facts> {
  /** Stable, documented, greppable: `model.world-writable`. */
  readonly code: string;
  /** What the operator does next. */
  readonly remedy: string;
  /** Returns why, in one sentence that repeats no secret, or `false`. Any other answer, or a throw, refuses. */
  refuses(facts: Facts): string | false;
}

/** What a drill may use to build its state. Everything is taken down again when the drill ends. */
export interface DrillSite {
  /** A fresh directory of this drill's own, mode 0700. */
  readonly directory: string;
  /** Registers work to undo, run in reverse order when the drill ends. */
  onCleanup(undo: () => Promise<void> | void): void;
}

export interface Drill<Request> {
  readonly id: string;
  /** The fault that is built, in a few words. */
  readonly fault: string;
  /** `allow`, or the code that must be the headline of the refusal. */
  readonly expects: string;
  /** Builds the state for real and returns the request to judge. Throws {@link DrillUnavailable} where it cannot. */
  build(site: DrillSite): Promise<Request>;
}

export interface Guard<Request, Facts, Grant> {
  readonly id: string;
  /** The row of the scorecard that this guard proves. */
  readonly dimension: DimensionId;
  /** Strict: an unknown key is refused. */
  readonly request: z.ZodType<Request>;
  /**
   * The only look at the world: open, fstat, resolve. What can be found wrong is a fact for a rule; it throws only
   * when it could not look. `signal` aborts at the deadline.
   */
  observe(request: Request, signal: AbortSignal): Promise<Facts>;
  /** Every reason to refuse. All are asked; the first that refuses is the headline. */
  readonly rules: readonly Rule<Facts>[];
  /** Returns what the caller may now use. Runs only after the evidence is durable. */
  grant(facts: Facts): Grant;
  /** Closes what `observe` opened. Called exactly once whenever facts were observed and not granted. */
  release?(facts: Facts): Promise<void>;
  /** Names what was judged, for the record. Its `name` must be something that is no secret. */
  subject?(facts: Facts): Subject;
  /** Known bad (and good) states, built for real. At least one is allowed; each rule is some drill's headline. */
  readonly drills: readonly Drill<Request>[];
  /** Looks that are broken on purpose, such as a quoting encoder that does nothing; some drill must notice each. */
  readonly mutants?: readonly {
    readonly id: string;
    observe(request: Request, signal: AbortSignal): Promise<Facts>;
  }[];
}

/** Any guard, where its types do not matter. Method bivariance makes every guard assignable. */
// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds guards of unrelated types; each is used with its own
export type AnyGuard = Guard<any, any, unknown>;

/** What a guard concluded. */
export interface Decision {
  readonly guard: string;
  readonly decision: Verdict;
  /** Every code that refused, headline first; empty when allowed. */
  readonly codes: readonly string[];
  readonly reason: string;
  /** What the operator does next; empty when allowed. */
  readonly remedy: string;
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
      decision.remedy,
      cause === undefined ? undefined : { cause },
    );
    this.guard = decision.guard;
    this.codes = decision.codes;
    this.reason = decision.reason;
    this.evidenceId = evidenceId;
  }
}
