// No id may come twice in a journal, and nobody can remember all of them. So the last few thousand are kept, and whatever
// is not newer than all that left must not come any more: ids rise with time (UUIDv7), so that costs a writer nothing.

const KEPT = 4_096;

export class IdWindow {
  readonly #kept: string[] = [];
  #next = 0;
  #floor: string;
  #newest: string;

  /** @param newest the newest id so far, as where a journal is opened; what came before it is not known one by one */
  constructor(newest = '') {
    this.#floor = newest;
    this.#newest = newest;
  }

  get newest(): string {
    return this.#newest;
  }

  /** Whether an id is neither one of the kept ones nor as old as those that are not kept any more. */
  isFresh(id: string): boolean {
    return id > this.#newest || (id > this.#floor && !this.#kept.includes(id));
  }

  add(id: string): void {
    if (id > this.#newest) this.#newest = id;
    const gone = this.#kept[this.#next];
    if (gone !== undefined && gone > this.#floor) this.#floor = gone;
    this.#kept[this.#next] = id;
    this.#next = (this.#next + 1) % KEPT;
  }
}
