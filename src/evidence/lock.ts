// One writer per journal. A contender first announces itself in a file named after its identity (host, boot, pid
// namespace, pid, start tick), then looks for others. An identity never comes back, so the file of a dead one can be
// removed without a race, and a reused pid does not look alive.
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, errnoOf } from './coded-error.ts';
import { type ProcessIdentity, processIdentity, startTickOf } from './identity.ts';

const PREFIX = 'lock,';

function fileNameOf({ host, boot, pidNamespace, pid, startTick }: ProcessIdentity): string {
  return `${PREFIX}${[host, boot, pidNamespace, pid, startTick].map(encodeURIComponent).join(',')}`;
}

/** Only what is provably over counts as dead; whatever cannot be judged from here is alive. */
function isDead(name: string, self: ProcessIdentity): boolean {
  // Compared as spelled in the name: a stray name such as `lock,%` cannot be decoded.
  const [host, boot, pidNamespace, pid, startTick, ...rest] = name.slice(PREFIX.length).split(',');
  if (startTick === undefined || rest.length > 0) return false; // not one of ours
  if (host !== encodeURIComponent(self.host) || self.boot === 'unknown') return false; // another machine, shared disk
  if (boot !== self.boot) return true; // this machine, before its last start
  if (pidNamespace !== encodeURIComponent(self.pidNamespace) || startTick === '0') return false; // pid of elsewhere
  return startTickOf(Number(pid)) !== Number(startTick);
}

/**
 * Takes the writer lock of `directory`; returns the function that gives it back.
 *
 * @throws CodedError `journal.locked` after `waitMs` milliseconds.
 */
export async function acquireLock(directory: string, waitMs: number): Promise<() => Promise<void>> {
  const self = processIdentity();
  const own = fileNameOf(self);
  const path = join(directory, own);
  const deadline = Date.now() + waitMs;
  for (;;) {
    let announced = false;
    try {
      await (await open(path, 'wx', 0o600)).close();
      announced = true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error; // EEXIST: this very process already holds it
    }
    if (announced) {
      const rivals = (await readdir(directory)).filter((name) => name.startsWith(PREFIX) && name !== own);
      const live = rivals.filter((name) => !isDead(name, self));
      const dead = rivals.filter((name) => !live.includes(name));
      await Promise.all(dead.map((name) => unlink(join(directory, name)).catch(() => {})));
      if (live.length === 0) return () => unlink(path);
      await unlink(path);
    }
    if (Date.now() >= deadline) {
      throw new CodedError(
        'journal.locked',
        'another process is writing to this journal',
        'Let it finish, or give this process a directory of its own. If no writer is left, remove the lock,* file.',
      );
    }
    await sleep(5 + Math.random() * 45); // jitter, so that two contenders do not step back in step for ever
  }
}
