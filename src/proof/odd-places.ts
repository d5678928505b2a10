// A temporary directory may have any name, of any length, and lie anywhere. What cannot be built there is no fault of the guard
// that is drilled: it is not built.
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { DrillUnavailable } from './proof.ts';

/** Longest path of a unix socket, in bytes (unix(7)). */
const SOCKET_PATH = 107;

/** Requires that a unix socket can have this path. @throws DrillUnavailable */
export function requireSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= SOCKET_PATH) return;
  throw new DrillUnavailable('Set TMPDIR to a short path, such as /tmp.');
}

/** Requires that a setting may name this directory. @throws DrillUnavailable */
export function requireNoBlank(directory: string): void {
  if (/\s/.test(directory)) throw new DrillUnavailable('Set TMPDIR to a path without blanks, such as /tmp.');
}

/** Requires that everybody may pass what lies above a directory. @throws DrillUnavailable */
export function requireOpenAbove(directory: string): void {
  for (let at = dirname(directory); ; at = dirname(at)) {
    if ((lstatSync(at).mode & 0o001) === 0)
      throw new DrillUnavailable('Set TMPDIR to a directory that everybody may pass, such as /tmp.');
    if (at === '/') return;
  }
}
