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
  readonly #waits: Waits;

  constructor(waits: Waits) {
    this.#waits = waits;
  }

  get(_target: object, key: string | symbol): unknown {
    if (key === 'aborted') return this.#waits.ended !== undefined;
    const { signal } = this.#waits;
    const value: unknown = Reflect.get(signal, key);
    return typeof value === 'function' ? value.bind(signal) : value;
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#waits.signal, key, value);
  }

  has(_target: object, key: string | symbol): boolean {
    return key in this.#waits.signal;
  }

  getPrototypeOf(): object {
    return AbortSignal.prototype;
  }
}

/** What is waited for, and whom a signal tells, until something ends it. */
class Waits {
  readonly #stops = new Set<(interrupted: Interrupted) => void>();
  /** Made when somebody asks for its signal: to make one costs more than the rest of a decision that needs none. */
  #controller: AbortController | undefined;
  ended: Interrupted | undefined;

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.ended) this.#controller.abort(this.ended);
    }
    return this.#controller.signal;
  }

  end(why: Interrupted): void {
    if (this.ended) return;
    this.ended = why;
    const stops = [...this.#stops];
    this.#stops.clear();
    for (const stop of stops) stop(why);
    this.#controller?.abort(why);
  }

  run<T>(work: () => Promise<T>, late: (value: T) => void): Promise<T> {
    if (this.ended) return Promise.reject(this.ended);
    return new Promise<T>((resolve, reject) => {
      this.#stops.add(reject);
      const settle = (): boolean => this.#stops.delete(reject); // false: it was stopped
      // In a promise of its own: what throws at once is a rejection too, and nothing settles twice.
      new Promise<T>((done) => done(work())).then(
        (value) => (settle() ? resolve(value) : late(value)),
        (error: unknown) => settle() && reject(error),
      );
    });
  }
}

/** The time that one call may take. Whoever makes one calls {@link Deadline.end}, or the process waits for its timer. */
export class Deadline {
  /** In milliseconds, as asked for. */
  readonly timeoutMs: number;
  /** What time and the caller can end. */
  readonly #ofCaller = new Waits();
  /** What time alone can end. */
  readonly #ofTime: Waits;
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #started = performance.now();
  readonly #onAbort = (): void => this.#ofCaller.end(new Interrupted('guard.aborted', this.#outer?.reason));
  /** Whether the caller's signal tells us; else it is asked. Node takes longer to listen than to judge. */
  #listens = false;
  #stopped = false;

  /** @throws CodedError `usage.timeout`; TypeError for what is no signal. */
  constructor({ signal, timeoutMs = DEFAULT_TIMEOUT_MS }: DeadlineOptions = {}) {
    this.timeoutMs = checkTimeout(timeoutMs);
    if (signal && typeof signal.addEventListener !== 'function') throw new TypeError('no AbortSignal');
    this.#outer = signal;
    this.#ofTime = signal ? new Waits() : this.#ofCaller;
    // A referenced timer: a promise that never settles must end in a refusal, not in a process that exits silently.
    this.#timer = setTimeout(() => this.#expire(), timeoutMs);
  }

  /** Aborts at the deadline, or when the caller gives up; never after {@link Deadline.end}. */
  get signal(): AbortSignal {
    this.#listen();
    return this.#ofCaller.signal;
  }

  /** Aborts at the deadline alone. It is made when it is used for more than to read `aborted`. */
  get timeSignal(): AbortSignal {
    return new Proxy({}, new UnmadeSignal(this.#ofTime)) as AbortSignal;
  }

  /** Why the call is over, or `undefined` while there is time. */
  get interrupted(): Interrupted | undefined {
    if (!this.#stopped && this.#outer?.aborted) this.#onAbort();
    return this.#ofCaller.ended;
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
    if (performance.now() - this.#started > this.timeoutMs) this.#expire();
    const { interrupted } = this;
    if (interrupted) throw interrupted;
  }

  #listen(): void {
    if (this.#listens || this.interrupted || this.#stopped) return;
    this.#listens = true;
    this.#outer?.addEventListener('abort', this.#onAbort, { once: true });
  }

  #expire(): void {
    const expired = new Interrupted('guard.timeout');
    this.end();
    this.#ofCaller.end(expired);
    this.#ofTime.end(expired);
  }

  /** Stops the clock. A grant that holds the signal is left alone from here on. */
  end(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#listens) this.#outer?.removeEventListener('abort', this.#onAbort);
  }

  /**
   * Waits for `work` until the deadline. What arrives afterwards goes to `late`, so that it can be closed.
   *
   * @throws Interrupted; whatever `work` throws.
   */
  run<T>(work: () => Promise<T>, late: (value: T) => void = () => {}): Promise<T> {
    this.#listen();
    return this.#ofCaller.run(work, late);
  }

  /** As {@link Deadline.run}, for what has to be waited for although the caller gave up. */
  runDespiteAbort<T>(work: () => Promise<T>, late: (value: T) => void = () => {}): Promise<T> {
    return this.#ofTime.run(work, late);
  }
}
