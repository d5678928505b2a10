// The types of data that SSH, its agents and its control sockets speak in (RFC 4251 section 5).

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Returns a string: its length, then its bytes. */
export function stringOf(bytes: string | Uint8Array): Buffer {
  const content = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([uint32(content.length), content]);
}

/** Reads one message from its start. Every method throws RangeError where the message ends too early. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = 0;
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('the message is too short');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Cuts a stream into messages that stand behind their length, in time linear in its bytes. */
export class Framer {
  readonly #maxBytes: number;
  #chunks: Buffer[];
  #held: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#chunks = [];
    this.#held = 0;
  }

  /** Calls `message` for each whole message. Throws RangeError at one of more than `maxBytes`. */
  push(chunk: Buffer, message: (bytes: Buffer) => void): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (
      let length = this.#length();
      length !== undefined && this.#held >= 4 + length;
      length = this.#length()
    ) {
      const all = this.#joined();
      this.#chunks = [all.subarray(4 + length)];
      this.#held -= 4 + length;
      message(all.subarray(4, 4 + length));
    }
  }

  #joined(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }

  #length(): number | undefined {
    if (this.#held < 4) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < 4) this.#chunks = [this.#joined()];
    const length = (this.#chunks[0] as Buffer).readUInt32BE();
    if (length > this.#maxBytes) throw new RangeError('the message is too long');
    return length;
  }
}
