// One channel of the SSH connection protocol (RFC 4254 section 5): its windows, its requests and its end.
import { stringOf, uint32, type WireReader } from './wire.ts';

/** Message numbers (RFC 4250 section 4.1.2). */
export const OPEN = 90;
const CONFIRMATION = 91;
const FAILURE = 92;
const ADJUST = 93;
const DATA = 94;
const EXTENDED_DATA = 95;
const EOF = 96;
const CLOSE = 97;
const REQUEST = 98;
const REQUEST_SUCCESS = 99;
const REQUEST_FAILURE = 100;

/** Bytes that a host may send before we let it send more, and the most that one message may hold. */
const WINDOW = 2 * 1024 * 1024;
const PACKET = 32 * 1024;

export interface MuxEvents {
  /** Returns false to be asked for more room only with {@link MuxChannel.consumed}. */
  readonly data: (stream: 1 | 2, bytes: Buffer) => boolean;
  readonly ended: () => void;
  /** Called once. `status` is undefined when the host told no exit status. */
  readonly closed: (status: number | undefined) => void;
}

export class RequestRefused extends Error {}

export type Send = (type: number, body: Buffer) => void;

/** Someone who waits for an answer of the host. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class MuxChannel {
  readonly #id: number;
  readonly #send: Send;
  readonly #events: MuxEvents;
  readonly #waiting: Waiting[];
  readonly #queue: { bytes: Buffer; readonly done: () => void }[];
  #peer: number;
  #room: number;
  #maxPacket: number;
  /** Bytes that the host may still send, and those that were used up since it was last told. */
  #granted: number;
  #credit: number;
  #status: number | undefined;
  #closing: boolean;
  #gone: boolean;

  constructor(id: number, send: Send, events: MuxEvents) {
    this.#id = id;
    this.#send = send;
    this.#events = events;
    this.#waiting = [];
    this.#queue = [];
    this.#peer = 0;
    this.#room = 0;
    this.#maxPacket = PACKET;
    this.#granted = WINDOW;
    this.#credit = 0;
    this.#closing = false;
    this.#gone = false;
  }

  /** Resolves once the host has opened it. Rejects with the reason that the host gave. */
  open(kind: string, extra: Buffer = Buffer.alloc(0)): Promise<void> {
    const numbers = [this.#id, WINDOW, PACKET].map(uint32);
    this.#send(OPEN, Buffer.concat([stringOf(kind), ...numbers, extra]));
    return this.#answer();
  }

  /** Resolves once the host has granted it. */
  request(name: string, content: Buffer): Promise<void> {
    this.#say(REQUEST, stringOf(name), Buffer.of(1), content);
    return this.#answer();
  }

  /** Asks the host to send a signal (RFC 4254 section 6.9), which it does not answer. */
  signal(name: string): void {
    this.#say(REQUEST, stringOf('signal'), Buffer.of(0), stringOf(name));
  }

  /** Sends as the host makes room; `done` is called when all of it has left. */
  write(bytes: Buffer, done: () => void = () => {}): void {
    this.#queue.push({ bytes, done });
    this.#flush();
  }

  end(): void {
    this.#say(EOF);
  }

  close(): void {
    if (this.#closing) return;
    this.#say(CLOSE);
    this.#closing = true;
  }

  /** Bytes that were used up: the host may send as many again. */
  consumed(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit < WINDOW / 2) return;
    this.#say(ADJUST, uint32(this.#credit));
    this.#granted += this.#credit;
    this.#credit = 0;
  }

  /** The link is gone. */
  lost(): void {
    this.#finish(undefined);
  }

  /**
   * Takes a message for this channel, read up to the number of the channel.
   *
   * @throws RangeError when it ends too early, or the host sends more than it may: the link is no good then.
   */
  receive(type: number, reader: WireReader): void {
    if (type === CONFIRMATION) {
      this.#peer = reader.uint32();
      this.#room = reader.uint32();
      this.#maxPacket = Math.max(1, Math.min(PACKET, reader.uint32()));
      this.#waiting.shift()?.resolve();
    } else if (type === FAILURE) {
      const error = new Error(`the host opened no channel (reason ${reader.uint32()})`);
      this.#closing = true;
      this.#waiting.shift()?.reject(error);
      this.#finish(undefined);
    } else if (type === REQUEST_SUCCESS) this.#waiting.shift()?.resolve();
    else if (type === REQUEST_FAILURE)
      this.#waiting.shift()?.reject(new RequestRefused('the host refused the request'));
    else if (type === ADJUST) {
      this.#room += reader.uint32();
      this.#flush();
    } else if (type === DATA) this.#take(1, reader.string());
    else if (type === EXTENDED_DATA) this.#take(reader.uint32() === 1 ? 2 : undefined, reader.string());
    else if (type === EOF) this.#events.ended();
    else if (type === REQUEST) {
      const name = reader.string().toString('latin1');
      const wantsReply = reader.byte() !== 0;
      if (name === 'exit-status') this.#status = reader.uint32();
      if (wantsReply) this.#say(REQUEST_FAILURE);
    } else if (type === CLOSE) {
      this.close();
      this.#finish(this.#status);
    }
  }

  #take(stream: 1 | 2 | undefined, bytes: Buffer): void {
    this.#granted -= bytes.length;
    // Whoever reads slowly would have to keep all of it.
    if (this.#granted < 0) throw new RangeError('the host sends more than it was granted');
    if (stream === undefined || this.#events.data(stream, bytes)) this.consumed(bytes.length);
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#gone) reject(new Error('the channel is gone'));
      else this.#waiting.push({ resolve, reject });
    });
  }

  #say(type: number, ...content: readonly Buffer[]): void {
    if (!this.#closing && !this.#gone) this.#send(type, Buffer.concat([uint32(this.#peer), ...content]));
  }

  #flush(): void {
    for (let first = this.#queue[0]; first; first = this.#queue[0]) {
      const now = first.bytes.subarray(0, Math.min(this.#room, this.#maxPacket));
      if (now.length > 0) this.#say(DATA, stringOf(now));
      this.#room -= now.length;
      first.bytes = first.bytes.subarray(now.length);
      if (first.bytes.length > 0) {
        if (this.#room === 0) return;
        continue;
      }
      this.#queue.shift();
      first.done();
    }
  }

  #finish(status: number | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the channel is gone'));
    for (const { done } of this.#queue.splice(0)) done();
    this.#events.closed(status);
  }
}
