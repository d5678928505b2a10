// The one look at a directory: from / down to it, by the same walk as for a file, and nothing in it is read.
import { closeSync, readFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { descend, fdWalk, type Method, pathWalk, requireRealProc, type Stop } from './descent.ts';
import { type Mount, mountIdOf, mountOf, mountsBelow } from './mounts.ts';
import type { OwnerPolicy } from './walk.ts';
import { ownerOf, trustedOwners } from './walk.ts';

/** One directory on the way, the last of them the one that was named. */
export interface PassedDirectory {
  readonly uid: number;
  /** Permission, sticky and set-id bits; the group bits hold the mask of an ACL. */
  readonly mode: number;
  /** Device and inode number, decimal, joined by `:`. The same directory under two names shows the same. */
  readonly identity: string;
}

export interface DirectoryFacts {
  readonly method: Method['name'];
  /** False when the path is not absolute or not made of plain names; nothing was looked at then. */
  readonly plainPath: boolean;
  readonly trustedOwners: readonly number[];
  /** From / down, as far as the walk went. */
  readonly passed: readonly PassedDirectory[];
  /** What ended the walk before the directory: a link, nothing, or something that is no directory. */
  readonly stopped?: Stop;
  /** What the directory lies on. Absent where mounts have no names: outside Linux. */
  readonly mount?: Mount;
  /** Where it lies in its own file system: what a bind mount leads to is the same there. */
  readonly place?: Place;
  /** Where what is mounted below it lies. */
  readonly placesBelow?: readonly Place[];
}

interface Place {
  readonly device: string;
  readonly path: string;
}

const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/;

/**
 * Looks at a directory.
 *
 * @param path absolute, without links, `.`, `..` or a trailing slash; not `/`
 * @throws CodedError `file.no-proc`, and system errors (EACCES, EIO): what keeps from looking.
 */
export async function observeDirectory(
  path: string,
  owners: OwnerPolicy = 'self-or-root',
  method: Method = process.platform === 'linux' ? fdWalk : pathWalk,
): Promise<DirectoryFacts> {
  const trust = { method: method.name, trustedOwners: trustedOwners(owners, method) };
  if (!PLAIN_PATH.test(path)) return { ...trust, plainPath: false, passed: [] };
  await lstat(path).catch(() => {}); // a dead network mount hangs whoever touches it first: a thread of the pool
  if (method === fdWalk) requireRealProc();
  const held: number[] = [];
  try {
    const { passed, last, stop } = descend(method, path.split('/').slice(1), [], held);
    const mounters = new Map<bigint, number | undefined>();
    const way = passed.map((seen) => ({
      uid: ownerOf(seen, trust.trustedOwners, mounters),
      mode: Number(seen.stat.mode) & 0o7777,
      identity: `${seen.stat.dev}:${seen.stat.ino}`,
    }));
    const facts = { ...trust, plainPath: true, passed: way };
    if (stop) return { ...facts, stopped: stop };
    if (last.fd === undefined) return facts;
    // By the mount of what is held open: no path is looked up a second time.
    const table = readFileSync('/proc/self/mountinfo', 'utf8');
    const mount = mountOf(table, mountIdOf(last.fd));
    if (!mount) return facts;
    const { device, root, point } = mount;
    const inside = `${root === '/' ? '' : root}${point === '/' ? path : path.slice(point.length)}`;
    const placesBelow = mountsBelow(table, path).map((each) => ({ device: each.device, path: each.root }));
    return { ...facts, mount, place: { device, path: inside === '' ? '/' : inside }, placesBelow };
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

const holds = (outer: string, inner: string): boolean =>
  inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
const meet = (a: Place, b: Place): boolean =>
  a.device === b.device && (holds(a.path, b.path) || holds(b.path, a.path));

/** Whether one directory is the other, lies in it, or shows a part of what it shows, by whatever mounts. */
export function overlap(a: DirectoryFacts, b: DirectoryFacts): boolean {
  const passes = (one: DirectoryFacts, other: DirectoryFacts): boolean =>
    one.passed.some(({ identity }) => identity === other.passed.at(-1)?.identity);
  const places = ({ place, placesBelow = [] }: DirectoryFacts): readonly Place[] =>
    place ? [place, ...placesBelow] : [];
  return passes(a, b) || passes(b, a) || places(a).some((one) => places(b).some((other) => meet(one, other)));
}
