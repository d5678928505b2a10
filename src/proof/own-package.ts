// This very package, for drills that ask about it.
import { realpath } from 'node:fs/promises';
import { packageRoot } from '../evidence/identity.ts';
import { DrillUnavailable } from './proof.ts';

/** Returns the real path of this package's folder. @throws DrillUnavailable where its code was bundled and has none. */
export async function ownPackage(): Promise<string> {
  const root = packageRoot();
  if (root === undefined) throw new DrillUnavailable('Run it where the package lies in files of its own.');
  return realpath(root);
}
