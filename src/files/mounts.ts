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

/** Returns every mount of the table, later ones over earlier ones. What is no line of it is left out. */
function mountsIn(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap((line): readonly Mount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [id, , device, root, point] = before.split(' ');
    const [type, source] = after.split(' ');
    if (!id || device === undefined || root === undefined || point === undefined) return [];
    if (!type || source === undefined) return [];
    const [under, at, from] = [root, point, source].map(unescapeOctal) as [string, string, string];
    return [{ id, device, root: under, point: at, type, source: from }];
  });
}

/** Returns the mount of an id; `undefined` where the table has no such line. */
export const mountOf = (mountinfo: string, id: string): Mount | undefined =>
  mountsIn(mountinfo).find((mount) => mount.id === id);

/** Returns what is mounted below a directory, hidden mounts too. */
export const mountsBelow = (mountinfo: string, path: string): readonly Mount[] =>
  mountsIn(mountinfo).filter(({ point }) => point.startsWith(`${path}/`));
