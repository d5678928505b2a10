// The request about this very package: what npm publishes of it.
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SecretsRequest } from '../../../guards/secrets/secrets.ts';

/** npm publishes these whatever `files` says. */
const ALWAYS = ['package.json', 'README.md', 'LICENSE'];

/**
 * Returns the request about this package. What lies beside it in a checkout, a cache or the state of this host, is not its
 * own; that `dist` is its sources compiled, and nothing else, is what the release guard is asked.
 */
export async function liveSecrets(): Promise<SecretsRequest> {
  const root = await realpath(fileURLToPath(new URL('../../../../', import.meta.url)));
  const { files = [] } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    files?: string[];
  };
  const published = new Set([...ALWAYS, ...files.filter((name) => name !== 'dist')]);
  return { root, skip: (await readdir(root)).filter((name) => !published.has(name)) };
}
