// The one idea: a guard is data plus one look at the world. Rules judge only what that look found, and the caller
// gets only what it found, so nothing is looked up twice and there is no gap between check and use to race.
import type * as z from 'zod';
import type { Method, Subject, Verdict } from '../evidence/record.ts';

/** One reason to refuse: a pure function of the facts. */
export interface Rule<Facts> {
  /** Stable, documented, greppable: `model.world-writable`. */
  readonly code: string;
  /** What the operator does next. */
  readonly remedy: string;
  /** Returns why, in one sentence that repeats no secret, or `false`. Any other answer, or a throw, refuses. */
  refuses(facts: Facts): string | false;
}

/**
 * What an author writes. `observe` stands before `rules` in the literal: the compiler takes the type of the facts from
 * it, and only then knows what the rules judge.
 */
export interface GuardDefinition<Request, Facts, Grant extends object> {
  /** A prefix of the deployment's own and a name: `acme/tenant-isolation`. */
  readonly id: string;
  /** The row of a scorecard that this guard proves. */
  readonly dimension: string;
  /**
   * Strict: an unknown key is refused. It answers at once: a schema with an asynchronous check refuses every request, and
   * a rejection of that check is the author's to catch. It copies: objects behind `z.any()` or `z.custom()` stay the
   * caller's own, who can change them between the look and the record.
   */
  readonly request: z.ZodType<Request>;
  /**
   * The only look at the world: open, fstat, resolve. What can be found wrong is a fact for a rule; it throws only
   * when it could not look. `signal` aborts at the deadline.
   */
  observe(request: Request, signal: AbortSignal): Promise<Facts>;
  /**
   * The facts, where the request alone says them and nothing of the world has to be looked at; `undefined` where it has to.
   * Synchronous and closed by nobody: a guard that is asked in a hot loop then costs neither a timer nor a wait.
   */
  glance?(request: NoInfer<Request>): NoInfer<Facts> | undefined;
  /** Every reason to refuse. All are asked; the first that refuses is the headline. */
  readonly rules: readonly Rule<NoInfer<Facts>>[];
  /**
   * Makes durable what must last before anyone gets the grant (a counter, a lease). Runs after the record and inside
   * the deadline; a throw refuses.
   */
  commit?(facts: NoInfer<Facts>, signal: AbortSignal): Promise<void>;
  /**
   * Returns what the caller may now use: a new and frozen object each time, made from the facts alone. Runs only after
   * the evidence is durable.
   */
  grant(facts: NoInfer<Facts>): Grant;
  /** Closes what `observe` opened. Called exactly once whenever facts were observed and not granted. */
  release?(facts: NoInfer<Facts>): Promise<void>;
  /** Names what was judged, for the record. Its `name` must be something that is no secret. */
  subject?(facts: NoInfer<Facts>): Subject;
  /** How the look was made, for the record. Without it `none`: no files were walked. */
  method?(facts: NoInfer<Facts>): Method;
}

declare const types: unique symbol;

/**
 * What a user has of a guard: its name and its codes. Nothing on it looks, judges or grants; `enforce` and `judge` do.
 * Only `defineGuard` makes one.
 */
export interface Guard<in Request, out Grant extends object> {
  readonly id: string;
  readonly dimension: string;
  /** The code of each rule, in the order in which they are asked. */
  readonly codes: readonly string[];
  // Never there at run time. Required, so that an object with the other three fields is no guard to the compiler.
  readonly [types]: (request: Request) => Grant;
}

/** Any guard, where its types do not matter. */
export type AnyGuard = Guard<never, object>;

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
