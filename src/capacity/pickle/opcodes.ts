// The opcodes of protocols 0 to 5 after pickletools: which byte has which name, the first protocol that has it, and how
// many bytes of argument always follow.
import { REFUSED, type RefusedOpcode } from './refused-opcodes.ts';

/** What scikit-learn's models are written with. The machine carries these out, and no others. */
const ACCEPTED: readonly (readonly [byte: number, name: string, since: number, fixed: number])[] = [
  [0x80, 'PROTO', 2, 1],
  [0x95, 'FRAME', 4, 8],
  [0x2e, 'STOP', 0, 0],
  [0x28, 'MARK', 0, 0],
  [0x4e, 'NONE', 0, 0],
  [0x88, 'NEWTRUE', 2, 0],
  [0x89, 'NEWFALSE', 2, 0],
  [0x49, 'INT', 0, 0],
  [0x4a, 'BININT', 1, 4],
  [0x4b, 'BININT1', 1, 1],
  [0x4d, 'BININT2', 1, 2],
  [0x4c, 'LONG', 0, 0],
  [0x8a, 'LONG1', 2, 1],
  [0x46, 'FLOAT', 0, 0],
  [0x47, 'BINFLOAT', 1, 8],
  [0x56, 'UNICODE', 0, 0],
  [0x58, 'BINUNICODE', 1, 4],
  [0x8c, 'SHORT_BINUNICODE', 4, 1],
  [0x42, 'BINBYTES', 3, 4],
  [0x43, 'SHORT_BINBYTES', 3, 1],
  [0x96, 'BYTEARRAY8', 5, 8],
  [0x29, 'EMPTY_TUPLE', 1, 0],
  [0x74, 'TUPLE', 0, 0],
  [0x85, 'TUPLE1', 2, 0],
  [0x86, 'TUPLE2', 2, 0],
  [0x87, 'TUPLE3', 2, 0],
  [0x5d, 'EMPTY_LIST', 1, 0],
  [0x6c, 'LIST', 0, 0],
  [0x61, 'APPEND', 0, 0],
  [0x65, 'APPENDS', 1, 0],
  [0x7d, 'EMPTY_DICT', 1, 0],
  [0x64, 'DICT', 0, 0],
  [0x73, 'SETITEM', 0, 0],
  [0x75, 'SETITEMS', 1, 0],
  [0x70, 'PUT', 0, 0],
  [0x71, 'BINPUT', 1, 1],
  [0x72, 'LONG_BINPUT', 1, 4],
  [0x94, 'MEMOIZE', 4, 0],
  [0x67, 'GET', 0, 0],
  [0x68, 'BINGET', 1, 1],
  [0x6a, 'LONG_BINGET', 1, 4],
  [0x63, 'GLOBAL', 0, 0],
  [0x93, 'STACK_GLOBAL', 4, 0],
  [0x52, 'REDUCE', 0, 0],
  [0x81, 'NEWOBJ', 2, 0],
  [0x62, 'BUILD', 0, 0],
];

export interface Opcode {
  readonly name: string;
  /** First protocol that has it. */
  readonly since: number;
  /** Bytes of argument that always follow. Lines, and what a length is given for, come after these. */
  readonly fixed: number;
  /** Present for an opcode that is refused wherever it stands; it reads its whole argument itself. */
  readonly refused?: RefusedOpcode;
}

/** By opcode byte; `undefined` where no opcode has that number. */
export const OPCODES: readonly (Opcode | undefined)[] = (() => {
  const table = Array.from<Opcode | undefined>({ length: 256 });
  for (const [byte, name, since, fixed] of ACCEPTED) table[byte] = { name, since, fixed };
  for (const refused of REFUSED)
    table[refused.byte] = { name: refused.name, since: refused.since, fixed: 0, refused };
  return table;
})();

/** For each opcode byte, `256 * since + fixed`: all that must be known before it is carried out, in one look-up. */
export const HEADS: Uint16Array = Uint16Array.from(OPCODES, (opcode) =>
  opcode === undefined ? 0xffff : 256 * opcode.since + opcode.fixed,
);
