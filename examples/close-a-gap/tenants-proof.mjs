// The drills of the deployment's guard. The store is laid out by the deployment itself, so that they fail when it leaks.
import { link, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defineProof } from 'agilab-guardrails/drills';
import { tenants } from './tenants.mjs';

/** Where the deployment keeps a file of a tenant, below its store: as the guard expects it. */
export const apart = (tenant, folder, name) => `${tenant}/${folder}/${name}`;

/** Returns the guard's proof for a deployment that places files like this. */
export function tenantsProof(place) {
  const drill = (id, fault, expects, ask, tenant = 'red') => ({
    id,
    fault,
    expects,
    build: async (site) => {
      const store = await realpath(site.directory);
      for (const owner of ['red', 'blue'])
        for (const folder of ['workspace', 'artifacts', 'cache']) {
          const path = join(store, place(owner, folder, `${owner}.bin`));
          await mkdir(dirname(path), { recursive: true, mode: 0o700 });
          await writeFile(path, owner, { mode: 0o600 });
        }
      return { store, tenant, file: await ask(store) };
    },
  });
  const blue = (folder) => place('blue', folder, 'blue.bin');
  return defineProof({
    guard: tenants,
    drills: [
      drill('own', 'none: a file of the tenant', 'allow', () => place('red', 'workspace', 'red.bin')),
      drill('other-workspace', "another tenant's workspace", 'tenants.other-workspace', () =>
        blue('workspace'),
      ),
      drill(
        'asked-by-other',
        'another tenant, for a file of this one',
        'tenants.other-workspace',
        () => place('red', 'workspace', 'red.bin'),
        'blue',
      ),
      drill('other-artifact', "another tenant's artifact", 'tenants.other-artifact', () => blue('artifacts')),
      drill('other-cache', "an entry of another tenant's cache", 'tenants.other-cache', () => blue('cache')),
      drill('linked', "a link to another tenant's workspace", 'tenants.other-workspace', async (store) => {
        await symlink(join(store, blue('workspace')), join(store, 'red/workspace/link'));
        return 'red/workspace/link';
      }),
      drill('missing', 'a file that is not there', 'tenants.nowhere', () => 'red/workspace/nothing'),
      drill('second-name', 'a second name of a file', 'tenants.second-name', async (store) => {
        await link(join(store, blue('workspace')), join(store, 'red/workspace/name'));
        return 'red/workspace/name';
      }),
    ],
  });
}
