// Reads known_hosts files, each opened once and judged on its descriptor: who can write the file can name the host.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../evidence/coded-error.ts';
import { type KnownHost, parseKnownHosts } from './known-hosts.ts';

/** Far above any real file; a bigger one is a mistake or an attempt to exhaust this process. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What was found in the files, with the reason why one of them must not be used, if there is any. */
export interface KnownHostsLook {
  readonly entries: readonly KnownHost[];
  /** `unreadable`: ENOENT and the like, or no regular file of bearable size. `writable`: not this user's alone. */
  readonly fault?: { readonly kind: 'unreadable' | 'writable'; readonly why: string };
}

/** Returns the entries of all `files` in order, or the first fault. A file that is missing is a fault, not an empty file. */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHostsLook> {
  const entries: KnownHost[] = [];
  for (const file of files) {
    const look = await readOne(file);
    if (look.fault) return look;
    entries.push(...look.entries);
  }
  return { entries };
}

async function readOne(file: string): Promise<KnownHostsLook> {
  const fault = (kind: 'unreadable' | 'writable', why: string): KnownHostsLook => ({
    entries: [],
    fault: { kind, why },
  });
  try {
    // O_NONBLOCK: a FIFO in the place of the file must not hold the connection up for ever.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > MAX_BYTES)
        return fault('unreadable', 'not a regular file of bearable size');
      const trusted = stat.uid === 0 || stat.uid === process.geteuid?.();
      if (!trusted) return fault('writable', 'owned by another user');
      if ((stat.mode & 0o022) !== 0) return fault('writable', 'writable by group or others');
      return { entries: parseKnownHosts(await handle.readFile('latin1'), file) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return fault('unreadable', errnoOf(error));
  }
}
