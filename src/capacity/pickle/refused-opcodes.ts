// The opcodes that are refused although Python knows them, each with the reason. What they would take from the stack
// and leave on it is written down too, so that an inspection can go on and name every refusal in a stream.
import { pushGlobal } from './calls.ts';
import { asciiText } from './text.ts';
import type { Workspace } from './workspace.ts';

/** A refused opcode: an inspection moves past it, everyone else stops. */
export interface RefusedOpcode {
  readonly byte: number;
  /** As in pickletools. */
  readonly name: string;
  /** First protocol that has it. */
  readonly since: number;
  run(machine: Workspace): void;
}

/** Moves past the argument that follows the opcode. */
type Argument = (machine: Workspace) => void;

const nothing: Argument = () => {};
const line: Argument = (m) => void m.takeLine(Number.POSITIVE_INFINITY);
const fixed =
  (length: number): Argument =>
  (m) =>
    void m.take(length);
const counted1: Argument = (m) => void m.take(m.takeUint8());
const counted4: Argument = (m) => void m.take(m.takeUint32());
const counted8: Argument = (m) => void m.take(m.length64(m.take(8)));

/** What it takes: so many values, or all down to the mark and then so many. What it leaves: values, or nothing. */
type Effect = readonly ['takes' | 'takes to mark and', number, 'leaves', number];

const word = (m: Workspace): string => {
  const start = m.takeLine(80);
  return asciiText(m.bytes, start, m.position - 1) ?? '';
};

function refused(
  byte: string | number,
  name: string,
  since: number,
  argument: Argument,
  [takes, popped, , pushed]: Effect,
  why: string,
): RefusedOpcode {
  return {
    byte: typeof byte === 'string' ? byte.charCodeAt(0) : byte,
    name,
    since,
    run: (m) => {
      m.report('pickle.opcode-refused', `${name} is refused: ${why}`);
      argument(m);
      if (takes !== 'takes') m.dropToMark();
      for (let i = 0; i < popped; i++) m.pop();
      for (let i = 0; i < pushed; i++) m.pushUnknown();
    },
  };
}

const PYTHON2 = 'only Python 2 writes it, and no supported scikit-learn runs there';
const OUTSIDE = 'it asks the reading program for an object by a number or name of its own';
const REGISTRY = 'it names code through a table of the reading process';
const DISCARDS = 'it throws values away or doubles them, which hides what a stream does';
const SETS = 'no model holds a set';
const HUGE = 'it is for objects beyond 4 GiB, or integers beyond 255 bytes';
const BUFFERS = 'it refers to a buffer that is not in the stream';

/** The refused part of the opcode table. */
export const REFUSED: readonly RefusedOpcode[] = [
  refused('S', 'STRING', 0, line, ['takes', 0, 'leaves', 1], PYTHON2),
  refused('T', 'BINSTRING', 1, counted4, ['takes', 0, 'leaves', 1], PYTHON2),
  refused('U', 'SHORT_BINSTRING', 1, counted1, ['takes', 0, 'leaves', 1], PYTHON2),
  refused('P', 'PERSID', 0, line, ['takes', 0, 'leaves', 1], OUTSIDE),
  refused('Q', 'BINPERSID', 1, nothing, ['takes', 1, 'leaves', 1], OUTSIDE),
  refused(0x82, 'EXT1', 2, fixed(1), ['takes', 0, 'leaves', 1], REGISTRY),
  refused(0x83, 'EXT2', 2, fixed(2), ['takes', 0, 'leaves', 1], REGISTRY),
  refused(0x84, 'EXT4', 2, fixed(4), ['takes', 0, 'leaves', 1], REGISTRY),
  {
    byte: 0x69,
    name: 'INST',
    since: 0,
    run: (m) => {
      m.report(
        'pickle.opcode-refused',
        'INST is refused: it calls by name in one step, and only protocol 0 of Python 2 did so',
      );
      pushGlobal(m, word(m), word(m));
      m.pop();
      m.dropToMark();
      m.pushUnknown();
    },
  },
  refused('o', 'OBJ', 1, nothing, ['takes to mark and', 0, 'leaves', 1], PYTHON2),
  refused(0x92, 'NEWOBJ_EX', 4, nothing, ['takes', 3, 'leaves', 1], 'no model passes keyword arguments'),
  refused('0', 'POP', 0, nothing, ['takes', 1, 'leaves', 0], DISCARDS),
  refused('1', 'POP_MARK', 1, nothing, ['takes to mark and', 0, 'leaves', 0], DISCARDS),
  refused('2', 'DUP', 0, nothing, ['takes', 1, 'leaves', 2], DISCARDS),
  refused(0x8f, 'EMPTY_SET', 4, nothing, ['takes', 0, 'leaves', 1], SETS),
  refused(0x90, 'ADDITEMS', 4, nothing, ['takes to mark and', 1, 'leaves', 1], SETS),
  refused(0x91, 'FROZENSET', 4, nothing, ['takes to mark and', 0, 'leaves', 1], SETS),
  refused(0x8b, 'LONG4', 2, counted4, ['takes', 0, 'leaves', 1], HUGE),
  refused(0x8d, 'BINUNICODE8', 4, counted8, ['takes', 0, 'leaves', 1], HUGE),
  refused(0x8e, 'BINBYTES8', 4, counted8, ['takes', 0, 'leaves', 1], HUGE),
  refused(0x97, 'NEXT_BUFFER', 5, nothing, ['takes', 0, 'leaves', 1], BUFFERS),
  refused(0x98, 'READONLY_BUFFER', 5, nothing, ['takes', 1, 'leaves', 1], BUFFERS),
];
