// Bounded reading from one buffer. Whoever asks for bytes gets them only if they lie before the end of the frame and
// of the buffer, and whoever allocates says so first: a stream may not cost more memory than its size justifies.
import { Buffer } from 'node:buffer';
import { type PickleCode, PickleRefusal } from './refusal.ts';
import { asciiText } from './text.ts';

/**
 * Bytes of memory that decoding and reading may allocate for each byte of the stream, garbage included. Forests of
 * nothing but single leaves, which are all structure, come near; a model of real trees needs next to nothing.
 */
const ALLOWANCE = 16;
const ALLOWANCE_BASE = 131_072;
/**
 * 512 MiB, however long the stream. JavaScript does not throw when its heap is full or an array grows over 2^27 items:
 * the process ends, and whoever called with it.
 */
const MOST_ALLOWANCE = 2 ** 29;
/** 256 MiB. Offsets, and positions in the tape, must fit in 31 bits, and a text in the longest string there is. */
const MAX_BYTES = 2 ** 28;

/** 128 KiB: more of what is no array of numbers than in a model of a hundred trees. */
const COUNTED_BYTES = 2 ** 17;

/** What was checked is read again when somebody asks: another thread must not be able to change it. */
export function requirePrivate({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer)
    throw new PickleRefusal(
      'pickle.shared-memory',
      0,
      'the bytes lie in memory that other threads may write',
    );
}

export class Reader {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Next byte to read. */
  position = 0;
  /** First byte of the opcode being carried out. */
  offset = 0;
  /** The current opcode must end at or before this: the end of its frame, or of the buffer. */
  limit: number;
  inFrame = false;
  private allowance: number;

  /** `most` is what decoding may cost at most where less is due than the length of the stream allows. */
  constructor(bytes: Uint8Array, most: number = MOST_ALLOWANCE) {
    requirePrivate(bytes);
    if (bytes.length > MAX_BYTES) this.refuse('pickle.too-large', `the stream is over ${MAX_BYTES} bytes`);
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.limit = bytes.length;
    this.allowance = Math.min(ALLOWANCE_BASE + ALLOWANCE * bytes.length, MOST_ALLOWANCE, most);
  }

  refuse(code: PickleCode, why: string): never {
    throw new PickleRefusal(code, this.offset, why);
  }

  /** Returns `value`, or refuses when there is none. */
  require<T>(value: T | undefined, code: PickleCode, why: string): T {
    if (value === undefined) this.refuse(code, why);
    return value;
  }

  /** Charges heap bytes before they are allocated. */
  charge(cost: number): void {
    this.allowance -= cost;
    if (this.allowance < 0)
      this.refuse('pickle.budget', 'decoding would cost far more memory than the stream has');
  }

  /** Returns an empty array: a thousand numbers, and one for every so many bytes, up to a size that most never fill. */
  table(bytesEach: number): Int32Array {
    const length = 1024 + Math.ceil(Math.min(this.bytes.length, COUNTED_BYTES) / bytesEach);
    this.charge(4 * length);
    return new Int32Array(length);
  }

  /** Returns an array of twice the length with the same content. */
  grown(array: Int32Array): Int32Array {
    this.charge(2 * array.byteLength);
    const larger = new Int32Array(2 * array.length);
    larger.set(array);
    return larger;
  }

  /** Returns the offset of the next `length` bytes and moves past them. */
  take(length: number): number {
    const start = this.position;
    if (length > this.limit - start) this.refuseShort(start, length);
    this.position = start + length;
    return start;
  }

  /** Refuses an opcode that needs `length` bytes from `start` on. */
  refuseShort(start: number, length: number): never {
    if (length <= this.bytes.length - start)
      this.refuse('pickle.frame-straddled', 'an opcode reaches over the end of its frame');
    this.refuse('pickle.truncated', 'an opcode needs more bytes than there are');
  }

  takeUint8(): number {
    return this.bytes[this.take(1)] as number;
  }

  takeUint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** The 8-byte length at `start`. Compared as two halves: it may be far beyond any offset, and beyond 2^53. */
  length64(start: number): number {
    if (this.view.getUint32(start + 4, true) !== 0)
      this.refuse('pickle.truncated', 'an opcode needs more bytes than there are');
    return this.view.getUint32(start, true);
  }

  /** Returns the offset of the bytes up to the next newline, at most `longest` of them, and moves past the newline. */
  takeLine(longest: number): number {
    const start = this.position;
    const end = this.bytes.indexOf(0x0a, start);
    if (end < 0) this.refuse('pickle.truncated', 'a line without an end');
    if (end - start > longest) this.refuse('pickle.bad-text', 'a line longer than any pickler writes');
    return this.take(end - start + 1);
  }

  /** Returns the next line, which is plain ASCII: names and numbers are never anything else. */
  takeAscii(longest: number): string {
    const start = this.takeLine(longest);
    const text = asciiText(this.bytes, start, this.position - 1);
    return this.require(text, 'pickle.bad-text', 'a line with other than ASCII characters');
  }
}
