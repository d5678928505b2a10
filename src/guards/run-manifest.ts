// Guards the reading of a run manifest: what it claims about a run is believed only when it is well formed, says pass
// throughout, shows no secret, and every artifact that it lists is there with the very bytes that it states.
import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { parseStrictJson, StrictJsonError } from '../evidence/strict-json.ts';
import { type FileFacts, observeFile } from './file-walk.ts';
import type { Guard, Rule } from './guard.ts';
import { runManifestDrills } from './run-manifest-drills.ts';
import { type ManifestArtifact, type RunManifest, runManifestFormat } from './run-manifest-format.ts';
import { findSecret, isBareSecret } from './secret-patterns.ts';
import { DEFAULT_MAX_BYTES, fileRules } from './trusted-file.ts';

export interface RunManifestRequest {
  /** Absolute path of a directory that this process trusts. */
  readonly root: string;
  /** The manifest, relative to `root`. Its directory is where the artifacts must be. */
  readonly manifest: string;
}

/** What became of the manifest's bytes. `why` repeats none of them. */
type Reading =
  | { readonly kind: 'unread' }
  | { readonly kind: 'not-json' | 'malformed'; readonly why: string }
  | { readonly kind: 'read'; readonly manifest: RunManifest };

/** A file without its content: the digest was taken while it was read, and nobody needs the bytes. */
type Hashed = Omit<FileFacts, 'bytes'>;

interface ArtifactFacts {
  readonly declared: ManifestArtifact;
  /** `undefined` when the path leaves the manifest's directory: then nothing was opened. */
  readonly file: Hashed | undefined;
}

export interface RunManifestFacts {
  readonly file: Hashed;
  readonly reading: Reading;
  readonly artifacts: readonly ArtifactFacts[];
}

/** AGILAB's manifests are a few KiB. */
const MAX_MANIFEST_BYTES = 1_048_576;

/** Where AGILAB writes a Python float; everywhere else a number is an integer. */
const fractionAt = (path: readonly (string | number)[]): boolean =>
  path[0] === 'timing' || (path[0] === 'validations' && path[2] === 'details');

function read(bytes: Uint8Array): Reading {
  let json: unknown;
  try {
    json = parseStrictJson(bytes, { maxBytes: MAX_MANIFEST_BYTES, fractionAt });
  } catch (error) {
    if (error instanceof StrictJsonError) return { kind: 'not-json', why: error.message };
    throw error;
  }
  const { success, data, error } = runManifestFormat.safeParse(json);
  if (success) return { kind: 'read', manifest: data };
  // Kinds and depths only: a key or a value of the file may be a secret.
  const [issue] = error.issues;
  return { kind: 'malformed', why: `${issue?.code ?? 'invalid'} at depth ${issue?.path.length ?? 0}` };
}

/** Returns the artifact's path relative to the manifest's directory, or `undefined` when it leads out of it. */
function inside(directory: string, path: string): string | undefined {
  const prefix = `${directory}/`;
  if (isAbsolute(path) && !path.startsWith(prefix)) return undefined;
  const relative = isAbsolute(path) ? path.slice(prefix.length) : path;
  return relative.split('/').some((step) => step === '' || step === '.' || step === '..')
    ? undefined
    : relative;
}

/** A rule about what the manifest says. A manifest that could not be read is refused by the rules before. */
function says(
  code: string,
  remedy: string,
  wrong: (manifest: RunManifest) => string | false,
): Rule<RunManifestFacts> {
  return { code, remedy, refuses: ({ reading }) => reading.kind === 'read' && wrong(reading.manifest) };
}

/** A rule about each artifact. The reason counts artifacts from 1: their names may hold anything. */
function every(
  code: string,
  remedy: string,
  wrong: (artifact: ArtifactFacts) => string | false,
): Rule<RunManifestFacts> {
  return {
    code,
    remedy,
    refuses: ({ artifacts }) => {
      for (const [index, artifact] of artifacts.entries()) {
        const why = wrong(artifact);
        if (why !== false) return `artifact ${index + 1} ${why}`;
      }
      return false;
    },
  };
}

async function observe(
  { root, manifest: path }: RunManifestRequest,
  signal: AbortSignal,
): Promise<RunManifestFacts> {
  const { bytes, ...file } = await observeFile(root, path, { maxBytes: MAX_MANIFEST_BYTES, signal });
  const reading: Reading = bytes ? read(bytes) : { kind: 'unread' };
  const declared = reading.kind === 'read' ? reading.manifest.artifacts : [];
  const folder = dirname(path);
  const artifacts: ArtifactFacts[] = [];
  // One after the other, so that no more than one artifact is in memory.
  for (const artifact of declared) artifacts.push(await lookAt(artifact));
  return { file, reading, artifacts };

  async function lookAt(artifact: ManifestArtifact): Promise<ArtifactFacts> {
    const below = inside(join(root, folder), artifact.path);
    if (below === undefined) return { declared: artifact, file: undefined };
    const relative = folder === '.' ? below : `${folder}/${below}`;
    const { bytes: _content, ...hashed } = await observeFile(root, relative, {
      maxBytes: DEFAULT_MAX_BYTES,
      signal,
    });
    return { declared: artifact, file: hashed };
  }
}

/** Returns why a file is not to be believed: the first of the rules that every trusted file is held to. */
const FILE_RULES = fileRules<Hashed>('file', (facts) => facts);
function distrust(file: Hashed): string | false {
  for (const rule of FILE_RULES) {
    const why = rule.refuses(file);
    if (why !== false) return why;
  }
  return false;
}

