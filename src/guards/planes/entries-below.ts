// All that lies below a directory, as far as somebody can have meant it: who names a whole file system by mistake gets no list.
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns the entries below a directory, links not followed; `undefined` when there are more than `most`. */
export async function entriesBelow(
  directory: string,
  most: number,
  signal?: AbortSignal,
): Promise<readonly Dirent[] | undefined> {
  const found: Dirent[] = [];
  const folders = [directory];
  for (const folder of folders) {
    signal?.throwIfAborted();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      found.push(entry);
      if (entry.isDirectory()) folders.push(join(folder, entry.name));
    }
    if (found.length > most) return undefined;
  }
  return found;
}
