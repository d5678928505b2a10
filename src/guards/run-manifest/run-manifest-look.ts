// The one look at a run: one walk over the directory of its manifest hashes everything there, and manifest and seal are
// read from that same walk.
import { isAbsolute, join } from 'node:path';
import { CodedError } from '../../evidence/coded-error.ts';
import { MAX_ENVELOPE_BYTES } from '../../evidence/dsse.ts';
import { parseVerifierKey } from '../../evidence/keys.ts';
import { parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';
import { DEFAULT_MAX_BYTES } from '../../files/open.ts';
import { observeTree, type TreeFacts } from '../../files/tree.ts';
import type { FileFacts } from '../../files/walk.ts';
import { schemaReason } from '../../kernel/schema-reason.ts';
import { type ManifestArtifact, type RunManifest, runManifestFormat } from './run-manifest-format.ts';
import {
  MAX_SEAL_BYTES,
  MAX_SEALED_FILES,
  readSeal,
  type Seal,
  sealName,
  signatureName,
  signersOf,
} from './seal-format.ts';

export interface RunManifestRequest {
  /** Absolute path of a directory that this process trusts. */
  readonly root: string;
  /** The manifest, relative to `root`. Its directory is where the artifacts must be. */
  readonly manifest: string;
  /** Verifier keys, `name+hash+base64`. One of them must have signed the seal. */
  readonly keys?: readonly string[] | undefined;
  /** SHA-256 of strings that look like secrets and are known to be none, as `manifest seal` prints them. */
  readonly acknowledged?: readonly string[] | undefined;
}

/** A file without its content: the digest was taken while it was read, and nobody needs the bytes. */
export type Hashed = Omit<FileFacts, 'bytes'>;

/** What became of a file's bytes. `why` repeats none of them. */
export type Reading<Content> =
  | { readonly kind: 'unread' }
  | { readonly kind: 'not-json' | 'malformed'; readonly why: string }
  | { readonly kind: 'read'; readonly content: Content };

export interface ArtifactFacts {
  readonly declared: ManifestArtifact;
  /** Below the directory of the manifest; `undefined` when the path leaves it. */
  readonly path: string | undefined;
  /** `undefined` as well then. A directory has no `file` in it. */
  readonly found: Hashed | undefined;
}

export interface FoundFile {
  readonly path: string;
  readonly facts: Hashed;
}

export interface RunManifestFacts {
  /** The directory of the manifest. */
  readonly place: Hashed;
  readonly complete: boolean;
  readonly manifest: FoundFile;
  readonly reading: Reading<RunManifest>;
  readonly seal: FoundFile;
  readonly sealReading: Reading<Seal>;
  /** Verifier keys of the request that signed the seal; `undefined` when the request names none. */
  readonly signers: readonly string[] | undefined;
  readonly artifacts: readonly ArtifactFacts[];
  /** Everything else below the directory, directories included. */
  readonly found: readonly FoundFile[];
  readonly acknowledged: readonly string[];
}

/** AGILAB's manifests are a few KiB. */
const MAX_MANIFEST_BYTES = 1_048_576;

/** Where AGILAB writes a Python float; everywhere else a number is an integer. */
const fractionAt = (path: readonly (string | number)[]): boolean =>
  path[0] === 'timing' || (path[0] === 'validations' && path[2] === 'details');

/** Returns what the bytes say, as {@link runManifestFormat}. */
function readRunManifest(bytes: Uint8Array): Reading<RunManifest> {
  let json: unknown;
  try {
    json = parseStrictJson(bytes, { maxBytes: MAX_MANIFEST_BYTES, fractionAt });
  } catch (error) {
    if (error instanceof StrictJsonError) return { kind: 'not-json', why: error.message };
    throw error;
  }
  const { success, data, error } = runManifestFormat.safeParse(json);
  if (success) return { kind: 'read', content: data };
  // Names of the format only: a key or a value of the file may be a secret.
  return { kind: 'malformed', why: schemaReason(runManifestFormat, error.issues, 'it') };
}

function readSealed(bytes: Uint8Array): Reading<Seal> {
  try {
    return { kind: 'read', content: readSeal(bytes) };
  } catch (error) {
    if (error instanceof CodedError || error instanceof StrictJsonError)
      return { kind: 'malformed', why: error.message };
    throw error;
  }
}

/** Returns the path of an artifact below the manifest's directory, or `undefined` when it leads out of it. */
function inside(directory: string, path: string): string | undefined {
  const prefix = `${directory}/`;
  if (isAbsolute(path) && !path.startsWith(prefix)) return undefined;
  const relative = isAbsolute(path) ? path.slice(prefix.length) : path;
  return relative.split('/').some((name) => name === '' || name === '.' || name === '..')
    ? undefined
    : relative;
}

/** Takes the facts of each path out of a walk, without the bytes. */
function lookUp({ place, entries }: TreeFacts): (path: string) => Hashed {
  const found = new Map(entries.map(({ path, facts: { bytes: _bytes, ...hashed } }) => [path, hashed]));
  const missing: Hashed =
    place.stopped || !place.plainPath ? place : { ...place, stopped: { at: 'file', kind: 'missing' } };
  return (path) => found.get(path) ?? missing;
}

/** The only look. Everything of the run that could be judged later is hashed in it. */
export async function observeRun(
  { root, manifest: path, keys, acknowledged = [] }: RunManifestRequest,
  signal: AbortSignal,
): Promise<RunManifestFacts> {
  const folder = path.split('/');
  const name = folder.pop() ?? '';
  const own = [name, sealName(name), signatureName(name)] as const;
  const tree = await observeTree(root, folder, {
    keep: new Map([
      [own[0], MAX_MANIFEST_BYTES],
      [own[1], MAX_SEAL_BYTES],
      [own[2], MAX_ENVELOPE_BYTES],
    ]),
    maxEntries: MAX_SEALED_FILES,
    maxDepth: 32,
    maxFileBytes: DEFAULT_MAX_BYTES,
    maxTotalBytes: 16 * DEFAULT_MAX_BYTES,
    signal,
  });
  const content = new Map(tree.entries.map(({ path: at, facts }) => [at, facts.bytes]));
  const at = lookUp(tree);
  const [manifestBytes, sealBytes, signature] = own.map((file) => content.get(file));
  const reading = manifestBytes ? readRunManifest(manifestBytes) : { kind: 'unread' as const };
  const seal = { path: own[1], facts: at(own[1]) };
  const { digest } = seal.facts;
  const pinned = keys?.map(parseVerifierKey);
  const signers = signature && digest !== undefined && pinned ? signersOf(signature, digest, pinned) : [];
  const declared = reading.kind === 'read' ? reading.content.artifacts : [];
  const directory = join(root, ...folder);
  return {
    place: tree.place,
    complete: tree.complete,
    manifest: { path: name, facts: at(name) },
    reading,
    seal,
    sealReading: sealBytes ? readSealed(sealBytes) : { kind: 'unread' },
    signers: keys && signers.map(({ vkey }) => vkey),
    artifacts: declared.map((artifact) => {
      const below = inside(directory, artifact.path);
      return { declared: artifact, path: below, found: below === undefined ? undefined : at(below) };
    }),
    found: tree.entries
      .filter(({ path: entry }) => !own.includes(entry))
      .map(({ path: entry }) => ({ path: entry, facts: at(entry) })),
    acknowledged,
  };
}
