// SHA-256 as text, the form in which records, seals and locks name what they are about.
import { hash } from 'node:crypto';

/** Returns the SHA-256 of some bytes, or of a text in UTF-8, as 64 lowercase hex digits. */
export const sha256Hex = (data: string | Uint8Array): string => hash('sha256', data, 'hex');
