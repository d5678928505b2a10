// Writes down a host key at first contact. Only accept-new does this, and only after the host has let us in: a key is
// proven by the exchange, but a host that then refuses us is not worth a line in the file.
import { open, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { decideHostKey, entriesFor, type HostKey } from './known-hosts.ts';
import { readKnownHosts } from './known-hosts-file.ts';

const LOCK_WAIT_MS = 5_000;

async function locked<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      await (await open(lock, 'wx', 0o600)).close();
      break;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && Date.now() < deadline) {
        await sleep(20 + Math.random() * 30);
        continue;
      }
      throw new CodedError(
        'known-hosts.locked',
        `the known_hosts file could not be locked (${errnoOf(error)})`,
        'Another process is pinning a key; if none is, remove the .lock file beside known_hosts.',
      );
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/**
 * Appends the key for `name`, durably, unless it is there by now.
 *
 * @throws CodedError `known-hosts.locked`, `known-hosts.unwritable`; `host-key.changed` when somebody else has pinned
 * another key for this host in the meantime.
 */
export async function pinHostKey(file: string, name: string, key: HostKey): Promise<void> {
  await locked(file, async () => {
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
      const handle = await open(file, 'a+');
      try {
        const { size } = await handle.stat();
        const last = Buffer.alloc(1, '\n');
        if (size > 0) await handle.read(last, 0, 1, size - 1);
        const line = `${name} ${key.type} ${key.blob.toString('base64')}\n`;
        await handle.appendFile(last[0] === 0x0a ? line : `\n${line}`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      const message = `known_hosts could not be written (${errnoOf(error)})`;
      throw new CodedError('known-hosts.unwritable', message, 'Make known_hosts writable by this user.');
    }
  });
}
