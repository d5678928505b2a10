// At most so many at once, and no longer than so. sshd counts: ten sessions to a connection, ten connections that have not logged in yet.

/** Lets at most `limit` pieces of work run at the same time; the others wait in order. */
export class Gate {
  readonly #limit: number;
  readonly #waiting: (() => void)[];
  #busy: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#waiting = [];
    this.#busy = 0;
  }

  /** Resolves, once there is room, with the function that gives the place back. Rejects when the signal aborts first. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#busy < this.#limit) this.#busy++;
    else await this.#wait(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    };
  }

  #wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(admit);
    });
  }
}

/** Returns a signal that aborts with `signal`, or as a timeout. */
export function deadlineOf(timeoutMs: number, signal?: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : AbortSignal.timeout(timeoutMs);
}
