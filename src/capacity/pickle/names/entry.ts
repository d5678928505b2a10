// How an entry of the allow-list is written, and what an argument may be.
import {
  type AllowedGlobal,
  ByteArray,
  type Check,
  Float,
  Global,
  isMade,
  Tuple,
  type Value,
} from '../values.ts';

export const text: Check = (value) => typeof value === 'string';
export const whole: Check = (value) => Number.isSafeInteger(value) || typeof value === 'bigint';
export const bytes: Check = (value) => value instanceof Uint8Array;
export const buffer: Check = (value) => value instanceof ByteArray || bytes(value);
export const tuple: Check = (value) => value instanceof Tuple;
export const float: Check = (value) => value instanceof Float;
export const noItems: Check = (value) => value instanceof Tuple && value.items.length === 0;
export const oneFloat: Check = (value) =>
  value instanceof Tuple && value.items.length === 1 && value.items[0] instanceof Float;
export const oneOf =
  (...expected: readonly Value[]): Check =>
  (value) =>
    expected.includes(value);
export const exactly =
  (expected: Value): Check =>
  (value) =>
    value === expected;
export const named =
  (module: string, name: string): Check =>
  (value) =>
    value instanceof Global && value.allowed.module === module && value.allowed.name === name;
export const instance =
  (module: string, name: string): Check =>
  (value) =>
    isMade(value, module, name);

type State = AllowedGlobal['state'];
export const OBJECT: string =
  'an inert record here; its state is read key by key against a list, its methods do not exist';

/** A function that REDUCE applies; each of `takes` is one list of arguments that it may be given. */
export const call = (
  module: string,
  name: string,
  state: State,
  why: string,
  ...takes: Check[][]
): AllowedGlobal => ({ module, name, by: 'REDUCE', takes, state, why });

/** A class that NEWOBJ makes an empty object of. */
export const object = (
  module: string,
  name: string,
  state: State = 'dict',
  why: string = OBJECT,
): AllowedGlobal => ({ module, name, by: 'NEWOBJ', takes: [[]], state, why });

/** A name that is only ever handed to another call, or kept. */
export const argument = (module: string, name: string, why: string): AllowedGlobal => ({
  module,
  name,
  by: 'argument',
  takes: [],
  state: 'none',
  why,
});
