// Guards the reading of a run manifest: what it claims about a run is believed only when it is well formed, says pass
// throughout, shows no secret, and everything that the run left is there with the very bytes that were sealed.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { path, verifierKey } from '../../kernel/request-parts.ts';
import type { RunManifest } from './run-manifest-format.ts';
import { observeRun, type RunManifestFacts, type RunManifestRequest } from './run-manifest-look.ts';
import { runManifestRules } from './run-manifest-rules.ts';

const runManifestRequest: z.ZodType<RunManifestRequest> = z.strictObject({
  root: path,
  manifest: path,
  keys: z.array(verifierKey).min(1).max(16).optional(),
  acknowledged: z.array(hex64).max(1_024).optional(),
});

/** A manifest that holds: deeply frozen, and every file of the run had the stated bytes when it was read. */
export interface VerifiedManifest {
  readonly manifest: RunManifest;
  /** SHA-256 of the manifest's bytes, lowercase hex. */
  readonly digest: string;
  /** SHA-256 of the seal; `undefined` when the manifest's own digests vouched for the artifacts. */
  readonly seal: string | undefined;
  /** Verifier keys of the request that signed the seal. */
  readonly signers: readonly string[];
  /** Every file below the manifest's directory by its path there, with its SHA-256. */
  readonly files: Readonly<Record<string, string>>;
}

function grant({ reading, manifest, seal, signers = [], found }: RunManifestFacts): VerifiedManifest {
  const { digest } = manifest.facts;
  if (reading.kind !== 'read' || digest === undefined) throw new TypeError('a grant needs a manifest');
  const files = found.flatMap(({ path: name, facts }): [string, string][] =>
    facts.digest === undefined ? [] : [[name, facts.digest]],
  );
  return deepFreeze({
    manifest: structuredClone(reading.content),
    digest,
    seal: seal.facts.digest,
    signers: [...signers],
    files: Object.fromEntries(files),
  });
}

/** Grants a {@link VerifiedManifest}: the run passed, and its files are the bytes that it left. */
export const runManifest: Guard<RunManifestRequest, VerifiedManifest> = defineHouseGuard({
  id: 'run-manifest',
  dimension: 'architecture_runtime_guardrails',
  request: runManifestRequest,
  observe: observeRun,
  rules: runManifestRules,
  grant,
  subject: ({ manifest: { facts } }) =>
    facts.digest === undefined
      ? { kind: 'run-manifest' }
      : { kind: 'run-manifest', digest: `sha256:${facts.digest}` },
  method: ({ place }) => place.method,
});
