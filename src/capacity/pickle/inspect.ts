// A look at a stream that never throws: what it is written with, which names it mentions, and everything it would be
// refused for. It is the same machine on the same pass; a second parser could be told another story.
import { printable } from './calls.ts';
import { Machine } from './machine.ts';
import { OPCODES } from './opcodes.ts';
import { PickleRefusal } from './refusal.ts';
import type { Value } from './values.ts';
import type { Watcher } from './workspace.ts';

export interface NamedGlobal {
  /** `module name`, or a fixed phrase where it is not a plain identifier. */
  readonly name: string;
  /** First byte of the opcode that named it first. */
  readonly offset: number;
  readonly times: number;
  readonly allowed: boolean;
}

export interface ListedRefusal {
  readonly code: string;
  readonly offset: number;
  readonly reason: string;
  readonly remedy: string;
}

export interface PickleInspection {
  readonly bytes: number;
  readonly protocol: number;
  /** Whether it holds arrays in joblib's layout. */
  readonly joblib: boolean;
  /** Opcode name and how often it was read, most frequent first. */
  readonly opcodes: readonly (readonly [name: string, count: number])[];
  readonly globals: readonly NamedGlobal[];
  readonly refusals: readonly ListedRefusal[];
  /** What the strict pass stops at; absent when nothing was refused. */
  readonly stopped: PickleRefusal | undefined;
  /** The decoded value when nothing was refused. */
  readonly value: Value | undefined;
}

/** Enough to see what a stream is up to; a hostile one could list millions. */
const MOST_LISTED = 1000;

/** Returns opcode counts, names and refusals in stream order. Never throws for any bytes; `most` as for a reader. */
export function inspectStream(bytes: Uint8Array, most?: number): PickleInspection {
  const globals = new Map<string, { name: string; offset: number; times: number; allowed: boolean }>();
  const refusals: ListedRefusal[] = [];
  let stopped: PickleRefusal | undefined;
  const note = (refusal: PickleRefusal): void => {
    const { code, offset, message: reason, remedy } = refusal;
    stopped ??= refusal;
    if (refusals.length >= MOST_LISTED) throw refusal; // ends the pass: an error per byte would take minutes
    refusals.push(Object.freeze({ code, offset, reason, remedy }));
  };
  const watcher: Watcher = {
    global(module, name, offset, allowed) {
      const label = printable(module, name);
      const known = globals.get(label);
      if (known) known.times++;
      else if (globals.size < MOST_LISTED) globals.set(label, { name: label, offset, times: 1, allowed });
    },
    refusal: note,
  };
  let machine: Machine | undefined;
  let value: Value | undefined;
  try {
    machine = new Machine(bytes, watcher, most);
    value = machine.run();
  } catch (error) {
    if (!(error instanceof PickleRefusal)) throw error;
    if (refusals.length < MOST_LISTED) note(error);
  }
  const counted = [...(machine?.counts ?? [])].flatMap((count, byte): [string, number][] => {
    const name = OPCODES[byte]?.name;
    return count > 0 && name !== undefined ? [[name, count]] : [];
  });
  counted.sort(([, a], [, b]) => b - a);
  return Object.freeze({
    bytes: bytes.length,
    protocol: machine?.protocolAt(0) ?? 0,
    joblib: machine?.joblib ?? false,
    opcodes: Object.freeze(counted),
    globals: Object.freeze([...globals.values()].map((entry) => Object.freeze(entry))),
    refusals: Object.freeze(refusals),
    stopped,
    value: refusals.length === 0 ? value : undefined,
  });
}
