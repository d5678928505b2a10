// What opcodes work on: values that wait on a stack, marks between them, and a memo of values to refer to again. All of
// them are positions in the tape. Every limit is checked before anything is allocated.
import { isUnknown, UNKNOWN } from './allowed.ts';
import { Reader } from './reader.ts';
import { type PickleCode, PickleRefusal } from './refusal.ts';
import { MADE_BYTES, type Node, Tape } from './tape.ts';
import { Made, type Value } from './values.ts';

/** Sees what a strict run would stop at, and lets the pass go on where the stack effect is known. */
export interface Watcher {
  global(module: string, name: string, offset: number, allowed: boolean): void;
  refusal(refusal: PickleRefusal): void;
}

/** A real pickler never holds more: it writes lists and dicts in batches of 1000. */
const MAX_STACK = 16_384;
/** Objects of classes, arrays of joblib aside: as many trees. Each costs more than its bytes, so they are counted first. */
const MAX_OBJECTS = 10_000;

/** Neither items nor state: what it takes comes in one batch, and before its state. */
const isUntouched = ({ entries, state }: Made): boolean => entries.length === 0 && state === undefined;

/** What the outer pickle goes on with after a pickle within it. */
export interface Outer {
  readonly bottom: number;
  readonly memoBottom: number;
  readonly floor: number;
  readonly memoized: number;
}

export class Workspace extends Reader {
  readonly watcher: Watcher | undefined;
  readonly tape: Tape = new Tape(this);
  /** Values wait below `height`; what lies above is left over and never read. */
  private stack: Int32Array = new Int32Array(512);
  protected height = 0;
  /** Just above the topmost mark, below which no opcode reaches; `bottom` without one. */
  protected floor = 0;
  /** Where the stack and the memo of this pickle begin: above 0 for a pickle within a pickle. */
  private bottom = 0;
  private memoBottom = 0;
  private memo: Int32Array = this.table(32);
  private memoized = 0;
  private objects = 0;

  constructor(bytes: Uint8Array, watcher?: Watcher, most?: number) {
    super(bytes, most);
    this.watcher = watcher;
  }

  /** Refuses, unless a watcher wants to know what else there is; then the caller goes on with a stand-in. */
  report(code: PickleCode, why: string): void {
    if (this.watcher === undefined) this.refuse(code, why);
    this.watcher.refusal(new PickleRefusal(code, this.offset, why));
  }

  /** A stand-in for what a refused opcode or name would have made; only an inspection gets this far. */
  pushUnknown(): void {
    this.push(this.tape.object(new Made(UNKNOWN, [], this.offset), MADE_BYTES));
  }

  /** Counts an object of a class before it is made. */
  countObject(): void {
    if (++this.objects > MAX_OBJECTS)
      this.refuse('pickle.object-limit', `more than ${MAX_OBJECTS} estimators and other objects`);
  }

  push(node: Node): void {
    if (this.height === this.stack.length) this.growStack();
    this.stack[this.height++] = node;
  }

  private growStack(): void {
    if (this.height >= MAX_STACK)
      this.refuse('pickle.stack-limit', 'more values wait than in any real model');
    this.stack = this.grown(this.stack);
  }

  pop(): Node {
    const node = this.top();
    this.height--;
    return node;
  }

  popValue(): Value {
    return this.tape.value(this.pop());
  }

  top(): Node {
    if (this.height <= this.floor) this.refuseUnderflow();
    return this.stack[this.height - 1] as Node;
  }

  private refuseUnderflow(): never {
    this.refuse('pickle.stack-underflow', 'an opcode needs a value that is not there');
  }

  /** A mark lies on the stack, too: it is the height of the mark below it. */
  mark(): void {
    this.push(this.floor);
    this.floor = this.height;
  }

  /** Takes the values above the topmost mark, and the mark. Returns how many there were. */
  dropToMark(): number {
    const { floor } = this;
    if (floor === this.bottom) this.refuse('pickle.no-mark', 'an opcode needs a mark that is not there');
    const count = this.height - floor;
    this.height = floor - 1;
    this.floor = this.stack[this.height] as number;
    return count;
  }

