// What a decoded stream is made of: inert data. An object here only says "a call of this name with these arguments
// was written down"; nothing is ever called, hashed, printed or compared deeply.

/**
 * One decoded value. Python's None, bool, int and float are `null`, boolean, number (bigint beyond 2^53) and number;
 * str is string; bytes and bytearray are views of the stream; a tuple is an array.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | List
  | Dict
  | Global
  | Made;

/** Answers whether one argument is what a real pickler writes in that place. */
export type Check = (value: Value) => boolean;

/** One entry of the allow-list: a name, the one opcode that may apply it, and why that is harmless. */
export interface AllowedGlobal {
  readonly module: string;
  readonly name: string;
  /** `argument` may only be handed to another call. */
  readonly by: 'REDUCE' | 'NEWOBJ' | 'argument';
  /** The argument lists it may be given; each has one check per position. */
  readonly takes: readonly (readonly Check[])[];
  /** What BUILD may hand over, once. */
  readonly state: 'dict' | 'tuple' | 'none';
  readonly why: string;
}

/** A value that Python could still change. Once it was fetched from the memo it must stay as it is. */
export abstract class Changeable {
  shared = false;
}

const NOTHING: readonly Value[] = Object.freeze([]);

/** What a container holds. The first batch is kept as it comes: mostly it is all, and copying it would cost most. */
abstract class Container extends Changeable {
  private held: Value[] | undefined = undefined;
  /** The batches after the first, 1000 values each as picklers write them, until somebody reads. */
  private more: Value[][] | undefined = undefined;

  add(values: Value[]): void {
    if (this.held === undefined) this.held = values;
    else if (values.length === 1) (this.more?.at(-1) ?? this.held).push(...values);
    else if (this.more === undefined) this.more = [values];
    else this.more.push(values);
  }

  protected all(): readonly Value[] {
    if (this.held !== undefined && this.more !== undefined) {
      this.held = [this.held, ...this.more].flat();
      this.more = undefined;
    }
    return this.held ?? NOTHING;
  }
}

export class List extends Container {
  get items(): readonly Value[] {
    return this.all();
  }
}

/** Not a Map: whoever reads a dict knows which few keys it may have. */
export class Dict extends Container {
  /** Keys and values in turn, in stream order. */
  get entries(): readonly Value[] {
    return this.all();
  }
}

/** A class or function that the stream names. */
export class Global {
  readonly allowed: AllowedGlobal;

  constructor(allowed: AllowedGlobal) {
    this.allowed = allowed;
  }
}

/** What REDUCE or NEWOBJ would have made: the name, the arguments, and the state that BUILD gave, if any. */
export class Made extends Changeable {
  readonly allowed: AllowedGlobal;
  readonly args: readonly Value[];
  /** First byte of the opcode that made it. */
  readonly offset: number;
  state: Value | undefined;

  constructor(allowed: AllowedGlobal, args: readonly Value[], offset: number) {
    super();
    this.allowed = allowed;
    this.args = args;
    this.offset = offset;
  }
}

/** Returns whether `value` was made by exactly this pair. A joined name would let a dot move between the halves. */
export function isMade(value: Value | undefined, module: string, name: string): value is Made {
  return value instanceof Made && value.allowed.module === module && value.allowed.name === name;
}

export function isTuple(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}
