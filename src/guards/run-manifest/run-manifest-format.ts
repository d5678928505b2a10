// AGILAB's run_manifest.json as it lies on disk: kind agilab.run_manifest, schema_version 1. Its own reader defaults
// and converts whatever is missing or odd; here every key is required, nothing else is known and no type is bent.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';

export interface ManifestArtifact {
  readonly name: string;
  /** Relative to the manifest's directory, or absolute inside it. */
  readonly path: string;
  readonly kind: string;
  readonly exists: boolean;
  readonly size_bytes: number | null;
  /** 64 lowercase hex digits. Optional in the format, because AGILAB may leave it out; the guard requires it. */
  readonly sha256?: string | undefined;
}

interface ManifestValidation {
  readonly label: string;
  readonly status: string;
  readonly summary: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface RunManifest {
  /** Judged by a rule of their own, so that another version is not reported as a malformed file. */
  readonly schema_version: number;
  readonly kind: string;
  readonly run_id: string;
  readonly path_id: string;
  readonly label: string;
  readonly status: string;
  readonly command: {
    readonly label: string;
    readonly argv: readonly string[];
    readonly cwd: string;
    readonly env_overrides: Readonly<Record<string, string>>;
  };
  readonly environment: {
    readonly python_version: string;
    readonly python_executable: string;
    readonly platform: string;
    readonly repo_root: string;
    readonly active_app: string;
    readonly app_name: string;
  };
  readonly timing: {
    /** RFC 3339. */
    readonly started_at: string;
    readonly finished_at: string;
    readonly duration_seconds: number;
    readonly target_seconds: number | null;
  };
  readonly artifacts: readonly ManifestArtifact[];
  readonly validations: readonly ManifestValidation[];
  readonly created_at: string;
}

/** More artifacts than this are refused: each one is opened and hashed. */
const MAX_ARTIFACTS = 1_024;

const text = z.string().max(65_536);
const name = text.min(1);
const instant = z.iso.datetime({ offset: true });

export const runManifestFormat: z.ZodType<RunManifest> = z.strictObject({
  schema_version: z.int(),
  kind: name,
  run_id: name,
  path_id: name,
  label: text,
  status: name,
  command: z.strictObject({
    label: text,
    argv: z.array(text),
    cwd: text,
    env_overrides: z.record(name, text),
  }),
  environment: z.strictObject({
    python_version: text,
    python_executable: text,
    platform: text,
    repo_root: text,
    active_app: text,
    app_name: text,
  }),
  timing: z.strictObject({
    started_at: instant,
    finished_at: instant,
    duration_seconds: z.number().nonnegative(),
    target_seconds: z.number().nonnegative().nullable(),
  }),
  artifacts: z
    .array(
      z.strictObject({
        name,
        path: name,
        kind: name,
        exists: z.boolean(),
        size_bytes: z.int().nonnegative().nullable(),
        sha256: hex64.optional(),
      }),
    )
    .max(MAX_ARTIFACTS),
  validations: z
    .array(z.strictObject({ label: text, status: name, summary: text, details: z.record(text, z.unknown()) }))
    .max(MAX_ARTIFACTS),
  created_at: instant,
});