  /** Turns the values above the topmost mark into items of the tape. Returns how many there were. */
  itemsToMark(): number {
    const first = this.floor;
    return this.items(first, this.dropToMark());
  }

  /** Turns the topmost values into items of the tape. Returns how many there were. */
  itemsFromTop(count: number): number {
    if (this.height - count < this.floor) this.refuseUnderflow();
    this.height -= count;
    return this.items(this.height, count);
  }

  /** What was taken from the stack a moment ago still lies above it. */
  private items(first: number, count: number): number {
    this.tape.addItems(this.stack, first, count);
    return count;
  }

  /** Every pickler numbers the memo from 0 without gaps; another number is an attempt on someone's memory. */
  store(index: number): void {
    if (index !== this.memoized - this.memoBottom)
      this.refuse('pickle.memo-order', 'the memo is not filled in order');
    this.storeNext();
  }

  storeNext(): void {
    if (this.memoized === this.memo.length) this.memo = this.grown(this.memo);
    this.memo[this.memoized++] = this.top();
  }

  /** Returns what was stored, which must now stay as it is. */
  fetch(index: number): Node {
    const at = this.memoBottom + index;
    if (!(index >= 0 && at < this.memoized))
      this.refuse('pickle.memo-missing', 'the memo holds no such value');
    const node = this.memo[at] as Node;
    // Its number in joblib's memo still means the wrapper, elsewhere it might mean the array: nobody writes that.
    if (this.tape.isSpent(node)) this.refuse('pickle.wrapper', 'a wrapper is referred to after its array');
    this.tape.share(node);
    return node;
  }

  get nested(): boolean {
    return this.bottom > 0;
  }

  /** Begins a pickle within the pickle: nothing that waits or was memoized so far can be reached from it. */
  nest(): Outer {
    const { bottom, memoBottom, floor, memoized } = this;
    this.bottom = this.height;
    this.floor = this.height;
    this.memoBottom = memoized;
    return { bottom, memoBottom, floor, memoized };
  }

  /** Ends it; its one value stays on the stack. */
  unnest(outer: Outer): void {
    if (this.height !== this.bottom + 1 || this.floor !== this.bottom)
      this.refuse('pickle.leftover', 'a pickle within the pickle ends with other than one value');
    this.endFrame('a pickle within the pickle ends inside its frame');
    this.bottom = outer.bottom;
    this.memoBottom = outer.memoBottom;
    this.floor = outer.floor;
    this.memoized = outer.memoized;
  }

  /** Takes the rest of the stream out of the frame, which must end here. */
  endFrame(why: string): void {
    if (this.inFrame && this.position !== this.limit) this.refuse('pickle.wrapper', why);
    this.limit = this.bytes.length;
    this.inFrame = false;
  }

  /** Adds the last `count` items of the tape to the list on top. */
  append(count: number): void {
    const list = this.top();
    if (this.tape.isNewList(list)) this.tape.extend(list, count);
    else this.refuseChange(list, 'something is appended to what is not a list');
  }

  /** Adds the last `count` items of the tape, keys and values in turn, to the dict on top. */
  setItems(count: number): void {
    const dict = this.top();
    if (count % 2 !== 0) this.refuse('pickle.stack-underflow', 'a key without a value');
    if (this.tape.isNewDict(dict)) this.tape.extend(dict, count);
    else this.setOnObject(dict, count);
  }

  /** scikit-learn's Bunch is a dict with a class of its own. */
  private setOnObject(node: Node, count: number): void {
    const target = this.tape.value(node);
    if (target instanceof Made && target.allowed.state === 'items' && isUntouched(target)) {
      this.requireUnshared(node);
      target.entries = this.tape.lastItems(count);
    } else this.refuseChange(node, 'an item is set on what is not a dict');
  }

  /** An inspection goes on where the target is a stand-in for what was refused. */
  private refuseChange(node: Node, why: string): void {
    this.requireUnshared(node);
    if (!isUnknown(this.tape.value(node))) this.refuse('pickle.wrong-type', why);
  }

  /** A value changed after it was referred to reads differently before and after. No pickler writes that. */
  requireUnshared(node: Node): void {
    if (this.tape.isShared(node))
      this.refuse('pickle.changed-after-use', 'a value changes after it was used elsewhere');
  }
}
