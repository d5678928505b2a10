// The pickle machine: one bounded pass over one buffer. It knows how opcodes read and what they may touch, and nothing
// of scikit-learn. A call is written down and never made.
import { build, call, globalLines, stackGlobal } from './calls.ts';
import { endWrapper } from './joblib-array.ts';
import {
  byteArray,
  byteString,
  floatLine,
  indexLine,
  integerLine,
  longBytes,
  longLine,
  text,
  textLine,
} from './literals.ts';
import { isWrapper } from './names/joblib.ts';
import { HEADS, OPCODES } from './opcodes.ts';
import { EMPTY_TUPLE_NODE, FALSE_NODE, NONE_NODE, type Node, TRUE_NODE } from './tape.ts';
import type { Value } from './values.ts';
import { type Watcher, Workspace } from './workspace.ts';

const PROTO = 0x80;
const BINFLOAT = 0x47;

export class Machine extends Workspace {
  /** How often each opcode byte was read; counted for a watcher only. */
  readonly counts: Uint32Array | undefined;
  /** Whether the stream holds arrays in joblib's layout. */
  joblib = false;

  constructor(bytes: Uint8Array, watcher?: Watcher, most?: number) {
    super(bytes, watcher, most);
    this.counts = watcher && new Uint32Array(256);
  }

  /** The protocol that the stream says it is in; 1 where it says none, which only protocols 0 and 1 do not. */
  protocolAt(start: number): number {
    return this.bytes[start] === PROTO ? (this.bytes[start + 1] ?? 0) : 1;
  }

  /** Returns the one value that the stream describes. Throws {@link PickleRefusal}. */
  run(): Value {
    this.pass(0);
    if (this.position !== this.bytes.length)
      this.refuse('pickle.trailing-bytes', 'something follows the end of the stream');
    if (this.height !== 1 || this.floor > 0)
      this.refuse('pickle.leftover', 'the stream ends with other than one value');
    return this.tape.value(this.top());
  }

  /** Carries out every opcode up to STOP. The place in the stream is kept at hand: nothing else changes as often. */
  private pass(start: number): void {
    const { bytes, view, counts, tape } = this;
    const tooNew = 256 * (this.protocolAt(start) + 1);
    let at = start;
    for (;;) {
      this.offset = at;
      if (at === this.limit) this.leaveFrame();
      const byte = bytes[at] as number;
      const head = HEADS[byte] as number;
      const argument = at + 1;
      at = argument + (head & 0xff);
      if (head >= tooNew) this.refuseOpcode(byte);
      if (counts !== undefined) counts[byte] = (counts[byte] as number) + 1;
      if (at > this.limit) this.refuseShort(argument, at - argument);
      this.position = at;
      let node: Node; // what the opcode leaves; one that leaves nothing, or pushes by itself, goes on at once
      switch (byte) {
        case 0x2e: // STOP
          return;
        case 0x80: // PROTO
          // The machine has looked at the first two bytes already; a second PROTO would change the rules midway.
          if (argument !== start + 1) this.refuse('pickle.proto-position', 'PROTO after the start');
          if ((bytes[argument] as number) > 5) this.refuse('pickle.proto-unknown', 'a protocol above 5');
          continue;
        case 0x95: // FRAME
          this.enterFrame(this.length64(argument));
          continue;
        case 0x28: // MARK
          this.mark();
          continue;

        case 0x4e: // NONE
          node = NONE_NODE;
          break;
        case 0x88: // NEWTRUE
          node = TRUE_NODE;
          break;
        case 0x89: // NEWFALSE
          node = FALSE_NODE;
          break;
        case 0x4b: // BININT1
          node = tape.small(bytes[argument] as number);
          break;
        case 0x4d: // BININT2
        case 0x4a: // BININT
          node = tape.number(argument - 1);
          break;
        case 0x47: // BINFLOAT
          at = this.floats(argument - 1);
          continue;

        case 0x8c: // SHORT_BINUNICODE
          node = text(this, bytes[argument] as number);
          at = this.position;
          break;
        case 0x58: // BINUNICODE
          node = text(this, view.getUint32(argument, true));
          at = this.position;
          break;

        case 0x29: // EMPTY_TUPLE
          node = EMPTY_TUPLE_NODE;
          break;
        case 0x74: // TUPLE
          node = tape.tuple(this.itemsToMark());
          break;
        case 0x85: // TUPLE1
          node = tape.tuple(this.itemsFromTop(1));
          break;
        case 0x86: // TUPLE2
          node = tape.tuple(this.itemsFromTop(2));
          break;
        case 0x87: // TUPLE3
          node = tape.tuple(this.itemsFromTop(3));
          break;
        case 0x5d: // EMPTY_LIST
          node = tape.list();
          break;
        case 0x61: // APPEND
          this.append(this.itemsFromTop(1));
          continue;
        case 0x65: // APPENDS
          this.append(this.itemsToMark());
          continue;
        case 0x6c: // LIST
          this.newList(this.itemsToMark());
          continue;
        case 0x7d: // EMPTY_DICT
          node = tape.dict();
          break;
        case 0x73: // SETITEM
          this.setItems(this.itemsFromTop(2));
          continue;
        case 0x75: // SETITEMS
          this.setItems(this.itemsToMark());
          continue;
        case 0x64: // DICT
          this.newDict(this.itemsToMark());
          continue;

        case 0x94: // MEMOIZE
          this.storeNext();
          continue;
        case 0x71: // BINPUT
          this.store(bytes[argument] as number);
          continue;
        case 0x72: // LONG_BINPUT
          this.store(view.getUint32(argument, true));
          continue;
        case 0x68: // BINGET
          node = this.fetch(bytes[argument] as number);
          break;
        case 0x6a: // LONG_BINGET
          node = this.fetch(view.getUint32(argument, true));
          break;

        default:
          this.rare(byte, argument);
          at = this.position;
          continue;
      }
      this.push(node);
    }
  }

