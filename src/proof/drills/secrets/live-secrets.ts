// The request about this very package: what npm publishes of it.
import { realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { SecretsRequest } from '../../../guards/secrets/secrets.ts';

/**
 * Returns the request about this package. Packages it stands on, and the state of this host, are not its own; that `dist`
 * is its sources compiled, and nothing else, is what the release guard is asked.
 */
export async function liveSecrets(): Promise<SecretsRequest> {
  const root = await realpath(fileURLToPath(new URL('../../../../', import.meta.url)));
  return { root, skip: ['node_modules', '.git', '.guardrails', 'dist', 'test', 'coverage'] };
}
