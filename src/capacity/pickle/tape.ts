// Where decoded values lie: one flat array of 32-bit numbers, filled in the order of the stream. Numbers, text and bytes
// stay in the buffer and are read from there when somebody asks. So nothing of a stream becomes an object unasked, and
// what a stream costs is what this array has grown to.
import type { Reader } from './reader.ts';
import { ByteArray, Dict, Float, List, type Source, Tuple, type Value } from './values.ts';

/**
 * Where a value lies in the tape: a tag, and numbers that depend on the tag. Below zero, the complement of the offset
 * of its opcode in the stream: a number of fixed size needs no place in the tape.
 */
export type Node = number;

const NONE = 0;
const FALSE = 1;
const TRUE = 2;
/** The integer, from 0 to 255. */
const SMALL = 3;
/** Offset and length in the stream, as for BYTES and BYTE_ARRAY. Text here is ASCII; other text is an OBJECT. */
const TEXT = 4;
const BYTES = 5;
/** First item, how many. */
const TUPLE = 6;
/** First item, how many, the batch after these, the last batch. As for DICT, and for the batches themselves. */
const LIST = 7;
const DICT = 8;
const BATCH = 9;
/** Index in `objects`: what is rare or had to be computed, and what somebody has asked for. */
const OBJECT = 10;
const BYTE_ARRAY = 11;

const TAG = 0xff;
/** Somebody referred to it through the memo: from now on it must stay as it is. */
const SHARED = 0x100;
/** Something else has taken its place: nobody may refer to it any more. */
const SPENT = 0x200;

const LEAF_SIZE = 3;
const CONTAINER_SIZE = 5;
const NEXT = 3;
const LAST = 4;
/** No batch can lie there. */
const NO_BATCH = 0;

/** Values without parts, which every tape begins with: floods of them cost nothing. */
const FIXED = Int32Array.from(
  [
    [NONE, 0, 0],
    [FALSE, 0, 0],
    [TRUE, 0, 0],
    [TUPLE, 0, 0],
    ...Array.from({ length: 256 }, (_, value) => [SMALL, value, 0]),
  ].flat(),
);
export const NONE_NODE: Node = 0;
export const FALSE_NODE: Node = LEAF_SIZE;
export const TRUE_NODE: Node = 2 * LEAF_SIZE;
export const EMPTY_TUPLE_NODE: Node = 3 * LEAF_SIZE;
const FIRST_SMALL_NODE: Node = 4 * LEAF_SIZE;

const BININT2 = 0x4d;
const BINFLOAT = 0x47;

/** About what an object occupies that is made on asking, in bytes; text besides its characters. */
const TEXT_BYTES = 32;
const BYTES_BYTES = 128;
const BYTE_ARRAY_BYTES = 160;
const FLOAT_BYTES = 48;
const CONTAINER_BYTES = 96;
const ITEM_BYTES = 16;
/** An array that is made larger than this at once is a table of hashes to V8. */
const MOST_AT_ONCE = 2 ** 25;
/** And a call that was written down. */
export const MADE_BYTES = 72;

export class Tape implements Source {
  private readonly reader: Reader;
  private nodes: Int32Array;
  private end = FIXED.length;
  /** What tuples, lists and dicts hold, as nodes. */
  private items: Int32Array;
  private itemsEnd = 0;
  private readonly objects: Value[] = [];

  constructor(reader: Reader) {
    this.reader = reader;
    this.nodes = reader.table(8);
    this.nodes.set(FIXED);
    this.items = reader.table(16);
  }

  /** The node of an integer from 0 to 255. */
  small(value: number): Node {
    return FIRST_SMALL_NODE + LEAF_SIZE * value;
  }

  /** The node of the number that the opcode at `offset` says: BININT, BININT2 or BINFLOAT. */
  number(offset: number): Node {
    return ~offset;
  }

  private leaf(tag: number, a: number, b: number): Node {
    const at = this.end;
    if (at + LEAF_SIZE > this.nodes.length) this.nodes = this.reader.grown(this.nodes);
    const { nodes } = this;
    nodes[at] = tag;
    nodes[at + 1] = a;
    nodes[at + 2] = b;
    this.end = at + LEAF_SIZE;
    return at;
  }

  private container(tag: number, first: number, count: number): Node {
    const at = this.end;
    if (at + CONTAINER_SIZE > this.nodes.length) this.nodes = this.reader.grown(this.nodes);
    const { nodes } = this;
    nodes[at] = tag;
    nodes[at + 1] = first;
    nodes[at + 2] = count;
    nodes[at + NEXT] = NO_BATCH;
    nodes[at + LAST] = at;
    this.end = at + CONTAINER_SIZE;
    return at;
  }

  /** Adds ASCII text. */
  text(offset: number, length: number): Node {
    return this.leaf(TEXT, offset, length);
  }

  bytes(offset: number, length: number): Node {
    return this.leaf(BYTES, offset, length);
  }

  byteArray(offset: number, length: number): Node {
    return this.leaf(BYTE_ARRAY, offset, length);
  }

  /** Adds anything else. `cost` is about what it occupies, in bytes. */
  object(value: Value, cost: number): Node {
    this.reader.charge(cost);
    return this.leaf(OBJECT, this.objects.push(value) - 1, 0);
  }

