// Bounded reading from one buffer. Whoever asks for bytes gets them only if they lie before the end of the frame and
// of the buffer, and whoever allocates says so first: a stream may not cost more memory than its size justifies.
import { Buffer } from 'node:buffer';
import { type PickleCode, PickleRefusal } from './refusal.ts';

/**
 * Estimated heap bytes that decoding may cost for each byte of input; the collector takes about as much again. Forests
 * of nothing but single leaves, which are all structure, come to 9, and AGILAB's model to 0.2.
 */
const ALLOWANCE = 10;
const ALLOWANCE_BASE = 65_536;

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

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.limit = bytes.length;
    this.allowance = ALLOWANCE_BASE + ALLOWANCE * bytes.length;
  }

  refuse(code: PickleCode, why: string): never {
    throw new PickleRefusal(code, this.offset, why);
  }

  /** Returns `value`, or refuses when there is none. */
  require<T>(value: T | undefined, code: PickleCode, why: string): T {
    if (value === undefined) this.refuse(code, why);
    return value;
  }

  /** Charges estimated heap bytes before they are allocated. */
  charge(cost: number): void {
    this.allowance -= cost;
    if (this.allowance < 0)
      this.refuse('pickle.budget', 'decoding would cost far more memory than the stream has');
  }

  /** Returns the offset of the next `length` bytes and moves past them. */
  take(length: number): number {
    const start = this.position;
    if (length > this.limit - start) {
      if (this.inFrame && length <= this.bytes.length - start)
        this.refuse('pickle.frame-straddled', 'an opcode reaches over the end of its frame');
      this.refuse('pickle.truncated', 'an opcode needs more bytes than there are');
    }
    this.position = start + length;
    return start;
  }

  takeUint8(): number {
    return this.view.getUint8(this.take(1));
  }

  takeUint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** An 8-byte length. Compared as two halves: it may be far beyond any offset, and beyond 2^53. */
  takeLength64(): number {
    const start = this.take(8);
    if (this.view.getUint32(start + 4, true) !== 0)
      this.refuse('pickle.truncated', 'an opcode needs more bytes than there are');
    return this.view.getUint32(start, true);
  }

  /** A view of the next `length` bytes. */
  takeBytes(length: number): Uint8Array {
    const start = this.take(length);
    this.charge(96);
    return this.bytes.subarray(start, start + length);
  }

  /** Returns the offset of the bytes up to the next newline, at most `longest` of them, and moves past the newline. */
  takeLine(longest: number): number {
    const start = this.position;
    const end = this.bytes.indexOf(0x0a, start);
    if (end < 0) this.refuse('pickle.truncated', 'a line without an end');
    if (end - start > longest) this.refuse('pickle.bad-text', 'a line longer than any pickler writes');
    return this.take(end - start + 1);
  }
}
