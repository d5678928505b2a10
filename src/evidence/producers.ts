// Whose records a journal holds: which machines say that they wrote it, and whether that is the one the key is pinned for.
import type { LineHead } from './line.ts';
import type { EvidenceRecord } from './record.ts';

/** Where the kernel or the system names no machine. */
const UNKNOWN = 'unknown';

/** The machine that a key is pinned for. */
export interface PinnedMachine {
  readonly host: string;
  readonly machine?: string | undefined;
}

/** Hosts and machines as lines name them. A line names its host; its run's first record names the machine as well. */
export class Producers {
  /** Position of the first line of each pair of host and machine. */
  readonly #seen = new Map<
    string,
    { readonly host: string; readonly machine: string; readonly seq: number }
  >();
  #run = '';
  #machine = UNKNOWN;

  /** @param record the whole record of a line that opens a run */
  add({ host, run, seq }: LineHead, record: EvidenceRecord | undefined): void {
    if (record?.mode === 'run') [this.#run, this.#machine] = [run, record.machine];
    const machine = run === this.#run ? this.#machine : UNKNOWN;
    const key = `${machine} ${host}`;
    if (!this.#seen.has(key)) this.#seen.set(key, { host, machine, seq });
  }

  /** Returns the position of the first line that comes from elsewhere, or `undefined`. */
  firstStranger(pin: PinnedMachine): number | undefined {
    const all = [...this.#seen.values()];
    const host = JSON.stringify(pin.host).slice(1, -1);
    const known = pin.machine !== undefined && pin.machine !== UNKNOWN;
    // By hand a key is pinned with a name only. The machine that bore it first may have been renamed since.
    const named = all.find((each) => each.host === host && each.machine !== UNKNOWN)?.machine;
    const machine = known ? pin.machine : named;
    const own = (each: { readonly host: string; readonly machine: string }): boolean =>
      each.machine === UNKNOWN
        ? each.host === host
        : machine === undefined
          ? each.host === host
          : each.machine === machine;
    return all.find((each) => !own(each))?.seq; // they are in the order of their lines
  }
}
