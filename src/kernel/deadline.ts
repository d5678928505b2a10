// One budget of time for everything that one call waits for. Time that one wait uses up is gone for the next.
import { CodedError } from '../evidence/coded-error.ts';

export interface DeadlineOptions {
  /** Ends every wait of the call. */
  readonly signal?: AbortSignal;
  /** For all waits of the call together, in milliseconds: 1 to 2,147,483,647. Default 30,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** setTimeout(2) of Node takes anything above for 1. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/**
 * Returns `timeoutMs` if it is one.
 *
 * @throws CodedError `usage.timeout`: NaN would end every wait at once, and Infinity after one millisecond.
 */
export function checkTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  const remedy = `Give whole milliseconds, 1 to ${MAX_TIMEOUT_MS}.`;
  throw new CodedError('usage.timeout', 'the timeout is no number of milliseconds', remedy);
}

/** Ends a wait: time was up, or the caller gave up. */
export class Interrupted extends Error {
  readonly code: 'guard.timeout' | 'guard.aborted';
  constructor(code: 'guard.timeout' | 'guard.aborted', cause?: unknown) {
    super(code, { cause });
    this.name = 'Interrupted';
    this.code = code;
  }
}

/**
 * Stands for a signal that is not made before it is asked for more than `aborted`: most journals ask nothing else, and Node
 * takes as long to make one as for all the rest of a decision.
 */
class UnmadeSignal implements ProxyHandler<object> {
  readonly #deadline: Deadline;

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  get(_target: object, key: string | symbol): unknown {
    if (key === 'aborted') return this.#deadline.interrupted !== undefined;
    const { signal } = this.#deadline;
    const value: unknown = Reflect.get(signal, key);
    return typeof value === 'function' ? value.bind(signal) : value;
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#deadline.signal, key, value);
  }

  has(_target: object, key: string | symbol): boolean {
    return key in this.#deadline.signal;
  }

  getPrototypeOf(): object {
    return AbortSignal.prototype;
  }
}

/** The time that one call may take. Whoever makes one calls {@link Deadline.end}, or the process waits for its timer. */
export class Deadline {
  /** In milliseconds, as asked for. */
  readonly timeoutMs: number;
  /** Made when somebody asks for its signal: to make one costs more than the rest of a decision that needs none. */
  #controller: AbortController | undefined;
  /** What ends the waits that are under way. */
  readonly #waits = new Set<(interrupted: Interrupted) => void>();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #started = performance.now();
  readonly #onAbort = (): void => this.#interrupt('guard.aborted', this.#outer?.reason);
  #interrupted: Interrupted | undefined;

  /** @throws CodedError `usage.timeout`. */
  constructor({ signal, timeoutMs = DEFAULT_TIMEOUT_MS }: DeadlineOptions = {}) {
    this.timeoutMs = checkTimeout(timeoutMs);
    this.#outer = signal;
    // Before the timer: what is no signal throws here, and would throw again when the time is up.
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    // A referenced timer: a promise that never settles must end in a refusal, not in a process that exits silently.
    this.#timer = setTimeout(() => this.#interrupt('guard.timeout'), timeoutMs);
    if (signal?.aborted) this.#onAbort();
  }

  /** Aborts at the deadline, or when the caller gives up; never after {@link Deadline.end}. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#interrupted) this.#controller.abort(this.#interrupted);
    }
    return this.#controller.signal;
  }

  /** The same, made when it is used for more than to read `aborted`. */
  get lazySignal(): AbortSignal {
    return new Proxy({}, new UnmadeSignal(this)) as AbortSignal;
  }

  /** Whether only time can end it. */
  get byTimeAlone(): boolean {
    return this.#outer === undefined;
  }

  /** Why the call is over, or `undefined` while there is time. */
  get interrupted(): Interrupted | undefined {
    return this.#interrupted;
  }

  /** What is left, in whole milliseconds, at least 1: a deadline that has passed is told by {@link Deadline.interrupted}. */
  get remainingMs(): number {
    return Math.max(1, Math.ceil(this.timeoutMs - (performance.now() - this.#started)));
  }

  /**
   * Asks the clock itself: work that kept the thread busy also kept the timer from ending it.
   *
   * @throws Interrupted when the call is over.
   */
  requireTime(): void {
    if (performance.now() - this.#started > this.timeoutMs) this.#interrupt('guard.timeout');
    if (this.#interrupted) throw this.#interrupted;
  }

  #interrupt(code: Interrupted['code'], cause?: unknown): void {
    if (this.#interrupted) return;
    this.#interrupted = new Interrupted(code, cause);
    this.end();
    const waits = [...this.#waits];
    this.#waits.clear();
    for (const stop of waits) stop(this.#interrupted);
    this.#controller?.abort(this.#interrupted);
  }

  /** Stops the clock. A grant that holds the signal is left alone from here on. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onAbort);
  }

  /**
   * Waits for `work` until the deadline. What arrives afterwards goes to `late`, so that it can be closed.
   *
   * @throws Interrupted; whatever `work` throws.
   */
  run<T>(work: () => Promise<T>, late: (value: T) => void = () => {}): Promise<T> {
    if (this.#interrupted) return Promise.reject(this.#interrupted);
    return new Promise<T>((resolve, reject) => {
      this.#waits.add(reject);
      const settle = (): boolean => this.#waits.delete(reject); // false: it was stopped
      // In a promise of its own: what throws at once is a rejection too, and nothing settles twice.
      new Promise<T>((done) => done(work())).then(
        (value) => (settle() ? resolve(value) : late(value)),
        (error: unknown) => settle() && reject(error),
      );
    });
  }
}
