// The opcode table says what pickletools says, and an inspection goes on behind every refused opcode as pickletools
// says that Python would.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { inspectStream } from '../../../src/capacity/pickle/inspect.ts';
import { OPCODES } from '../../../src/capacity/pickle/opcodes.ts';

/** As pickletools has it: `length` is that of the fixed part of the argument, -1 for one that is a line. */
interface Described {
  readonly byte: number;
  readonly name: string;
  readonly since: number;
  readonly length: number;
  /** Whether the fixed part is the length of more. */
  readonly counts: boolean;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const SCRIPT = `
import json, pickletools as p
def length(n):
    return {p.TAKEN_FROM_ARGUMENT1: 1, p.TAKEN_FROM_ARGUMENT4: 4, p.TAKEN_FROM_ARGUMENT4U: 4,
            p.TAKEN_FROM_ARGUMENT8U: 8, p.UP_TO_NEWLINE: -1}.get(n, n)
print(json.dumps([{"byte": ord(o.code), "name": o.name, "since": o.proto,
                   "length": length(o.arg.n) if o.arg else 0, "counts": bool(o.arg and o.arg.n < -1),
                   "before": [s.name for s in o.stack_before], "after": [s.name for s in o.stack_after]}
                  for o in p.opcodes]))`;

import { leftOut, requiresReal } from '../../left-out.ts';

const python = '/usr/bin/python3';
const hasPython = spawnSync(python, ['-V'], { stdio: 'ignore' }).status === 0;

describe(
  'the opcode table (left out without python3)',
  leftOut(!hasPython && !requiresReal && 'no python3 here'),
  () => {
    const { stdout } = spawnSync(python, ['-'], { input: SCRIPT, encoding: 'utf8' });
    const described = JSON.parse(stdout || '[]') as Described[];

    it('has the names, protocols and arguments of pickletools', () => {
      expect(described.length).toBeGreaterThan(60);
      const ours = OPCODES.flatMap((opcode, byte) => (opcode === undefined ? [] : [{ byte, ...opcode }]));
      expect(ours.map(({ byte, name, since }) => [byte, name, since])).toEqual(
        described
          .map(({ byte, name, since }) => [byte, name, since])
          .sort(([a], [b]) => Number(a) - Number(b)),
      );
      for (const { byte, length } of described) {
        const opcode = OPCODES[byte];
        expect([byte, opcode?.fixed]).toEqual([byte, opcode?.refused || length < 0 ? 0 : length]);
      }
    });

    const refused = described.filter(({ byte }) => OPCODES[byte]?.refused !== undefined);
    it.each(refused.map((opcode) => [opcode.name, opcode] as const))(
      'lets an inspection go on behind %s',
      (name, { byte, length, counts, before, after }) => {
        const waiting = before.map((kind) => ({ mark: '(', stackslice: 'NN' })[kind] ?? 'N').join('');
        const argument =
          length < 0
            ? [...Buffer.from(name === 'INST' ? 'os\nsystem\n' : 'a\n')]
            : [...Array.from({ length }, (_, i) => Number(i === 0)), ...(counts ? [0x61] : [])];
        const end = [[0x4e], [], [0x86]][after.length] ?? [];
        const bytes = [0x80, 5, ...Buffer.from(waiting), byte, ...argument, ...end, 0x2e];
        const { refusals, globals, opcodes } = inspectStream(Uint8Array.from(bytes));
        const offset = 2 + waiting.length;
        expect(refusals.map((refusal) => [refusal.code, refusal.offset])).toEqual([
          ['pickle.opcode-refused', offset],
          ...(name === 'INST' ? [['pickle.global-refused', offset]] : []),
        ]);
        expect(globals.map((global) => global.name)).toEqual(name === 'INST' ? ['os system'] : []);
        expect(new Map(opcodes).get('STOP')).toBe(1);
      },
    );
  },
);
