// The allow-list: every (module, name) pair that a scikit-learn regressor's pickle may mention, the one opcode that
// may apply it, its arguments, its state, and why it is harmless. What is not here is refused.
import { argument, call, exactly, named, text } from './names/entry.ts';
import { JOBLIB } from './names/joblib.ts';
import { LOSSES } from './names/losses.ts';
import { NUMPY } from './names/numpy.ts';
import { SKLEARN } from './names/sklearn.ts';
import { type AllowedGlobal, Global, Made, type Value } from './values.ts';

/** `_codecs encode`: how protocols 0 to 2 spell bytes. Carried out here: Latin-1 text to bytes is plain data. */
export const ENCODE: AllowedGlobal = call(
  '_codecs',
  'encode',
  'none',
  'turns Latin-1 text into bytes, and only with that codec: others run registered code',
  [text, exactly('latin1')],
);

/** `copy_reg _reconstructor`: how protocols 0 and 1 spell NEWOBJ. Carried out here as exactly that. */
export const RECONSTRUCTOR: AllowedGlobal = call(
  'copy_reg',
  '_reconstructor',
  'none',
  'makes an empty object of an allow-listed class, as NEWOBJ does',
  [
    (cls) => cls instanceof Global && cls.allowed.by === 'NEWOBJ',
    named('__builtin__', 'object'),
    exactly(null),
  ],
);

/** `__builtin__ bytes`: how protocols 0 to 2 spell bytes of length 0. Carried out here. */
export const NO_BYTES: AllowedGlobal = call('__builtin__', 'bytes', 'none', 'makes empty bytes', []);

const spelling: readonly AllowedGlobal[] = [
  ENCODE,
  RECONSTRUCTOR,
  NO_BYTES,
  argument('__builtin__', 'object', 'the base class that _reconstructor is always given'),
];

/** Every allow-listed name with the reason why it is harmless. */
export const ALLOWED: readonly AllowedGlobal[] = [...SKLEARN, ...NUMPY, ...LOSSES, ...JOBLIB, ...spelling];

/** Stands for a refused name while an inspection goes on, so that later refusals are found too. */
export function refusedName(module: string, name: string): AllowedGlobal {
  const why = 'never part of a value that leaves the machine';
  return { module, name, by: 'refused', takes: [], state: 'none', why };
}

/** Stands for what a refused opcode would have made. */
export const UNKNOWN: AllowedGlobal = refusedName('', '');

/** Returns whether a value is a stand-in for what was refused. Only an inspection ever holds one. */
export function isUnknown(value: Value): value is Made | Global {
  return (value instanceof Made || value instanceof Global) && value.allowed.by === 'refused';
}

const byModule = new Map<string, Map<string, AllowedGlobal>>();
for (const allowed of ALLOWED) {
  const names = byModule.get(allowed.module) ?? new Map<string, AllowedGlobal>();
  byModule.set(allowed.module, names.set(allowed.name, allowed));
}
/** The same list, by module and then by name. */
export const BY_MODULE: ReadonlyMap<string, ReadonlyMap<string, AllowedGlobal>> = byModule;

/** Returns the entry for a pair that is on the list. */
export function requireAllowed(module: string, name: string): AllowedGlobal {
  const allowed = findAllowed(module, name);
  if (allowed === undefined) throw new TypeError(`${module} ${name} is not on the allow-list`);
  return allowed;
}

/** Returns the entry for this pair, or `undefined`. Both halves must match on their own. */
export function findAllowed(module: string, name: string): AllowedGlobal | undefined {
  return BY_MODULE.get(module)?.get(name);
}
