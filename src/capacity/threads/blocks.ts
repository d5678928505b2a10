// Rows and answers in memory that threads share, and who takes which block of them next. Everything that decides is one
// number, which whoever takes a block compares and swaps: a thread that comes late finds nothing left, and never a block
// of the next round while that is still being written.
import type { Regressor } from '../regressors/regressor.ts';
import { MOST_ROWS } from '../regressors/tree-sum.ts';

/** Blocks in one round; a power of two less one leaves the bits above it to the number of the round. */
const MOST_BLOCKS = 127;
/** Bytes of rows and answers in one round; wide rows come in fewer blocks. */
const MOST_BYTES = 64 * 2 ** 20;
const NUMBER = 8;

/** Where in the control words: how many blocks are left to take, below the number of the round. */
const TICKET = 0;
/** Blocks that nobody has finished yet. */
const UNFINISHED = 1;
/** 1 where a block could not be answered. */
const FAILED = 2;
/** Rows in this round, and the number of the first in the whole call. */
const ROWS = 3;
const FIRST = 4;
const WORDS = 8;

type Width = Pick<Regressor, 'features' | 'outputs'>;

/** Returns memory for a regressor, made in its final size. */
export function shareMemory({ features, outputs }: Width): SharedArrayBuffer {
  const block = NUMBER * MOST_ROWS * (features + outputs);
  const blocks = Math.min(MOST_BLOCKS, Math.max(2, Math.floor(MOST_BYTES / block)));
  return new SharedArrayBuffer(NUMBER * WORDS + blocks * block);
}

export class Blocks {
  /** Rows in one round. */
  readonly most: number;
  readonly rows: Float64Array;
  readonly answers: Float64Array;
  private readonly words: Int32Array;
  private readonly regressor: Regressor;

  constructor(memory: SharedArrayBuffer, regressor: Regressor) {
    const { features, outputs } = regressor;
    this.regressor = regressor;
    this.words = new Int32Array(memory, 0, WORDS);
    this.most = (memory.byteLength - NUMBER * WORDS) / (NUMBER * (features + outputs));
    this.rows = new Float64Array(memory, NUMBER * WORDS, this.most * features);
    this.answers = new Float64Array(memory, NUMBER * (WORDS + this.most * features), this.most * outputs);
  }

  /** Offers the first `count` rows to whoever takes them. Only after every block of the round before was finished. */
  open(count: number, first: number): void {
    const { words } = this;
    const blocks = Math.ceil(count / MOST_ROWS);
    words[ROWS] = count;
    words[FIRST] = first;
    words[FAILED] = 0;
    Atomics.store(words, UNFINISHED, blocks);
    // Last: from here on others take blocks. The number of the round may wrap around.
    const round = (words[TICKET] as number) | MOST_BLOCKS;
    Atomics.store(words, TICKET, (round + 1) | blocks);
    Atomics.notify(words, TICKET);
  }

  /** Answers blocks until none is left to take. */
  work(): void {
    for (let block = this.take(); block !== undefined; block = this.take()) this.answer(block);
  }

  /** Waits until there is something to take. */
  waitForWork(): void {
    const ticket = Atomics.load(this.words, TICKET);
    if ((ticket & MOST_BLOCKS) === 0) Atomics.wait(this.words, TICKET, ticket);
  }

  /** Waits for the blocks that others took. Returns whether all were answered; `false`, too, when nobody gets on any more. */
  finished(patienceMs: number): boolean {
    const { words } = this;
    for (;;) {
      const unfinished = Atomics.load(words, UNFINISHED);
      if (unfinished === 0) return Atomics.load(words, FAILED) === 0;
      if (Atomics.wait(words, UNFINISHED, unfinished, patienceMs) === 'timed-out') return false;
    }
  }

  /** Whether nobody works on a block any more. */
  get idle(): boolean {
    return Atomics.load(this.words, UNFINISHED) === 0;
  }

  private take(): number | undefined {
    for (;;) {
      const ticket = Atomics.load(this.words, TICKET);
      const left = ticket & MOST_BLOCKS;
      if (left === 0) return undefined;
      if (Atomics.compareExchange(this.words, TICKET, ticket, ticket - 1) === ticket) return left - 1;
    }
  }

  private answer(block: number): void {
    const { words, regressor } = this;
    const { features: width, outputs } = regressor;
    const start = block * MOST_ROWS;
    const count = Math.min(MOST_ROWS, (words[ROWS] as number) - start);
    const values = this.rows.subarray(start * width, (start + count) * width);
    try {
      const first = (words[FIRST] as number) + start;
      const answers = regressor.answer({ values, count, width, first, alone: false });
      this.answers.set(answers, start * outputs);
    } catch {
      // Whoever opened the round asks again on its own, and is then told the first row that is refused.
      Atomics.store(words, FAILED, 1);
    } finally {
      Atomics.sub(words, UNFINISHED, 1);
      Atomics.notify(words, UNFINISHED);
    }
  }
}
