// Hostile and malformed pickles of our own, by family: names, opcodes, stream structure, and model state. Each says
// which code refuses it; the live ones write a file named `marker` when CPython loads them.
import type { Hostile } from './hostile.ts';
import { HOSTILE_ARRAYS } from './hostile-arrays.ts';
import { HOSTILE_STATES } from './hostile-states.ts';
import { HOSTILE_STREAMS } from './hostile-streams.ts';

export const HOSTILE: readonly Hostile[] = [...HOSTILE_STREAMS, ...HOSTILE_ARRAYS, ...HOSTILE_STATES];