  /** BINFLOAT at `first`, and those that follow on it: a list of numbers is a long run of them. Returns where it ends. */
  private floats(first: number): number {
    const { bytes, tape, limit } = this;
    const size = 1 + 8;
    let at = first;
    do {
      this.offset = at;
      this.push(tape.number(at));
      at += size;
    } while (at + size <= limit && bytes[at] === BINFLOAT);
    if (this.counts !== undefined)
      this.counts[BINFLOAT] = (this.counts[BINFLOAT] as number) + (at - first) / size - 1;
    return at;
  }

  /** The opcodes that are few in any stream, apart so that the others stay fast: long arguments, names, calls. */
  private rare(byte: number, argument: number): void {
    const { bytes, view } = this;
    switch (byte) {
      case 0x56: // UNICODE
        this.push(textLine(this));
        break;
      case 0x43: // SHORT_BINBYTES
        this.push(byteString(this, bytes[argument] as number));
        break;
      case 0x42: // BINBYTES
        this.push(byteString(this, view.getUint32(argument, true)));
        break;
      case 0x96: // BYTEARRAY8
        this.push(byteArray(this, this.length64(argument)));
        break;
      case 0x8a: // LONG1
        this.push(longBytes(this, bytes[argument] as number));
        break;
      case 0x49: // INT
        this.push(integerLine(this));
        break;
      case 0x4c: // LONG
        this.push(longLine(this));
        break;
      case 0x46: // FLOAT
        this.push(floatLine(this));
        break;
      case 0x70: // PUT
        this.store(indexLine(this));
        break;
      case 0x67: // GET
        this.push(this.fetch(indexLine(this)));
        break;
      case 0x63: // GLOBAL
        globalLines(this);
        break;
      case 0x93: // STACK_GLOBAL
        stackGlobal(this);
        break;
      case 0x52: // REDUCE
        call(this, 'REDUCE');
        break;
      case 0x81: // NEWOBJ
        call(this, 'NEWOBJ');
        break;
      case 0x62: // BUILD
        build(this);
        if (isWrapper(this.tape.value(this.top()))) this.array();
        break;
      default:
        OPCODES[byte]?.refused?.run(this);
    }
  }

  /** What a wrapper announces follows it at once: the items themselves, or, for objects, a whole pickle of their own. */
  private array(): void {
    this.joblib = true;
    // joblib hands what is within to Python's own unpickler, which knows no wrappers.
    if (this.nested) this.refuse('pickle.wrapper', 'an array of joblib in a pickle within a pickle');
    if (!endWrapper(this)) return;
    const outer = this.nest();
    this.pass(this.position);
    this.unnest(outer);
  }

  private refuseOpcode(byte: number): never {
    const opcode = OPCODES[byte];
    if (opcode === undefined) this.refuse('pickle.unknown-opcode', 'no opcode has this number');
    this.refuse('pickle.opcode-newer', `${opcode.name} does not exist in the protocol of this stream`);
  }

  private enterFrame(length: number): void {
    if (this.inFrame) this.refuse('pickle.frame-nested', 'a frame inside a frame');
    if (length > this.limit - this.position)
      this.refuse('pickle.truncated', 'a frame longer than the stream');
    this.inFrame = true;
    this.limit = this.position + length;
  }

  private leaveFrame(): void {
    if (this.position === this.bytes.length) this.refuse('pickle.truncated', 'the stream ends without STOP');
    this.limit = this.bytes.length;
    this.inFrame = false;
  }

  private newList(count: number): void {
    this.push(this.tape.list());
    this.append(count);
  }

  private newDict(count: number): void {
    this.push(this.tape.dict());
    this.setItems(count);
  }
}
