// Where files can be laid out that a guard should trust. Not every account and not every temporary directory has such a
// place, and a drill that cannot be built there is no fault of the guard. Judged here by lstat alone, apart from the walk
// that is drilled.
import { lstatSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DrillSite, DrillUnavailable } from './proof.ts';

/** The uid that stands for every user whom a user namespace does not map (user_namespaces(7)). */
function isNobody(uid: number): boolean {
  try {
    return uid === Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'));
  } catch {
    return false; // no such kernel
  }
}

/** Returns the real path of a drill's directory. @throws DrillUnavailable where nothing below it can be trusted. */
export async function trustedDirectory(site: DrillSite): Promise<string> {
  const directory = site.directory;
  const self = process.geteuid?.() ?? 0;
  if (isNobody(self))
    throw new DrillUnavailable('Run the drills as an account of their own: this one stands for anybody.');
  for (let at = dirname(directory); ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at);
    const sticky = uid === 0 && (mode & 0o1000) !== 0;
    if ((uid !== 0 && uid !== self) || ((mode & 0o022) !== 0 && !sticky))
      throw new DrillUnavailable(
        'Set TMPDIR to a directory that only root and this account can write to, from / down.',
      );
    if (at === '/') return directory;
  }
}
