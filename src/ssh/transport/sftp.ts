// The part of SFTP that a copy needs (version 3, draft-ietf-secsh-filexfer-02), over a channel of either transport. No
// path and no byte of a file leaves before the host has answered our version: a login file that takes the place of the
// server (`exec sh`) gets nine constant bytes.
import type { Channel, Link } from './link.ts';
import { said } from './said.ts';
import { Framer, stringOf, uint32, WireReader } from './wire.ts';

const [INIT, VERSION, OPEN, CLOSE, READ, WRITE, REMOVE, STAT] = [1, 2, 3, 4, 5, 6, 13, 17];
const [STATUS, HANDLE, DATA, ATTRS] = [101, 102, 103, 105];
const OUR_VERSION = 3;
/** Status codes (section 7). */
const [OK, END_OF_FILE] = [0, 1];
/** Flags of OPEN (section 6.3); a new file is one that was not there, a link included. */
const [TO_READ, TO_WRITE_NEW] = [0x01, 0x02 | 0x08 | 0x20];
/** Flags and bits of attributes (section 5). */
const [HAS_SIZE, HAS_OWNER, HAS_MODE, KIND, REGULAR] = [0x01, 0x02, 0x04, 0o170_000, 0o100_000];

/** What every server takes in one request, and how many requests may wait for their answer. */
const CHUNK = 32 * 1024;
const AHEAD = 32;
/** As OpenSSH bounds a message. */
const MAX_MESSAGE = 256 * 1024;

/** The host did not do what it was asked, or answered what makes no sense. The message is what it said, cleaned. */
export class SftpFault extends Error {}

interface Answer {
  readonly type: number;
  readonly content: WireReader;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: SftpFault) => void;
}

export class Sftp {
  #channel: Channel | undefined;
  readonly #waiting: Map<number, Waiting>;
  #next: number;
  #over: SftpFault | undefined;
  #onBegin: (error?: SftpFault) => void;
  #onGone: () => void;
  /** Resolves once the host has answered our version. Rejects when it does not: nothing else was sent. */
  readonly begun: Promise<void>;
  /** Resolves when the channel is gone. */
  readonly gone: Promise<void>;

