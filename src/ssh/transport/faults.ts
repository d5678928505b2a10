// Why a connection ended. Several errors may come before one end, in any order: what the protocol said is the reason, and
// what the socket said about the cut that followed is none.

/** An error as ssh2 emits it. */
export type Fault = Error & { readonly level?: string };

export class Faults {
  #protocol: Fault | undefined;
  #socket: Fault | undefined;
  /** Whether an agent would not sign. That ends no connection. */
  agent: boolean;

  constructor() {
    this.#protocol = undefined;
    this.#socket = undefined;
    this.agent = false;
  }

  add(fault: Fault): void {
    if (fault.level === 'agent') this.agent = true;
    // What is read behind the first fault is read out of step, so its own faults say nothing.
    else if (fault.level === 'client-socket') this.#socket ??= fault;
    else this.#protocol ??= fault;
  }

  get reason(): Fault | undefined {
    return this.#protocol ?? this.#socket;
  }
}
