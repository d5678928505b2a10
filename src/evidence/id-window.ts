// No id may come twice in a journal, and nobody can remember all of them. So the last thousand are kept, and whatever is
// not newer than all that left must not come any more: ids rise with time (UUIDv7), so that costs a writer nothing.

/** How many lines back an id is known by itself. */
export const KEPT_IDS = 1_024;

export class IdWindow {
  readonly #kept: string[] = [];
  #next = 0;
  #floor: string;
  #newest: string;

  /** @param floor the newest id of those that are not known one by one; the others are then added */
  constructor(floor = '') {
    this.#floor = floor;
    this.#newest = floor;
  }

  /** The newest id of those that are not kept any more. */
  get floor(): string {
    return this.#floor;
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
    this.#next = (this.#next + 1) % KEPT_IDS;
  }
}
