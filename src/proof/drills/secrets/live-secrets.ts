// The request about this very package: what npm publishes of it, and what it is built from.
import { readdir } from 'node:fs/promises';
import { publishedParts } from '../../../evidence/package-digest.ts';
import type { SecretsRequest } from '../../../guards/secrets/secrets.ts';
import { ownPackage } from '../../own-package.ts';

/**
 * Returns the request about this package. What lies beside it in a checkout, a cache or the state of this host, is not its
 * own; that `dist` is its sources compiled, and nothing else, is what the release guard is asked.
 */
export async function liveSecrets(): Promise<SecretsRequest> {
  const root = await ownPackage();
  const asked = new Set(publishedParts(root).filter((name) => name !== 'dist'));
  return { root, skip: (await readdir(root)).filter((name) => !asked.has(name)) };
}
