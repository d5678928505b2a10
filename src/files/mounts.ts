// Which mount an object lies on, and who stands behind the owners that it shows. A FUSE file system says of owners what
// the process that serves it likes, so there the user who mounted it owns everything.
import { readFileSync, statfsSync } from 'node:fs';

/** statfs(2): fuse, fuseblk, and virtiofs, whose server is the host. */
const FUSE_SUPER_MAGIC = 0x65735546;
/** No user has it; the kernel uses it for "no change" (chown(2)). */
const NOBODY_KNOWN = 2 ** 32 - 1;

let overflow: number | undefined;

/**
 * The uid that stands for every user whom this namespace does not map (user_namespaces(7)): for many at once, and for
 * whom, nothing here can tell.
 */
export function overflowUid(): number {
  overflow ??= Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'));
  return overflow;
}

/** The id of the mount that an open descriptor is on (proc_pid_fdinfo(5)). */
export function mountIdOf(fd: number): string {
  const id = /^mnt_id:\t([0-9]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  if (id === undefined) throw new TypeError('a descriptor without a mount');
  return id;
}

/**
 * Returns the user who mounted the FUSE file system that a descriptor is on; `undefined` on every other file system, and
 * on virtiofs, which is a disk.
 */
export function fuseOwner(fd: number): number | undefined {
  if (statfsSync(`/proc/self/fd/${fd}`).type !== FUSE_SUPER_MAGIC) return undefined;
  return mountingUser(readFileSync('/proc/self/mountinfo', 'latin1'), mountIdOf(fd));
}

/** Reads the line of a mount in proc_pid_mountinfo(5): its type, and the option that names who mounted it. */
export function mountingUser(mountinfo: string, id: string): number | undefined {
  const line = mountinfo.split('\n').find((text) => text.startsWith(`${id} `)) ?? '';
  const [, described = ''] = line.split(' - ');
  const [type, , options = ''] = described.split(' ');
  if (type === 'virtiofs') return undefined;
  const user = /(?:^|,)user_id=([0-9]{1,10})(?:,|$)/.exec(options)?.[1];
  return user === undefined ? NOBODY_KNOWN : Number(user);
}

/** One line of proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The directory of that file system which is mounted here: of a bind mount, the one that was bound. */
  readonly root: string;
  readonly point: string;
  /** `ext4`, `nfs4`, `fuse.sshfs`. */
  readonly type: string;
  readonly source: string;
}

/** Blank, tab, newline, backslash and number sign are octal in the table. */
const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Returns the mount of an id; `undefined` where the table has no such line. */
export function mountOf(mountinfo: string, id: string): Mount | undefined {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [found, , device, root, point] = before.split(' ');
    const [type, source] = after.split(' ');
    if (found !== id) continue;
    if (device === undefined || root === undefined || point === undefined || !type || source === undefined)
      return undefined;
    return {
      id,
      device,
      root: unescapeOctal(root),
      point: unescapeOctal(point),
      type,
      source: unescapeOctal(source),
    };
  }
  return undefined;
}
