// Names and calls. A name counts only if it is on the allow-list, a call only with the opcode and arguments listed for it;
// then both are written down. Two spellings of plain data are carried out at once.
import { ENCODE, findAllowed, isUnknown, NO_BYTES, RECONSTRUCTOR, refusedName, UNKNOWN } from './allowed.ts';
import { JOBLIB } from './names/joblib.ts';
import { MADE_BYTES } from './tape.ts';
import { latin1Bytes } from './text.ts';
import { type AllowedGlobal, Dict, Global, Made, Tuple, type Value } from './values.ts';
import type { Workspace } from './workspace.ts';

/** The longest name on the allow-list is far below. */
const LONGEST_NAME = 80;
const GLOBAL_BYTES = 32;
const ENCODED_BYTES = 128;

/** GLOBAL: a module and a name, a line each. */
export function globalLines(m: Workspace): void {
  const module = m.takeAscii(LONGEST_NAME);
  pushGlobal(m, module, m.takeAscii(LONGEST_NAME));
}

/** STACK_GLOBAL: the same, from the stack. */
export function stackGlobal(m: Workspace): void {
  const name = m.popValue();
  const module = m.popValue();
  if (typeof module !== 'string' || typeof name !== 'string')
    m.refuse('pickle.wrong-type', 'a name that is not text');
  pushGlobal(m, module, name);
}

/** Pushes what the name stands for. Throws `pickle.global-refused`. */
export function pushGlobal(m: Workspace, module: string, name: string): void {
  const allowed = findAllowed(module, name);
  m.watcher?.global(module, name, m.offset, allowed !== undefined);
  if (allowed === undefined)
    m.report('pickle.global-refused', `${printable(module, name)} is not on the allow-list`);
  m.push(m.tape.object(new Global(allowed ?? refusedName(module, name)), GLOBAL_BYTES));
}

/** REDUCE and NEWOBJ. */
export function call(m: Workspace, by: 'REDUCE' | 'NEWOBJ'): void {
  const args = m.popValue();
  const callee = m.popValue();
  m.push(m.tape.object(made(m, by, callee, args), MADE_BYTES));
}

function made(m: Workspace, by: 'REDUCE' | 'NEWOBJ', callee: Value, args: Value): Value {
  if (isUnknown(callee)) return new Made(callee.allowed, [], m.offset);
  if (!(callee instanceof Global) || !(args instanceof Tuple))
    m.refuse('pickle.wrong-type', 'a call of what is not a name, or without a tuple of arguments');
  const { allowed } = callee;
  const { items } = args;
  const unknown = items.find(isUnknown);
  if (unknown !== undefined) {
    return new Made(allowed === RECONSTRUCTOR ? unknown.allowed : UNKNOWN, [], m.offset);
  } else if (allowed.by !== by) {
    m.report('pickle.call-refused', `${label(allowed)} is not to be used by ${by}`);
  } else if (!isGivenWhatItTakes(allowed, items)) {
    m.report('pickle.arguments', `${label(allowed)} is given arguments that no real pickler writes`);
  } else if (allowed === ENCODE && typeof items[0] === 'string') {
    return encoded(m, items[0]);
  } else if (allowed === NO_BYTES) {
    m.charge(ENCODED_BYTES);
    return new Uint8Array();
  } else if (allowed === RECONSTRUCTOR && items[0] instanceof Global) {
    m.countObject();
    return new Made(items[0].allowed, [], m.offset);
  } else {
    if (by === 'NEWOBJ' && !JOBLIB.includes(allowed)) m.countObject();
    return new Made(allowed, items, m.offset);
  }
  return new Made(UNKNOWN, [], m.offset);
}

/** Asked for every call of a stream: a function of its own for each is garbage to collect. */
function isGivenWhatItTakes({ takes }: AllowedGlobal, items: readonly Value[]): boolean {
  for (const checks of takes) if (matches(checks, items)) return true;
  return false;
}

function matches(checks: AllowedGlobal['takes'][number], items: readonly Value[]): boolean {
  if (checks.length !== items.length) return false;
  for (let i = 0; i < checks.length; i++) if (checks[i]?.(items[i] ?? null) !== true) return false;
  return true;
}

function encoded(m: Workspace, text: string): Value {
  m.charge(ENCODED_BYTES + text.length);
  return m.require(latin1Bytes(text), 'pickle.bad-text', 'text for bytes holds other characters');
}

/** BUILD: state for the object on top, once, and before anything else refers to it. */
export function build(m: Workspace): void {
  const state = m.popValue();
  const node = m.top();
  const target = m.tape.value(node);
  if (isUnknown(target)) {
    if (target instanceof Made) target.state ??= state;
    return;
  }
  if (!(target instanceof Made)) m.refuse('pickle.wrong-type', 'state is given to what cannot have any');
  const { allowed } = target;
  if (target.state !== undefined) {
    m.report('pickle.second-build', `${label(allowed)} is given state twice`);
    return;
  }
  m.requireUnshared(node);
  const fits =
    allowed.state === 'tuple' ? state instanceof Tuple : takesDict(allowed) && state instanceof Dict;
  if (!fits) m.report('pickle.build-refused', `${label(allowed)} is given state of the wrong kind`);
  target.state = state;
}

const takesDict = ({ state }: AllowedGlobal): boolean => state === 'dict' || state === 'items';

const label = ({ module, name }: AllowedGlobal): string => printable(module, name);

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.]{0,79}$/;

/** A name as text for people, unless it could hold anything but an identifier. */
export function printable(module: string, name: string): string {
  return IDENTIFIER.test(module) && IDENTIFIER.test(name) ? `${module} ${name}` : 'an unprintable name';
}