  private constructor() {
    this.#waiting = new Map();
    this.#next = 0;
    this.#onBegin = () => {};
    this.#onGone = () => {};
    this.begun = new Promise((resolve, reject) => {
      this.#onBegin = (error) => (error ? reject(error) : resolve());
    });
    this.begun.catch(() => {}); // told to whoever waits for it
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve;
    });
  }

  /** Returns a session that is about to begin, or `undefined` where the host offers none. Throws as `Link.subsystem`. */
  static async open(link: Link): Promise<Sftp | undefined> {
    const sftp = new Sftp();
    const framer = new Framer(MAX_MESSAGE);
    sftp.#channel = await link.subsystem('sftp', {
      data: (stream, bytes) => {
        if (stream === 2 || sftp.#over) return; // what a login file prints there is no answer
        try {
          framer.push(bytes, (message) => sftp.#receive(new WireReader(message)));
        } catch {
          sftp.#end(new SftpFault('it does not speak SFTP'));
          sftp.close();
        }
      },
      closed: () => {
        sftp.#end(new SftpFault('the session ended'));
        sftp.#onGone();
      },
    });
    if (!sftp.#channel) return undefined;
    sftp.#channel.write(stringOf(Buffer.concat([Buffer.of(INIT), uint32(OUR_VERSION)])));
    return sftp;
  }

  close(): void {
    this.#channel?.close();
  }

  /** Writes a file that was not there, mode 0600. Throws SftpFault; what was written is removed then. */
  async writeNew(path: string, bytes: Buffer): Promise<void> {
    const handle = await this.#handle(path, TO_WRITE_NEW);
    try {
      await this.#write(handle, bytes);
    } catch (error) {
      await this.remove(path).catch(() => {}); // the session may be over
      throw error;
    }
  }

  async #write(handle: Buffer, bytes: Buffer): Promise<void> {
    const sent: Promise<unknown>[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const content = stringOf(bytes.subarray(at, at + CHUNK));
      sent.push(this.#ask(DONE, WRITE, handle, offset(at), content));
      if (sent.length >= AHEAD) await sent.shift();
    }
    await Promise.all(sent);
    await this.#ask(DONE, CLOSE, handle);
  }

  /** Returns the bytes of a file; more than `maxBytes` when it has more. Throws SftpFault, for what is no file as well. */
  async read(path: string, maxBytes: number): Promise<Buffer> {
    const mode = await this.#ask(MODE, STAT, stringOf(path));
    // To open a FIFO would wait for its writer.
    if ((mode & KIND) !== REGULAR) throw new SftpFault('that is no regular file');
    const handle = await this.#handle(path, TO_READ);
    const readAt = (at: number): Promise<Buffer> => this.#ask(BYTES, READ, handle, offset(at), uint32(CHUNK));
    const parts: Buffer[] = [];
    let size = 0;
    let ahead: Promise<Buffer>[] = [];
    while (size <= maxBytes) {
      // The size that a file claims to have is not asked for: some of /proc say 0.
      while (ahead.length < Math.min(AHEAD, 2 * parts.length + 2))
        ahead.push(readAt(size + ahead.length * CHUNK));
      const part = (await ahead.shift()) as Buffer;
      if (part.length === 0) break;
      if (part.length > CHUNK) throw new SftpFault('it sent more than it was asked for');
      parts.push(part);
      size += part.length;
      if (part.length === CHUNK) continue;
      await Promise.all(ahead); // the others were asked from the wrong place
      ahead = [];
    }
    return Buffer.concat(parts);
  }

  async remove(path: string): Promise<void> {
    await this.#ask(DONE, REMOVE, stringOf(path));
  }

  async #handle(path: string, flags: number): Promise<Buffer> {
    const mode = Buffer.concat([uint32(HAS_MODE), uint32(0o600)]);
    return stringOf(await this.#ask(NAME, OPEN, stringOf(path), uint32(flags), mode));
  }

  #ask<T>(expected: Expected<T>, type: number, ...content: readonly Buffer[]): Promise<T> {
    const id = this.#next++;
    const answer = new Promise<Answer>((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#waiting.set(id, { resolve, reject });
      this.#channel?.write(stringOf(Buffer.concat([Buffer.of(type), uint32(id), ...content])));
    }).then((given) => readAnswer(given, expected));
    answer.catch(() => {}); // several may be under way when the first one fails
    return answer;
  }

  #receive(message: WireReader): void {
    const type = message.byte();
    const number = message.uint32();
    if (type === VERSION) {
      if (number !== OUR_VERSION) throw new RangeError('another version');
      this.#onBegin();
      return;
    }
    const waiting = this.#waiting.get(number);
    if (!waiting) throw new RangeError('an answer that nobody asked for');
    this.#waiting.delete(number);
    waiting.resolve({ type, content: message });
  }

  #end(why: SftpFault): void {
    this.#over ??= why;
    this.#onBegin(this.#over);
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
  }
}

/** What a request is answered with when all is well. */
interface Expected<T> {
  readonly type: number;
  /** Reads the answer behind its number. Throws RangeError where it ends too early. */
  readonly read: (content: WireReader) => T;
  /** What the end of a file means. */
  readonly atEnd?: T;
}
const DONE: Expected<void> = { type: STATUS, read: () => {} };
const NAME: Expected<Buffer> = { type: HANDLE, read: (content) => content.string() };
const BYTES: Expected<Buffer> = { type: DATA, read: (content) => content.string(), atEnd: Buffer.alloc(0) };
const MODE: Expected<number> = {
  type: ATTRS,
  read: (content) => {
    const flags = content.uint32();
    if (flags & HAS_SIZE) content.take(8);
    if (flags & HAS_OWNER) content.take(8);
    return flags & HAS_MODE ? content.uint32() : 0;
  },
};

function readAnswer<T>({ type, content }: Answer, expected: Expected<T>): T {
  try {
    if (type === expected.type && type !== STATUS) return expected.read(content);
    if (type !== STATUS) throw new RangeError('another type');
    const code = content.uint32();
    if (code === OK && expected.type === STATUS) return expected.read(content);
    if (code === END_OF_FILE && expected.atEnd !== undefined) return expected.atEnd;
    throw new SftpFault(said(content.string().toString('latin1')) || `status ${code}`);
  } catch (error) {
    throw error instanceof SftpFault ? error : new SftpFault('it answered something else');
  }
}

const offset = (at: number): Buffer =>
  Buffer.concat([uint32(Math.floor(at / 2 ** 32)), uint32(at % 2 ** 32)]);
