// data/dependencies.lock.json: one digest over the files of every production package, as they came in its tarball. npm checks a
// tarball when it installs it and never again; this list can be held against what lies on the disk today.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';

export interface LockedDependency {
  /** Below node_modules: `ssh2`, or `a/node_modules/b` where two versions are needed. */
  readonly path: string;
  readonly version: string;
  /** Of the tarball, as in package-lock.json. */
  readonly integrity: string;
  /** Not there on every platform. */
  readonly optional?: boolean | undefined;
  /** May run a script when it is installed. */
  readonly installs?: boolean | undefined;
  /** Beginnings of paths under which that script builds: what lies there came in no tarball, and does not count. */
  readonly builds?: readonly string[] | undefined;
  /** How many files the tarball held. */
  readonly files: number;
  /** SHA-256, hex, over a line for each of them in the order of their paths: path, NUL, SHA-256 of the content, newline. */
  readonly digest: string;
}

export interface DependenciesLock {
  readonly schema: 'agilab.dependencies_lock.v1';
  readonly packages: readonly LockedDependency[];
}

const NAME = String.raw`(?:@[a-z0-9~._-]+\/)?[a-zA-Z0-9~._-]+`;
const path = z.string().regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\0][^\0]{0,1023}$/);

export const dependenciesLock: z.ZodType<DependenciesLock> = z.strictObject({
  schema: z.literal('agilab.dependencies_lock.v1'),
  packages: z
    .array(
      z.strictObject({
        path: z.string().regex(new RegExp(`^${NAME}(?:/node_modules/${NAME})*$`)),
        version: z.string().regex(/^[\w.+-]{1,256}$/),
        integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/),
        optional: z.boolean().optional(),
        installs: z.boolean().optional(),
        builds: z.array(path).max(16).optional(),
        files: z.int().positive(),
        digest: hex64,
      }),
    )
    .min(1)
    .max(10_000)
    .refine((packages) => new Set(packages.map((one) => one.path)).size === packages.length),
});
