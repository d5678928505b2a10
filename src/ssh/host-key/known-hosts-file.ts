// Reads known_hosts files, each opened once and judged on its descriptor: who can write the file can name the host.
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { readBounded } from '../../evidence/files.ts';
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
    const policy = { maxBytes: MAX_BYTES, owner: 'own', forbiddenMode: 0o022, follow: true } as const;
    return { entries: parseKnownHosts((await readBounded(file, policy)).toString('latin1'), file) };
  } catch (error) {
    const code = error instanceof CodedError ? error.code : '';
    if (code === 'read.foreign-owner') return fault('writable', 'owned by another user');
    if (code === 'read.open-mode') return fault('writable', 'writable by group or others');
    if (code.startsWith('read.')) return fault('unreadable', 'not a regular file of bearable size');
    return fault('unreadable', errnoOf(error));
  }
}
