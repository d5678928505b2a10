// Files that are there to be too large.
import { truncate } from 'node:fs/promises';

/** Makes of a file one of `size` zeros, which take no room on the disk and no time to read. */
export async function hollowOut(path: string, size: number): Promise<void> {
  await truncate(path, 0);
  await truncate(path, size);
}
