// What in a run manifest looks like a secret: values of variables whose names say so, and texts of a known shape.

import { sha256Hex } from '../../evidence/sha256.ts';
import { isBareSecret, secretFindings } from '../secret-patterns.ts';
import type { RunManifest } from './run-manifest-format.ts';

/** A string of a manifest that looks like a secret, told by its digest alone. */
export interface SecretSuspicion {
  readonly pattern: string;
  /** SHA-256 of the whole string: for `acknowledged`, where it is no secret. Of a short secret it gives the secret away. */
  readonly sha256: string;
}

/** Returns each string once. */
export function suspicionsOf(manifest: RunManifest): readonly SecretSuspicion[] {
  const named = Object.entries(manifest.command.env_overrides)
    .filter(([name, value]) => isBareSecret(name, value))
    .map(([, value]) => ({ pattern: 'named-variable', sha256: sha256Hex(value) }));
  const found = [...secretFindings(manifest)].map(({ name, text }) => ({
    pattern: name,
    sha256: sha256Hex(text),
  }));
  return [...new Map([...named, ...found].map((suspicion) => [suspicion.sha256, suspicion])).values()];
}
