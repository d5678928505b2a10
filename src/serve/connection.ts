// One connection: lines in, answers out, bounded in both directions. Whoever sends faster than guards decide, or does not
// read what they answer, is read no further until there is room.
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { EvidenceSink } from '../evidence/record.ts';
import { answerLine, CUT_SHORT, MAX_LINE_BYTES, TOO_LONG } from './protocol.ts';

/** Requests of one connection that are decided at the same time; the journal writes their records together. */
const MAX_PENDING = 64;

/** Cuts a stream into lines. */
class Lines {
  #parts: Buffer[] = [];
  #length = 0;

  /** Whether a line has begun and not ended. */
  get isCut(): boolean {
    return this.#length > 0;
  }

  /** Returns the lines that end in this chunk; `undefined` once a line is too long. */
  take(chunk: Buffer): readonly Buffer[] | undefined {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const part = chunk.subarray(from, end);
      if (this.#length + part.length > MAX_LINE_BYTES) return undefined;
      // Most lines come in one piece, and the chunk is nobody else's.
      lines.push(this.#length === 0 ? part : Buffer.concat([...this.#parts, part]));
      this.#parts = [];
      this.#length = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return this.#length > MAX_LINE_BYTES ? undefined : lines;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }
}

/**
 * Answers a connection until it ends, or until `stop` aborts: then it reads no further, what it has read is answered, and
 * the connection is ended.
 */
export function serveConnection(socket: Socket, journal: EvidenceSink, stop: AbortSignal): Promise<void> {
  // By events, not by an iterator: each wait for the next chunk or for `stop`, whichever is first, would leave something
  // behind at `stop`, for as long as the connection lasts.
  return new Promise((resolve) => {
    const gone = new AbortController();
    setMaxListeners(2 * MAX_PENDING, gone.signal); // each request that is pending waits for it
    const lines = new Lines();
    /** Lines that were read and not yet begun: those of one chunk at most. */
    const read: Buffer[] = [];
    let pending = 0;
    let answers = '';
    let isFull = false;
    let isOver = false;

    const tell = (): void => {
      if (answers !== '' && socket.writable) isFull = !socket.write(answers);
      answers = '';
      proceed();
    };
    const say = (answer: string): void => {
      // Records that became durable together are answered together: the tick comes after all of them.
      if (answers === '') process.nextTick(tell);
      answers += answer;
    };
    const answered = (answer: string): void => {
      pending -= 1;
      say(answer);
    };
    const proceed = (): void => {
      while (!isFull && pending < MAX_PENDING) {
        const line = read.shift();
        if (!line) break;
        pending += 1;
        answerLine(line, journal, gone.signal).then(answered, () => socket.destroy());
      }
      if (read.length > 0 || isFull || pending >= MAX_PENDING) socket.pause();
      else if (!isOver) socket.resume();
      else if (pending === 0 && answers === '') {
        socket.end(() => socket.destroy());
        resolve();
      }
    };
    const readNoFurther = (): void => {
      isOver = true;
      socket.pause();
      proceed();
    };

    socket.on('data', (chunk: Buffer) => {
      const found = lines.take(chunk);
      if (found) read.push(...found);
      else say(TOO_LONG);
      if (found) proceed();
      else readNoFurther();
    });
    socket.on('drain', () => {
      isFull = false;
      proceed();
    });
    socket.on('error', () => {}); // a client that goes away is no fault; 'close' follows
    socket.once('end', () => {
      if (lines.isCut && !isOver) say(CUT_SHORT);
      readNoFurther();
    });
    socket.once('close', () => {
      read.length = 0; // nobody is there to be told
      isFull = false;
      gone.abort();
      // By hand: left to a signal, Node forgets it for all but the latest connection once it has collected garbage.
      stop.removeEventListener('abort', readNoFurther);
      readNoFurther();
    });
    stop.addEventListener('abort', readNoFurther, { once: true });
    if (stop.aborted) readNoFurther();
  });
}
