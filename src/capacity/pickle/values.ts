// What a decoded stream is made of: inert data. An object here only says "a call of this name with these arguments
// was written down"; nothing is ever called, hashed, printed or compared deeply.

/**
 * One decoded value. Python's None, bool and int are `null`, boolean and number (bigint beyond 2^53); str is string;
 * bytes are a view of the stream.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Float
  | ByteArray
  | Tuple
  | List
  | Dict
  | Global
  | Made;

/** A Python float: where a whole number is due, Python takes 5 and refuses 5.0. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A Python bytearray, a view of the stream: where bytes are due, numpy mostly refuses it. */
export class ByteArray {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Answers whether one argument is what a real pickler writes in that place. */
export type Check = (value: Value) => boolean;

/** One entry of the allow-list: a name, the one opcode that may apply it, and why that is harmless. */
export interface AllowedGlobal {
  readonly module: string;
  readonly name: string;
  /** `argument` may only be handed to another call; `refused` stands for a name that is not on the list. */
  readonly by: 'REDUCE' | 'NEWOBJ' | 'argument' | 'refused';
  /** The argument lists it may be given; each has one check per position. */
  readonly takes: readonly (readonly Check[])[];
  /** What BUILD may hand over, once. `items` are set before that, as on a dict; BUILD may follow. */
  readonly state: 'dict' | 'tuple' | 'items' | 'none';
  readonly why: string;
}

/** Where a container reads what it holds. */
export interface Source {
  /** Returns `count` items from the item `first` on, and those of every batch after `batch`. */
  itemsFrom(first: number, count: number, batch: number): readonly Value[];
}

/** What a container holds is read when it is first asked for: most of a stream is never looked at again. */
abstract class Container {
  private readonly source: Source;
  private readonly first: number;
  private readonly count: number;
  private readonly batch: number;
  private held: readonly Value[] | undefined = undefined;

  constructor(source: Source, first: number, count: number, batch: number) {
    this.source = source;
    this.first = first;
    this.count = count;
    this.batch = batch;
  }

  protected values(): readonly Value[] {
    this.held ??= this.source.itemsFrom(this.first, this.count, this.batch);
    return this.held;
  }
}

export class Tuple extends Container {
  declare readonly kind: 'tuple';

  get items(): readonly Value[] {
    return this.values();
  }
}

export class List extends Container {
  declare readonly kind: 'list';

  get items(): readonly Value[] {
    return this.values();
  }
}

/** Not a Map: whoever reads a dict knows which few keys it may have. */
export class Dict extends Container {
  declare readonly kind: 'dict';

  /** Keys and values in turn, in stream order. */
  get entries(): readonly Value[] {
    return this.values();
  }
}

/** A class or function that the stream names. */
export class Global {
  readonly allowed: AllowedGlobal;

  constructor(allowed: AllowedGlobal) {
    this.allowed = allowed;
  }
}

const NO_ENTRIES: readonly Value[] = [];

/** What REDUCE or NEWOBJ would have made: the name, the arguments, and the state that BUILD gave, if any. */
export class Made {
  readonly allowed: AllowedGlobal;
  readonly args: readonly Value[];
  /** First byte of the opcode that made it. */
  readonly offset: number;
  state: Value | undefined;
  /** Keys and values in turn that were set on it as on a dict, where its entry allows that. */
  entries: readonly Value[] = NO_ENTRIES;

  constructor(allowed: AllowedGlobal, args: readonly Value[], offset: number) {
    this.allowed = allowed;
    this.args = args;
    this.offset = offset;
  }
}

/** Returns whether `value` was made by exactly this pair. A joined name would let a dot move between the halves. */
export function isMade(value: Value | undefined, module: string, name: string): value is Made {
  return value instanceof Made && value.allowed.module === module && value.allowed.name === name;
}
