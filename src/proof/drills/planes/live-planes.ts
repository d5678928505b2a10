// The request about this very package: its built code, the state directory that it writes evidence to, and payloads that
// run under Node's permission model in a directory of the drill's.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { keyPath } from '../../../evidence/key-store.ts';
import { confinedNode } from '../../../guards/planes/confined-node.ts';
import type { PlanesRequest } from '../../../guards/planes/planes.ts';
import { ownPackage } from '../../own-package.ts';
import type { DrillSite } from '../../proof.ts';

/** Returns the request about this package and the state directory `state`. */
export async function livePlanes(state: string, site: DrillSite): Promise<PlanesRequest> {
  const root = await ownPackage();
  const evidence = await realpath(state);
  const payload = site.directory;
  const code = join(root, 'dist');
  return {
    roots: { control: [code, join(root, 'data')], payload: [payload], evidence: [evidence] },
    keys: [keyPath(evidence)],
    launcher: confinedNode([code], [payload]),
    code: { directory: code, table: join(root, 'data/planes.json') },
  };
}
