// What the lines of a journal say about time: whether it ran back, and when the lines of each part of it were written. Runs
// anywhere.

interface Span {
  /** RFC 3339, UTC, as the lines have it. */
  earliest: string;
  latest: string;
}

export class Times {
  /** How often a line is dated before its predecessor. */
  back = 0;
  /** The first such line, from 1. */
  backLine: number | undefined;
  readonly #parts = new Map<number, Span>();
  #part: Span | undefined;
  #last = '';

  /** @param begins a part that is asked for begins with this line */
  add(seq: number, time: string, begins: boolean): void {
    if (time < this.#last) {
      this.back++;
      this.backLine ??= seq + 1;
    }
    this.#last = time;
    if (this.#part === undefined || begins) {
      this.#part = { earliest: time, latest: time };
      this.#parts.set(seq, this.#part);
    }
    if (time < this.#part.earliest) this.#part.earliest = time;
    if (time > this.#part.latest) this.#part.latest = time;
  }

  /** Returns when the lines from one position up to another were written; parts must begin at both. */
  between(from: number, to: number): Readonly<Span> | undefined {
    let span: Span | undefined;
    for (const [first, { earliest, latest }] of this.#parts) {
      if (first < from || first >= to) continue;
      span ??= { earliest, latest };
      if (earliest < span.earliest) span.earliest = earliest;
      if (latest > span.latest) span.latest = latest;
    }
    return span;
  }
}
