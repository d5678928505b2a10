// Times as people write them for a command: RFC 3339, of which everybody reads the same moment, or a day in UTC. What
// Date.parse takes beside that depends on the time zone of the machine, or is a guess.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';

const written = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** Returns a time as it is kept: RFC 3339, UTC. @throws CodedError `usage`. */
export function timeOf(text: string): string {
  if (written.safeParse(text).success) return new Date(text).toISOString();
  throw new CodedError('usage', 'a time cannot be read', 'Write it as 2030-01-31T12:00:00Z.');
}
