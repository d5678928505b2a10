// Writes down a host key at first contact. Only accept-new does this, and only after the host has let us in: a key is
// proven by the exchange, but a host that then refuses us is not worth a line in the file.
import { realpath } from 'node:fs/promises';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { append, openAppend } from '../../evidence/files.ts';
import { acquireLock, type Lock } from '../../evidence/lock.ts';
import { decideHostKey, entriesFor, type HostKey } from './known-hosts.ts';
import { readKnownHosts } from './known-hosts-file.ts';

const LOCK_WAIT_MS = 5_000;

/** Runs `work` while no other process writes, on the file that a link leads to, so that two names of it have one lock. */
async function locked(file: string, work: (path: string) => Promise<void>): Promise<void> {
  let path: string;
  let lock: Lock;
  try {
    path = await realpath(file);
    lock = await acquireLock(`${path}.lock`, LOCK_WAIT_MS, 'known-hosts.locked');
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError(
      'known-hosts.locked',
      `the known_hosts file could not be locked (${errnoOf(error)})`,
      'Make its directory writable by this user.',
    );
  }
  try {
    await work(path);
  } finally {
    await lock.release();
  }
}

/**
 * Appends the key for `name`, durably, unless it is there by now.
 *
 * @throws CodedError `known-hosts.locked`, `known-hosts.unwritable`; `host-key.changed` when somebody else has pinned
 * another key for this host in the meantime.
 */
export async function pinHostKey(file: string, name: string, key: HostKey): Promise<void> {
  await locked(file, async (path) => {
    const { entries, fault } = await readKnownHosts([file]);
    const { verdict } = decideHostKey(key, entriesFor(name, entries));
    if (verdict === 'known') return;
    if (fault || verdict !== 'unknown') {
      const code = fault ? 'known-hosts.unwritable' : 'host-key.changed';
      const message = fault
        ? `known_hosts cannot be used: ${fault.why}`
        : 'another key was pinned in the meantime';
      throw new CodedError(code, message, 'Look at known_hosts before you connect again.');
    }
    try {
      const handle = await openAppend(path);
      try {
        const { size } = await handle.stat();
        const last = Buffer.alloc(1, '\n');
        if (size > 0) await handle.read(last, 0, 1, size - 1);
        const line = `${name} ${key.type} ${key.blob.toString('base64')}\n`;
        await append(handle, Buffer.from(last[0] === 0x0a ? line : `\n${line}`));
      } finally {
        await handle.close();
      }
    } catch (error) {
      const message = `known_hosts could not be written (${errnoOf(error)})`;
      throw new CodedError('known-hosts.unwritable', message, 'Make known_hosts writable by this user.');
    }
  });
}
