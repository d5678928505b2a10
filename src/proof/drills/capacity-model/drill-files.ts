// What drills do to files, with or without root: give them away, or put something else under their names.
import { execFile } from 'node:child_process';
import { chown, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DrillUnavailable } from '../../proof.ts';

const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
/** Any user that is neither root nor us; `nobody` by custom. */
export const SOMEBODY_ELSE = 65_534;

/** Gives a path away, where the system lets us; elsewhere {@link strangers} makes it foreign as it is. */
export async function giveAway(path: string): Promise<void> {
  if (!isRoot) return;
  await chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE).catch(() => {
    throw new DrillUnavailable('Run as a user other than root, or as a root that may chown(2) to uid 65534.');
  });
}
export const strangers: { readonly owners?: 'root' } = isRoot ? {} : { owners: 'root' };

/** Puts a FIFO that nobody writes to under a name. */
export async function mkfifo(path: string): Promise<void> {
  await rm(path, { force: true });
  await run('mkfifo', [path]);
}

/** Moves a file out of its directory, to beside that, and leaves something else under its name. */
export async function moveOut(
  path: string,
  leave: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const outside = join(path, '..', '..', 'outside');
  await rename(path, outside);
  await leave(outside, path);
}
