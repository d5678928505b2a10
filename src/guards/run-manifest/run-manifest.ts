// Guards the reading of a run manifest: what it claims about a run is believed only when it is well formed, says pass
// throughout, shows no secret, and every artifact that it lists is there with the very bytes that it states.
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';
import { DEFAULT_MAX_BYTES } from '../../files/open.ts';
import { observeFile } from '../../files/walk.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { type ManifestArtifact, type RunManifest, runManifestFormat } from './run-manifest-format.ts';
import {
  type ArtifactFacts,
  type Reading,
  type RunManifestFacts,
  runManifestRules,
} from './run-manifest-rules.ts';

export interface RunManifestRequest {
  /** Absolute path of a directory that this process trusts. */
  readonly root: string;
  /** The manifest, relative to `root`. Its directory is where the artifacts must be. */
  readonly manifest: string;
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

/** A manifest that holds: deeply frozen, and every artifact had the stated bytes when it was read. */
export interface VerifiedManifest {
  readonly manifest: RunManifest;
  /** SHA-256 of the manifest's bytes, lowercase hex. The digest of each artifact is in the manifest. */
  readonly digest: string;
}

function grant({ reading, file }: RunManifestFacts): VerifiedManifest {
  if (reading.kind !== 'read' || file.digest === undefined) throw new TypeError('a grant needs a manifest');
  return Object.freeze({ manifest: deepFreeze(structuredClone(reading.manifest)), digest: file.digest });
}

/** Grants a {@link VerifiedManifest}: the run passed, and its artifacts are the bytes that it left. */
export const runManifest: Guard<RunManifestRequest, VerifiedManifest> = defineHouseGuard({
  id: 'run-manifest',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({ root: z.string().min(1).max(4_096), manifest: z.string().min(1).max(4_096) }),
  observe,
  rules: runManifestRules,
  grant,
  subject: ({ file }) =>
    file.digest === undefined
      ? { kind: 'run-manifest' }
      : { kind: 'run-manifest', digest: `sha256:${file.digest}` },
  method: ({ file }) => file.method,
});
