// A counting semaphore with a fair queue. sshd counts: ten sessions to a connection (sshd_config(5), MaxSessions), ten
// connections that have not logged in yet (MaxStartups).

/** Lets at most `limit` holders in at the same time; the others wait in order. */
export class Semaphore {
  #limit: number;
  readonly #waiting: (() => void)[];
  #held: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#waiting = [];
    this.#held = 0;
  }

  /** Resolves, once there is room, with the function that releases it. Rejects when the signal aborts first. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#held < this.#limit) this.#held++;
    else await this.#wait(signal);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#held--;
      if (this.#held >= this.#limit) return;
      const next = this.#waiting.shift();
      if (!next) return;
      this.#held++;
      next();
    };
  }

  /** Lowers the limit. Who is in stays in; nobody else gets in until there is room under the new limit. */
  shrink(limit: number): void {
    this.#limit = Math.min(this.#limit, limit);
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
