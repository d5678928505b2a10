// The pickle machine: a stack, a memo and one bounded pass over one buffer. It knows how opcodes read and what they
// may touch, and nothing of scikit-learn. Every limit is checked before anything is allocated.
import { ENCODE, findAllowed, RECONSTRUCTOR, UNKNOWN } from './allowed.ts';
import { OPCODES } from './opcodes.ts';
import { Reader } from './reader.ts';
import { type PickleCode, PickleRefusal } from './refusal.ts';
import { latin1Bytes } from './text.ts';
import { type AllowedGlobal, Changeable, Dict, Global, isTuple, List, Made, type Value } from './values.ts';

/** Sees what a strict run would stop at, and lets the pass go on where the stack effect is known. */
export interface Watcher {
  global(module: string, name: string, offset: number, allowed: boolean): void;
  refusal(refusal: PickleRefusal): void;
}

/** A real pickler never holds more: it writes lists and dicts in batches of 1000. */
const MAX_STACK = 65_536;

const PROTO = 0x80;

export class Machine extends Reader {
  stopped = false;
  /** How often each opcode byte was read. */
  readonly counts: Uint32Array = new Uint32Array(256);
  private readonly protocol: number;
  /** Values wait below `height`; what lies above is left over and never read. */
  private readonly stack: Value[] = [];
  private height = 0;
  private readonly marks: number[] = [];
  private floor = 0;
  private readonly memo: Value[] = [];
  private readonly watcher: Watcher | undefined;

  constructor(bytes: Uint8Array, watcher?: Watcher) {
    super(bytes);
    this.protocol = bytes[0] === PROTO ? (bytes[1] ?? 0) : 1;
    this.watcher = watcher;
  }

  /** Returns the one value that the stream describes. Throws {@link PickleRefusal}. */
  run(): Value {
    while (!this.stopped) {
      this.offset = this.position;
      if (this.position === this.limit) this.leaveFrame();
      const byte = this.bytes[this.position++] ?? 0;
      const opcode = OPCODES[byte];
      if (opcode === undefined) this.refuse('pickle.unknown-opcode', 'no opcode has this number');
      this.counts[byte] = (this.counts[byte] ?? 0) + 1;
      if (opcode.since > this.protocol)
        this.refuse('pickle.opcode-newer', `${opcode.name} does not exist in the protocol of this stream`);
      opcode.run(this);
    }
    if (this.position !== this.bytes.length)
      this.refuse('pickle.trailing-bytes', 'something follows the end of the stream');
    if (this.height !== 1 || this.marks.length > 0)
      this.refuse('pickle.leftover', 'the stream ends with other than one value');
    return this.stack[0] as Value;
  }

  private leaveFrame(): void {
    if (this.position === this.bytes.length) this.refuse('pickle.truncated', 'the stream ends without STOP');
    this.limit = this.bytes.length;
    this.inFrame = false;
  }

  /** Refuses, unless a watcher wants to know what else there is; then the caller goes on with a stand-in. */
  report(code: PickleCode, why: string): void {
    if (this.watcher === undefined) this.refuse(code, why);
    this.watcher.refusal(new PickleRefusal(code, this.offset, why));
  }

  push(value: Value): void {
    if (this.height >= MAX_STACK)
      this.refuse('pickle.stack-limit', 'more values wait than in any real model');
    this.stack[this.height++] = value;
  }

  /** A stand-in for what a refused opcode or name would have made; only an inspection gets this far. */
  pushUnknown(): void {
    this.charge(72);
    this.push(new Made(UNKNOWN, [], this.offset));
  }

  pop(): Value {
    const value = this.top();
    this.height--;
    return value;
  }

  top(): Value {
    if (this.height <= this.floor)
      this.refuse('pickle.stack-underflow', 'an opcode needs a value that is not there');
    return this.stack[this.height - 1] as Value;
  }

  mark(): void {
    if (this.marks.length >= MAX_STACK)
      this.refuse('pickle.stack-limit', 'more marks wait than in any real model');
    this.marks.push(this.floor);
    this.floor = this.height;
  }

  /** The values above the topmost mark, which goes too. */
  popToMark(): Value[] {
    const below = this.marks.pop();
    if (below === undefined) this.refuse('pickle.no-mark', 'an opcode needs a mark that is not there');
    this.charge(48 + 8 * (this.height - this.floor));
    const values = this.stack.slice(this.floor, this.height);
    this.height = this.floor;
    this.floor = below;
    return values;
  }

  /** Every pickler numbers the memo from 0 without gaps; another number is an attempt on someone's memory. */
  store(index: number): void {
    if (index !== this.memo.length) this.refuse('pickle.memo-order', 'the memo is not filled in order');
    this.charge(20);
    this.memo.push(this.top());
  }

