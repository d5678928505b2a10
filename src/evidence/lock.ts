// One writer per file. A contender first announces itself in a file named after its identity (machine, boot, pid
// namespace, pid, start tick), then looks for others. An identity never comes back, so the file of a dead one can be
// removed without a race, and a reused pid does not look alive.
import { lstatSync } from 'node:fs';
import { open, readdir, rm, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, errnoOf } from './coded-error.ts';
import { lifeOf, type ProcessIdentity, processIdentity } from './identity.ts';

/** A lock that this process holds. */
export interface Lock {
  /** @throws CodedError of the given code when the file that says so is gone: another process may hold the lock by now. */
  requireHeld(code: string): void;
  release(): Promise<void>;
}

// Magic numbers of statfs(2) of file systems that one kernel alone mounts: ext2 to ext4, xfs, btrfs, f2fs, zfs, tmpfs,
// ramfs, overlay. On any other (NFS, CIFS, FUSE, 9p) a machine with a copied machine id may be writing.
const LOCAL = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x858458f6, 0x794c7630,
]);

const isLocal = async (directory: string): Promise<boolean> => LOCAL.has((await statfs(directory)).type);

function suffixOf({ machine, boot, pidNamespace, pid, startTick }: ProcessIdentity): string {
  return [machine, boot, pidNamespace, pid, startTick].map(encodeURIComponent).join(',');
}

/** Only what is provably over is `dead`; `unknown` is a holder that cannot be asked about from here. */
function holderOf(suffix: string, self: ProcessIdentity, local: boolean): 'live' | 'dead' | 'unknown' {
  // Compared as spelled in the name: a stray name such as `lock,%` cannot be decoded.
  const [machine, boot, pidNamespace, pid, startTick, ...rest] = suffix.split(',');
  if (startTick === undefined || rest.length > 0 || self.boot === 'unknown') return 'unknown';
  if (boot !== self.boot) {
    const earlierBoot = local && machine === self.machine && self.machine !== 'unknown';
    return earlierBoot ? 'dead' : 'unknown';
  }
  // The same kernel, but its pids mean nothing in another namespace.
  if (pidNamespace !== encodeURIComponent(self.pidNamespace) || startTick === '0') return 'unknown';
  const life = lifeOf(Number(pid));
  if (life === 'unknown') return 'unknown';
  return life === Number(startTick) ? 'live' : 'dead';
}

function refused(code: string, unknown: boolean): CodedError {
  return unknown
    ? new CodedError(
        code,
        'a lock lies there whose holder cannot be known from here: another machine, container or boot',
        'Look there whether it still runs. If no writer is left, remove the file that begins with the name of the lock.',
      )
    : new CodedError(
        code,
        'another process on this machine is writing',
        'Let it finish, or give this process a place of its own.',
      );
}

function held(file: string): Lock {
  const requireHeld = (code: string): void => {
    try {
      lstatSync(file);
    } catch (error) {
      const message = `the lock file of this process is gone (${errnoOf(error)})`;
      const remedy = 'Find out who removed it, make sure that nobody else is writing, and open it again.';
      throw new CodedError(code, message, remedy, { cause: error });
    }
  };
  // Removing a file that somebody has removed already is no failure of the caller's.
  return { requireHeld, release: () => rm(file, { force: true }) };
}

/**
 * Takes the lock named `path`, for example `/var/lib/x/lock`; its files are called `<path>,<identity>`.
 *
 * @throws CodedError `code` after `waitMs` milliseconds; system errors.
 */
export async function acquireLock(path: string, waitMs: number, code: string): Promise<Lock> {
  const self = processIdentity();
  const directory = dirname(path);
  const prefix = `${basename(path)},`;
  const own = `${prefix}${suffixOf(self)}`;
  const file = join(directory, own);
  const local = await isLocal(directory);
  const deadline = Date.now() + waitMs;
  for (;;) {
    let announced = false;
    let unknown = false;
    try {
      await (await open(file, 'wx', 0o600)).close();
      announced = true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error; // EEXIST: this very process already holds it
    }
    if (announced) {
      const rivals = (await readdir(directory)).filter((name) => name.startsWith(prefix) && name !== own);
      const states = rivals.map((name) => holderOf(name.slice(prefix.length), self, local));
      const dead = rivals.filter((_name, index) => states[index] === 'dead');
      await Promise.all(dead.map((name) => unlink(join(directory, name)).catch(() => {})));
      if (dead.length === rivals.length) return held(file);
      unknown = states.includes('unknown');
      await unlink(file);
    }
    if (Date.now() >= deadline) throw refused(code, unknown);
    await sleep(5 + Math.random() * 45); // jitter, so that two contenders do not step back in step for ever
  }
}
