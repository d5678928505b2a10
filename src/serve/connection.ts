// One connection: lines in, answers out, bounded in both directions. Whoever sends faster than guards decide, or does not
// read what they answer, is read no further until there is room.
import { once, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { EvidenceSink } from '../evidence/record.ts';
import { answerLine, MAX_LINE_BYTES, TOO_LONG } from './protocol.ts';

/** Requests of one connection that are decided at the same time; the journal writes their records together. */
const MAX_PENDING = 64;

/** Cuts a stream into lines. */
class Lines {
  #parts: Buffer[] = [];
  #length = 0;

  /** Returns the lines that end in this chunk; `undefined` once a line is too long. */
  take(chunk: Buffer): readonly Buffer[] | undefined {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#keep(chunk.subarray(from, end));
      if (this.#length > MAX_LINE_BYTES) return undefined;
      lines.push(Buffer.concat(this.#parts));
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
export async function serveConnection(
  socket: Socket,
  journal: EvidenceSink,
  stop: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const lines = new Lines();
  const pending = new Set<Promise<void>>();
  const reply = async (line: Buffer): Promise<void> => {
    const answer = await answerLine(line, journal, gone.signal);
    if (socket.writable && !socket.write(answer))
      await once(socket, 'drain', { signal: gone.signal }).catch(() => {}); // read no further meanwhile
  };
  // Each answer that is pending waits for the end of the connection, and perhaps for room.
  setMaxListeners(4 * MAX_PENDING, socket, gone.signal);
  socket.on('error', () => {}); // a client that goes away is no fault; 'close' follows
  socket.once('close', () => gone.abort());
  const end = new Promise<{ readonly done: true }>((resolve) => {
    const done = (): void => resolve({ done: true });
    if (stop.aborted) done();
    else stop.addEventListener('abort', done, { once: true, signal: gone.signal });
  });
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), end]);
      if (next.done) break;
      const found = lines.take(next.value);
      if (!found) {
        socket.write(TOO_LONG);
        break;
      }
      for (const line of found) {
        const answered = reply(line).finally(() => pending.delete(answered));
        pending.add(answered);
        if (pending.size >= MAX_PENDING) await Promise.race(pending);
      }
    }
  } catch {
    // The connection was cut; what is pending is not told any more.
  }
  await Promise.all(pending);
  socket.end(() => socket.destroy());
}
