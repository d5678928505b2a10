// How the guards of this room read the files that they judge: once, within a bound, and what is wrong with one is a fact.
import { CodedError } from '../evidence/coded-error.ts';
import { readBounded, whyOf } from '../evidence/files.ts';

/** A file as it was read, or the code and sentence that say why it could not be. */
export type Read<Value> =
  | { readonly value: Value; readonly code?: never; readonly why?: never }
  | { readonly code: string; readonly why: string; readonly value?: never };

/** Longest file, in bytes. */
export const MAX_BYTES: number = 16 * 1024 * 1024;

/** Reads a plain file, no link, and parses it. Codes: `unreadable`, and those of `parse`. */
export async function read<Value>(path: string, parse: (bytes: Uint8Array) => Value): Promise<Read<Value>> {
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    return { code: 'unreadable', why: whyOf(error) };
  }
  try {
    return { value: parse(bytes) };
  } catch (error) {
    if (error instanceof CodedError) return { code: error.code, why: error.message };
    throw error;
  }
}