  storeNext(): void {
    this.store(this.memo.length);
  }

  fetch(index: number): void {
    const value = this.memo[index];
    if (value === undefined) this.refuse('pickle.memo-missing', 'the memo holds no such value');
    if (value instanceof Changeable) value.shared = true;
    this.push(value);
  }

  append(target: Value, values: Value[]): void {
    if (this.isUnknown(target)) return;
    if (!(target instanceof List))
      this.refuse('pickle.wrong-type', 'something is appended to what is not a list');
    this.requireUnshared(target);
    target.add(values);
  }

  setItems(target: Value, entries: Value[]): void {
    if (this.isUnknown(target)) return;
    if (!(target instanceof Dict)) this.refuse('pickle.wrong-type', 'an item is set on what is not a dict');
    if (entries.length % 2 !== 0) this.refuse('pickle.stack-underflow', 'a key without a value');
    this.requireUnshared(target);
    target.add(entries);
  }

  /** A value changed after it was referred to reads differently before and after. No pickler writes that. */
  private requireUnshared(target: List | Dict | Made): void {
    if (target.shared) this.refuse('pickle.changed-after-use', 'a value changes after it was used elsewhere');
  }

  global(module: Value, name: Value): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      this.refuse('pickle.wrong-type', 'a name that is not text');
    this.charge(48);
    const allowed = findAllowed(module, name);
    this.watcher?.global(module, name, this.offset, allowed !== undefined);
    if (allowed === undefined)
      this.report('pickle.global-refused', `${printable(module, name)} is not on the allow-list`);
    this.push(new Global(allowed ?? UNKNOWN));
  }

  /** REDUCE and NEWOBJ: writes down the call. Two spellings of plain data are carried out at once. */
  call(by: 'REDUCE' | 'NEWOBJ', callee: Value, args: Value): void {
    this.charge(72);
    this.push(this.isUnknown(callee) ? new Made(UNKNOWN, [], this.offset) : this.made(by, callee, args));
  }

  private made(by: 'REDUCE' | 'NEWOBJ', callee: Value, args: Value): Value {
    if (!(callee instanceof Global) || !isTuple(args))
      this.refuse('pickle.wrong-type', 'a call of what is not a name, or without a tuple of arguments');
    const { allowed } = callee;
    const name = printable(allowed.module, allowed.name);
    if (allowed.by !== by) {
      this.report('pickle.call-refused', `${name} is not to be used by ${by}`);
    } else if (!allowed.takes.some((checks) => matches(checks, args))) {
      this.report('pickle.arguments', `${name} is given arguments that no real pickler writes`);
    } else if (allowed === ENCODE && typeof args[0] === 'string') {
      return this.encode(args[0]);
    } else if (allowed === RECONSTRUCTOR && args[0] instanceof Global) {
      return new Made(args[0].allowed, [], this.offset);
    } else {
      return new Made(allowed, args, this.offset);
    }
    return new Made(UNKNOWN, [], this.offset);
  }

  private encode(text: string): Value {
    this.charge(96 + text.length);
    return this.require(latin1Bytes(text), 'pickle.bad-text', 'text for bytes holds other characters');
  }

  build(target: Value, state: Value): void {
    if (this.isUnknown(target)) return;
    if (!(target instanceof Made)) this.refuse('pickle.wrong-type', 'state is given to what cannot have any');
    const { allowed } = target;
    if (target.state !== undefined) {
      this.report('pickle.second-build', `${printable(allowed.module, allowed.name)} is given state twice`);
      return;
    }
    this.requireUnshared(target);
    const fits =
      allowed.state === 'dict' ? state instanceof Dict : allowed.state === 'tuple' && isTuple(state);
    if (!fits)
      this.report(
        'pickle.build-refused',
        `${printable(allowed.module, allowed.name)} is given state of the wrong kind`,
      );
    target.state = state;
  }

  /** Only an inspection ever holds a stand-in. */
  private isUnknown(value: Value): boolean {
    return (value instanceof Made || value instanceof Global) && value.allowed === UNKNOWN;
  }
}

function matches(checks: AllowedGlobal['takes'][number], args: readonly Value[]): boolean {
  return checks.length === args.length && checks.every((check, i) => check(args[i] ?? null));
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.]{0,79}$/;

/** A name as text for people, unless it could hold anything but an identifier. */
export function printable(module: string, name: string): string {
  return IDENTIFIER.test(module) && IDENTIFIER.test(name) ? `${module} ${name}` : 'an unprintable name';
}
