// Every reason not to believe a run manifest, over what one look at it and at its artifacts found.

import { fileRules } from '../../files/rules.ts';
import type { FileFacts } from '../../files/walk.ts';
import type { Rule } from '../../kernel/guard.ts';
import { findSecret, isBareSecret } from '../secret-patterns.ts';
import type { ManifestArtifact, RunManifest } from './run-manifest-format.ts';

/** What became of the manifest's bytes. `why` repeats none of them. */
export type Reading =
  | { readonly kind: 'unread' }
  | { readonly kind: 'not-json' | 'malformed'; readonly why: string }
  | { readonly kind: 'read'; readonly manifest: RunManifest };

/** A file without its content: the digest was taken while it was read, and nobody needs the bytes. */
type Hashed = Omit<FileFacts, 'bytes'>;

export interface ArtifactFacts {
  readonly declared: ManifestArtifact;
  /** `undefined` when the path leaves the manifest's directory: then nothing was opened. */
  readonly file: Hashed | undefined;
}

export interface RunManifestFacts {
  readonly file: Hashed;
  readonly reading: Reading;
  readonly artifacts: readonly ArtifactFacts[];
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

const FILE_RULES = fileRules<Hashed>('file', (facts) => facts);

/** Returns why a file is not to be believed: the first of the rules that every trusted file is held to. */
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

export const runManifestRules: readonly Rule<RunManifestFacts>[] = [
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
