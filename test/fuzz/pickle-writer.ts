// Writes pickles by hand: any opcode in any order, and whole models of any shape, valid or not. It is how hostile
// streams and the seeds of the fuzzer are made without scikit-learn.

/** One opcode with its argument. */
export type Token = Uint8Array;

const bytesOf = (...parts: (string | number | Uint8Array | readonly number[])[]): Token =>
  joined(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return Uint8Array.from(typeof part === 'number' ? [part] : part);
    }),
  );
const uint = (value: number, size: 1 | 2 | 4 | 8): number[] => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value), true);
  return [...new Uint8Array(view.buffer)].slice(0, size);
};
const double = (value: number): number[] => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [...new Uint8Array(view.buffer)];
};

/** What a Python value looks like before it is written. */
export type Py =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly float: number }
  | { readonly tuple: readonly Py[] }
  | { readonly list: readonly Py[] }
  | { readonly dict: readonly (readonly [Py, Py])[] }
  | { readonly global: readonly [module: string, name: string] }
  | { readonly reduce: readonly [callee: Py, ...args: Py[]]; readonly state?: Py; readonly again?: Py }
  | { readonly newobj: Py; readonly args?: readonly Py[]; readonly state?: Py; readonly again?: Py }
  | { readonly raw: readonly Token[] };

export const op = bytesOf;

function number(value: number): Token {
  if (!Number.isInteger(value) || Object.is(value, -0)) return bytesOf('G', double(value));
  if (value >= 0 && value < 256) return bytesOf('K', value);
  return bytesOf('J', new Uint8Array(Int32Array.of(value).buffer));
}

function built(state: Py | undefined): Token[] {
  return state === undefined ? [] : [...tokensOf(state), bytesOf('b')];
}

/** Returns the opcodes of a value in protocol 4, without memo and frames, both of which are optional. */
export function tokensOf(value: Py): Token[] {
  if (value === null) return [bytesOf('N')];
  if (typeof value === 'boolean') return [bytesOf(value ? 0x88 : 0x89)];
  if (typeof value === 'number') return [number(value)];
  if (typeof value === 'bigint') {
    const digits = BigInt.asUintN(64, value).toString(16).padStart(16, '0');
    return [bytesOf(0x8a, 8, [...Buffer.from(digits, 'hex')].reverse())];
  }
  if (typeof value === 'string') {
    const utf8 = Buffer.from(value);
    return [bytesOf('X', uint(utf8.length, 4), utf8)];
  }
  if (value instanceof Uint8Array) return [bytesOf('B', uint(value.length, 4), value)];
  if ('float' in value) return [bytesOf('G', double(value.float))];
  if ('raw' in value) return [...value.raw];
  if ('tuple' in value) return [bytesOf('('), ...value.tuple.flatMap(tokensOf), bytesOf('t')];
  if ('list' in value) return [bytesOf(']'), bytesOf('('), ...value.list.flatMap(tokensOf), bytesOf('e')];
  if ('dict' in value)
    return [bytesOf('}'), bytesOf('('), ...value.dict.flat().flatMap(tokensOf), bytesOf('u')];
  if ('global' in value) return [...value.global.flatMap(tokensOf), bytesOf(0x93)];
  if ('reduce' in value) {
    const [callee, ...args] = value.reduce;
    return [
      ...tokensOf(callee),
      ...tokensOf({ tuple: args }),
      bytesOf('R'),
      ...built(value.state),
      ...built(value.again),
    ];
  }
  const args = tokensOf({ tuple: value.args ?? [] });
  return [...tokensOf(value.newobj), ...args, bytesOf(0x81), ...built(value.state), ...built(value.again)];
}

/** Returns the stream of a value: PROTO 4, its opcodes, STOP. */
export function pickle(value: Py): Uint8Array {
  return joined([bytesOf(0x80, 4), ...tokensOf(value), bytesOf('.')]);
}

export function joined(tokens: readonly Token[]): Uint8Array {
  return new Uint8Array(Buffer.concat(tokens)); // a copy in one go: from() asks for each byte
}
