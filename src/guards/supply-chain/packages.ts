// What a lock file pins: package-lock.json of npm, or a requirements file with hashes as pip, uv and pip-audit read it.
import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { type JsonValue, parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';
import { schemaReason } from '../../kernel/schema-reason.ts';

export interface Package {
  readonly ecosystem: 'npm' | 'pypi';
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the tarball, hex, where the lock states it. A package bundled in another one's tarball has none. */
  readonly sha512?: string | undefined;
}

export interface LockedPackage extends Package {
  /** Why nothing pins its bytes. */
  readonly loose?: string | undefined;
}

/** What became of a file's bytes. `why` repeats none of them. */
export type Reading<T> =
  | { readonly kind: 'unread' }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'read'; readonly value: T };

/** Bytes of one lock, SBOM or report. Those of large projects have some MiB. */
export const MAX_DOCUMENT: number = 32 * 1024 * 1024;

/** Reads with `read`; a refusal of ours or of a format's reader becomes why the document is bad. */
export async function reading<T>(
  bytes: Uint8Array | undefined,
  read: (bytes: Uint8Array) => Promise<T> | T,
): Promise<Reading<T>> {
  if (!bytes) return { kind: 'unread' };
  try {
    return { kind: 'read', value: await read(bytes) };
  } catch (error) {
    if (error instanceof StrictJsonError || error instanceof Departure)
      return { kind: 'bad', why: error.message };
    throw error;
  }
}

/** Parses JSON strictly, and holds it against a schema. */
export const parseAs = <T>(bytes: Uint8Array, schema: z.ZodType<T>): T =>
  readAs(parseDocument(bytes), schema);

/** A document that departs from its format. The message repeats nothing of it. */
export class Departure extends Error {}

/** Parses JSON strictly, numbers of any kind. */
export const parseDocument = (bytes: Uint8Array): JsonValue =>
  parseStrictJson(bytes, { maxBytes: MAX_DOCUMENT, maxDepth: 256, fractionAt: () => true });

/** Returns what a schema takes of some JSON. */
export function readAs<T>(json: unknown, schema: z.ZodType<T>): T {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  throw new Departure(schemaReason(schema, error.issues, 'it'));
}

export const packageName = z.string().regex(/^(?:@[\w.~-]{1,214}\/)?[\w.~-]{1,214}$/);
export const versionText = z.string().regex(/^[\w.+!-]{1,256}$/);

const lockFile = z.object({
  lockfileVersion: z.literal([2, 3]),
  packages: z.record(
    z.string().max(4_096),
    z.object({
      name: packageName.optional(),
      version: versionText.optional(),
      resolved: z.string().max(4_096).optional(),
      integrity: z.string().max(4_096).optional(),
      link: z.boolean().optional(),
      inBundle: z.boolean().optional(),
      bundleDependencies: z.union([z.boolean(), z.array(z.string())]).optional(),
    }),
  ),
});

type LockEntry = z.infer<typeof lockFile>['packages'][string];

/** npm writes one digest. Of several it takes a tarball that fits any (W3C Subresource Integrity), of a stronger kind before. */
const SHA512 = /^sha512-([A-Za-z0-9+/]{86}==)$/;

/** npm's own, as locks name it whatever mirror is asked. */
const NPM_REGISTRY = 'https://registry.npmjs.org/';

/** Whether registries keep a package there: npm's and most others, GitLab's, GitHub's. A lock may name any other tarball. */
function isPlaceOf(name: string, version: string, place: string): boolean {
  const tarballs = [name.split('/').at(-1), name].map((stem) => `${name}/-/${stem}-${version}.tgz`);
  const download = `download/${name}/${version}/`;
  return (
    tarballs.includes(place) ||
    (place.startsWith(download) && /^[0-9a-f]{40,64}$/.test(place.slice(download.length)))
  );
}

/** A directory below the lock, in which npm installs nothing: the project's own. */
const isDirectoryOfProject = (path: string): boolean =>
  path.split('/').every((name) => !['', '.', '..', 'node_modules'].includes(name));

