// A deployment's own guard: a file of the store goes to the tenant whose it is, and to nobody else. The store has a folder for
// each tenant, and in it `workspace`, `artifacts` and `cache`.
import { lstat, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { defineGuard } from 'agilab-guardrails/guards';
import * as z from 'zod';

/**
 * Finds where a file really lies. `store`: absolute path without links; `tenant`: who asks; `file`: path below the store.
 */
async function observe(request) {
  const { store, file } = request;
  try {
    const real = await realpath(join(store, file));
    const [owner, folder, ...rest] = relative(store, real).split('/');
    const { nlink } = await lstat(real);
    const inside = owner !== '..' && rest.length > 0;
    return inside
      ? { owner, folder, names: nlink, request }
      : { owner: undefined, folder: undefined, names: 0, request };
  } catch {
    return { owner: undefined, folder: undefined, names: 0, request };
  }
}

const foreign = (folder, facts) =>
  facts.owner !== undefined &&
  facts.owner !== facts.request.tenant &&
  facts.folder === folder &&
  `the file lies in the ${folder} of another tenant`;

const remedy = 'Ask for a file of this tenant.';

/** Grants the file that a tenant may open. */
export const tenants = defineGuard({
  id: 'acme/tenants',
  dimension: 'architecture_hardening_gap_register',
  request: z.strictObject({
    store: z.string().regex(/^\/[^\0]{1,4000}$/),
    tenant: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/),
    file: z.string().regex(/^[^/\0][^\0]{0,4000}$/),
  }),
  observe,
  rules: [
    { code: 'tenants.other-workspace', remedy, refuses: (facts) => foreign('workspace', facts) },
    { code: 'tenants.other-artifact', remedy, refuses: (facts) => foreign('artifacts', facts) },
    { code: 'tenants.other-cache', remedy, refuses: (facts) => foreign('cache', facts) },
    {
      code: 'tenants.nowhere',
      remedy: 'Ask for a file that is there.',
      refuses: ({ owner, folder }) =>
        (owner === undefined || !['workspace', 'artifacts', 'cache'].includes(folder ?? '')) &&
        'the file is not there, or in no folder of a tenant',
    },
    {
      code: 'tenants.second-name',
      remedy: 'Copy the file instead of linking it.',
      refuses: ({ names }) => names > 1 && 'the file has another name, which may lie with another tenant',
    },
  ],
  grant: ({ request: { store, tenant, file } }) => Object.freeze({ tenant, path: join(store, file) }),
});