  /** Adds `count` items, for a tuple or a batch to come. */
  addItems(nodes: Int32Array, first: number, count: number): void {
    const start = this.itemsEnd;
    const end = start + count;
    while (end > this.items.length) this.items = this.reader.grown(this.items);
    const { items } = this;
    for (let i = 0; i < count; i++) items[start + i] = nodes[first + i] as Node;
    this.itemsEnd = end;
  }

  /** Adds a tuple of the last `count` items. */
  tuple(count: number): Node {
    return this.leaf(TUPLE, this.itemsEnd - count, count);
  }

  list(): Node {
    return this.container(LIST, 0, 0);
  }

  dict(): Node {
    return this.container(DICT, 0, 0);
  }

  /** Adds the last `count` items to a list or dict: to its last batch, where they follow on it, or as a new one. */
  extend(container: Node, count: number): void {
    const { nodes } = this;
    const last = nodes[container + LAST] as Node;
    const first = this.itemsEnd - count;
    const held = nodes[last + 2] as number;
    if (held === 0) nodes[last + 1] = first;
    if ((nodes[last + 1] as number) + held === first) nodes[last + 2] = held + count;
    else {
      const batch = this.container(BATCH, first, count);
      this.nodes[last + NEXT] = batch; // not `nodes`: the tape may have grown
      this.nodes[container + LAST] = batch;
    }
  }

  /** Whether it is a list that nobody referred to. */
  isNewList(node: Node): boolean {
    return node >= 0 && this.nodes[node] === LIST;
  }

  isNewDict(node: Node): boolean {
    return node >= 0 && this.nodes[node] === DICT;
  }

  share(node: Node): void {
    if (node >= 0) this.nodes[node] = (this.nodes[node] as number) | SHARED;
  }

  isShared(node: Node): boolean {
    return node >= 0 && ((this.nodes[node] as number) & SHARED) !== 0;
  }

  spend(node: Node): void {
    if (node >= 0) this.nodes[node] = (this.nodes[node] as number) | SPENT;
  }

  isSpent(node: Node): boolean {
    return node >= 0 && ((this.nodes[node] as number) & SPENT) !== 0;
  }

  /** Returns the value at a node; the same object each time, for what is an object. */
  value(node: Node): Value {
    if (node < 0) return this.numberAt(~node);
    const { nodes } = this;
    const a = nodes[node + 1] as number;
    switch ((nodes[node] as number) & TAG) {
      case NONE:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case SMALL:
        return a;
      case OBJECT:
        return this.objects[a] as Value;
      default:
        return this.viewed(node, a, nodes[node + 2] as number);
    }
  }

  private numberAt(offset: number): number | Float {
    const { bytes, view } = this.reader;
    if (bytes[offset] === BINFLOAT) {
      this.reader.charge(FLOAT_BYTES);
      return new Float(view.getFloat64(offset + 1, false));
    }
    if (bytes[offset] === BININT2) return view.getUint16(offset + 1, true);
    return view.getInt32(offset + 1, true);
  }

  /** Makes the object and keeps it: what is referred to a thousand times must not be made a thousand times. */
  private viewed(node: Node, a: number, b: number): Value {
    const tag = this.nodes[node] as number;
    const value = this.view(tag & TAG, a, b, node);
    this.nodes[node] = (tag & SHARED) | OBJECT;
    this.nodes[node + 1] = this.objects.push(value) - 1;
    return value;
  }

  private view(tag: number, a: number, b: number, node: Node): Value {
    const { bytes } = this.reader;
    switch (tag) {
      case TEXT:
        this.reader.charge(TEXT_BYTES + b);
        return bytes.toString('latin1', a, a + b);
      case BYTES:
        this.reader.charge(BYTES_BYTES);
        return bytes.subarray(a, a + b);
      case BYTE_ARRAY:
        this.reader.charge(BYTE_ARRAY_BYTES);
        return new ByteArray(bytes.subarray(a, a + b));
      case TUPLE:
        this.reader.charge(CONTAINER_BYTES);
        return new Tuple(this, a, b, NO_BATCH);
      default: {
        this.reader.charge(CONTAINER_BYTES);
        const batch = this.nodes[node + NEXT] as Node;
        return tag === LIST ? new List(this, a, b, batch) : new Dict(this, a, b, batch);
      }
    }
  }

  /** Returns the last `count` items as values. */
  lastItems(count: number): Value[] {
    return this.itemsFrom(this.itemsEnd - count, count, NO_BATCH);
  }

  itemsFrom(first: number, count: number, batch: Node): Value[] {
    let total = count;
    for (let at = batch; at !== NO_BATCH; at = this.nodes[at + NEXT] as Node)
      total += this.nodes[at + 2] as number;
    this.reader.charge(ITEM_BYTES * total);
    // In its size at once: most of a long list would be copied as it grows.
    const values = total < MOST_AT_ONCE ? Array<Value>(total) : [];
    let end = this.read(first, count, values, 0);
    for (let at = batch; at !== NO_BATCH; at = this.nodes[at + NEXT] as Node)
      end = this.read(this.nodes[at + 1] as number, this.nodes[at + 2] as number, values, end);
    return values;
  }

  /** Reads items into `into`, from `at` on. Returns where the next ones go. */
  private read(first: number, count: number, into: Value[], at: number): number {
    for (let i = 0; i < count; i++) into[at + i] = this.value(this.items[first + i] as Node);
    return at + count;
  }
}