/** Whether the tarball of a package above, which the lock pins, brings this one. */
function isBundled(path: string, packages: Readonly<Record<string, LockEntry>>): boolean {
  for (let at = path.lastIndexOf('/node_modules/'); at > 0; at = path.lastIndexOf('/node_modules/', at - 1)) {
    const { bundleDependencies = false, inBundle = false } = packages[path.slice(0, at)] ?? {};
    if (!inBundle && bundleDependencies) return true;
  }
  return false;
}

/** @throws StrictJsonError, Departure. */
export function readNpmLock(
  bytes: Uint8Array,
  registries: readonly string[] = [NPM_REGISTRY],
): readonly LockedPackage[] {
  const { packages } = parseAs(bytes, lockFile);
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '') return []; // the project itself
    const { version = '0.0.0', resolved, integrity, link, inBundle } = entry;
    const isOwn = isDirectoryOfProject(path) && (resolved ?? integrity ?? link ?? inBundle) === undefined;
    const leadsTo =
      link && resolved !== undefined && isDirectoryOfProject(resolved) ? packages[resolved] : undefined;
    if (leadsTo) return []; // it is listed where it lies
    const folder = path.includes('node_modules/')
      ? path.split('node_modules/').at(-1)
      : /(?:^|\/)((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    const name = packageName.safeParse(entry.name ?? folder);
    if (!name.success) throw new Departure('a package without a name');
    const base64 = SHA512.exec(integrity ?? '')?.[1];
    const sha512 = base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
    const looseness = (): string | undefined => {
      if (isOwn) return undefined;
      if (link) return 'is a link out of the project';
      const from = resolved === undefined || registries.find((registry) => resolved.startsWith(registry));
      if (from === undefined) return 'does not come from a registry that is named';
      if (typeof from === 'string' && !isPlaceOf(name.data, version, resolved?.slice(from.length) ?? ''))
        return 'comes from the place of another package or version';
      return sha512 === undefined && !(inBundle && isBundled(path, packages))
        ? 'has no integrity of one sha512'
        : undefined;
    };
    const loose = looseness();
    if (loose === undefined && entry.version === undefined)
      throw new Departure('a package without a version');
    return { ecosystem: 'npm', name: name.data, version, sha512, loose };
  });
}

// PEP 508 and pip's requirements format, as far as a lock needs it: one pinned version a line, with hashes.
const PIN = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[\w,\s.-]*\])?\s*==\s*([\w.+!-]+)\s*(?:;.*)?$/;
const HASHES = /^(?:\s+--hash=\w+:[0-9a-f]+)+$/;

/** PEP 503: runs of "-", "_" and "." are one "-". */
export const pypiName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

/** Options that lines of a lock may be, each alone: behind one of them `-r FILE` and `-e DIRECTORY` would count as well. */
const OPTION = /^--(?:(?:extra-)?index-url|only-binary)(?:=|\s+)[^\s-]\S*$|^--require-hashes$/;
/** Line ends to Python alone; and a line of a coding, which pip obeys, or a comment that seems to go on, which it does not. */
const READ_OTHERWISE = /(?![\t\n\r])\p{Cc}|\r(?!\n)|[\u2028\u2029]|^[^\S\n]*#.*(?:coding[:=]|\\\r?$)/mu;

/** @throws Departure. */
export function readRequirements(bytes: Uint8Array): readonly LockedPackage[] {
  const whole = Buffer.from(bytes).toString();
  if (!isUtf8(bytes) || READ_OTHERWISE.test(whole)) throw new Departure('pip may read other lines in it');
  const text = whole.replaceAll(/\\\r?\n/g, ' ');
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(?:^|\s)#.*$/, '').trim());
  return lines.flatMap((line, index) => {
    if (line === '' || OPTION.test(line)) return [];
    const at = line.search(/\s--hash=/);
    const [, name, version] = PIN.exec(at < 0 ? line : line.slice(0, at)) ?? [];
    const isHashed = at >= 0 && HASHES.test(line.slice(at));
    if (name === undefined || version === undefined || (at >= 0 && !isHashed))
      throw new Departure(`line ${index + 1} pins no version`);
    const loose = isHashed && /--hash=sha(?:256|384|512):/.test(line) ? undefined : 'has no hash';
    return { ecosystem: 'pypi', name: pypiName(name), version, loose };
  });
}
