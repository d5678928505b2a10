// Numbers and text as pickles spell them. Each grammar is exactly what Python's own pickler writes: no spaces, no
// underscores, no second way to say the same thing. `undefined` means "not that".
import { Buffer, isAscii as isAsciiText } from 'node:buffer';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Below this a loop is faster than a call of the engine. */
const SHORT = 256;

export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > SHORT) return isAsciiText(bytes.subarray(start, end));
  let all = 0;
  for (let i = start; i < end; i++) all |= bytes[i] as number;
  return all < 0x80;
}

/** Returns UTF-8 as text. Lone surrogates are refused: no model needs them, and they do not survive printing. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns plain ASCII as text. Names of modules, classes and numbers are never anything else. */
export function asciiText(bytes: Buffer, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte > 0x7e) return undefined;
  }
  return bytes.toString('latin1', start, end);
}

const BACKSLASH = 0x5c;
const DIGITS = /^[0-9a-f]+$/;

/**
 * Returns text in Python's raw-unicode-escape, as protocol 0 writes it: a backslash always starts an escape. Whole
 * arrays come in this form, so it is decoded into one block of UTF-16 and not piece by piece.
 */
export function rawUnicodeEscape(bytes: Buffer, start: number, end: number): string | undefined {
  const units = Buffer.allocUnsafe(2 * (end - start));
  let length = 0;
  let at = start;
  while (at < end) {
    let code = bytes[at++] ?? 0;
    if (code === BACKSLASH) {
      const digits = bytes[at] === 0x75 ? 4 : bytes[at] === 0x55 ? 8 : 0; // u or U
      const hex = bytes.toString('latin1', at + 1, Math.min(at + 1 + digits, end));
      if (hex.length !== digits || !DIGITS.test(hex)) return undefined;
      code = Number.parseInt(hex, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      at += 1 + digits;
    }
    if (code > 0xffff) {
      length = units.writeUInt16LE(0xd7c0 + (code >> 10), length);
      code = 0xdc00 + (code & 0x3ff);
    }
    length = units.writeUInt16LE(code, length);
  }
  return units.toString('utf16le', 0, length);
}

/** Returns text as Latin-1 bytes, or `undefined` where a character has none. */
export function latin1Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

const DECIMAL = /^(?:0|-?[1-9][0-9]*)$/;
const FLOAT = /^-?(?:inf|[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]{2,3})?)$/;

/** Returns a decimal integer: a number, or a bigint where a number could not hold it exactly. */
export function decimal(text: string): number | bigint | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** Returns what Python's `repr` of a float says. */
export function float(text: string): number | undefined {
  if (text === 'nan') return Number.NaN;
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text.replace('inf', 'Infinity'));
  return Number.isFinite(value) || text.endsWith('inf') ? value : undefined; // 1e999 is an error in Python
}

/** Returns a little-endian two's complement integer. An empty one is 0. */
export function twosComplement(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(8 * bytes.length, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