const REWRITE = 'Write the manifest again, as kind agilab.run_manifest, schema_version 1, and nothing more.';
const RERUN = 'Run it again; a manifest is not edited into passing.';
const REDACT =
  'Replace the secret, which counts as leaked, and write the manifest with <redacted> in its place.';
const RESEAL = 'Write the manifest after its artifacts, with size_bytes and sha256 of each.';
const GUARD_FILES =
  'Keep manifest and artifacts as regular files without links, writable by this user and root only (chmod go-w), below a root that is.';
const KEEP_INSIDE = 'Put every artifact below the directory of its manifest.';

const rules: readonly Rule<RunManifestFacts>[] = [
  {
    code: 'run-manifest.untrusted',
    remedy: GUARD_FILES,
    refuses: ({ file }) => distrust(file),
  },
  {
    code: 'run-manifest.not-strict-json',
    remedy: REWRITE,
    refuses: ({ reading }) => reading.kind === 'not-json' && `the manifest is no strict JSON: ${reading.why}`,
  },
  {
    code: 'run-manifest.malformed',
    remedy: REWRITE,
    refuses: ({ reading }) =>
      reading.kind === 'malformed' && `the manifest departs from its format: ${reading.why}`,
  },
  says(
    'run-manifest.unsupported',
    REWRITE,
    ({ kind, schema_version: version }) =>
      (kind !== 'agilab.run_manifest' || version !== 1) && 'the manifest is of another kind or version',
  ),
  says(
    'run-manifest.not-passed',
    RERUN,
    ({ status }) => status !== 'pass' && 'the run did not end with status pass',
  ),
  says(
    'run-manifest.not-validated',
    RERUN,
    ({ validations }) =>
      (validations.length === 0 && 'nothing was validated') ||
      (validations.some(({ status }) => status !== 'pass') && 'a validation did not pass'),
  ),
  says(
    'run-manifest.no-command',
    RERUN,
    ({ command }) => !command.argv[0]?.trim() && 'the command that was run is not named',
  ),
  says(
    'run-manifest.bare-secret',
    REDACT,
    ({ command }) =>
      Object.entries(command.env_overrides).some(([name, value]) => isBareSecret(name, value)) &&
      'an environment variable with the name of a secret shows its value',
  ),
  says('run-manifest.secret-in-text', REDACT, (manifest) => {
    const found = findSecret(manifest);
    return found !== undefined && `the manifest holds what looks like a secret (${found})`;
  }),
  says(
    'run-manifest.no-artifacts',
    RESEAL,
    ({ artifacts }) => artifacts.length === 0 && 'the run left no artifact',
  ),
  every(
    'run-manifest.artifact-outside',
    KEEP_INSIDE,
    ({ file }) => file === undefined && 'lies outside the directory of the manifest',
  ),
  every('run-manifest.artifact-untrusted', GUARD_FILES, ({ file }) => {
    const why = file !== undefined && distrust(file);
    return why !== false && `is not to be believed: ${why}`;
  }),
  every(
    'run-manifest.artifact-undigested',
    RESEAL,
    ({ declared }) => declared.sha256 === undefined && 'has no sha256, so its bytes could be any',
  ),
  every(
    'run-manifest.artifact-size',
    RESEAL,
    ({ declared: { exists, size_bytes: size }, file }) =>
      file !== undefined &&
      !(exists && size === file.file?.size) &&
      'is not of the size that the manifest states',
  ),
  every(
    'run-manifest.artifact-digest',
    RESEAL,
    ({ declared: { sha256 }, file }) =>
      file !== undefined &&
      sha256 !== undefined &&
      sha256 !== file.digest &&
      'holds other bytes than the manifest states',
  ),
];

const granting = Symbol('granted by the run-manifest guard');

/** A manifest that holds: deeply frozen, and every artifact had the stated bytes when it was read. */
export class VerifiedManifest {
  // Private, so the class is nominal: a look-alike object cannot stand in for a grant.
  readonly #manifest: RunManifest;
  /** SHA-256 of the manifest's bytes, lowercase hex. The digest of each artifact is in the manifest. */
  readonly digest: string;

  /** @throws CodedError `run-manifest.not-granted` for everyone but the guard. */
  constructor(key: symbol, manifest: RunManifest, digest: string) {
    if (key !== granting) {
      const remedy = 'Ask the run-manifest guard: enforce(runManifest, request, { journal }).';
      throw new CodedError('run-manifest.not-granted', 'only the guard makes a VerifiedManifest', remedy);
    }
    this.#manifest = deepFreeze(manifest);
    this.digest = digest;
    Object.freeze(this);
  }

  get manifest(): RunManifest {
    return this.#manifest;
  }
}

// The depth is bounded by the parser.
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}

function grant({ reading, file }: RunManifestFacts): VerifiedManifest {
  if (reading.kind !== 'read' || file.digest === undefined) throw new TypeError('a grant needs a manifest');
  return new VerifiedManifest(granting, reading.manifest, file.digest);
}

/** Grants a {@link VerifiedManifest}: the run passed, and its artifacts are the bytes that it left. */
export const runManifest: Guard<RunManifestRequest, RunManifestFacts, VerifiedManifest> = {
  id: 'run-manifest',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({ root: z.string().min(1).max(4_096), manifest: z.string().min(1).max(4_096) }),
  observe,
  rules,
  grant,
  subject: ({ file }) =>
    file.digest === undefined
      ? { kind: 'run-manifest' }
      : { kind: 'run-manifest', digest: `sha256:${file.digest}` },
  drills: runManifestDrills,
};
