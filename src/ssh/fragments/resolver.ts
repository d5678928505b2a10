// Where uv resolves packages from: the settings that a manager hands down to its workers, as variables with fixed
// names. An index address with a password in it is a secret and has to go the way of secrets.
import * as z from 'zod';
import { FragmentFault } from './fault.ts';
import { someText } from './program.ts';
import { RemotePath } from './remote-path.ts';
import { literal, type Word } from './word.ts';

export interface Resolver {
  /** UV_INDEX_URL */
  readonly indexUrl?: string | undefined;
  /** UV_EXTRA_INDEX_URL */
  readonly extraIndexUrls?: readonly string[] | undefined;
  /** UV_FIND_LINKS: directories on the host. */
  readonly findLinks?: readonly string[] | undefined;
  /** SSL_CERT_FILE and REQUESTS_CA_BUNDLE: a file on the host. */
  readonly certificates?: string | undefined;
  /** UV_NATIVE_TLS: trust what the host's system trusts. */
  readonly nativeTls?: boolean | undefined;
}

export const resolver: z.ZodType<Resolver> = z.strictObject({
  indexUrl: someText.optional(),
  extraIndexUrls: z.array(someText).max(16).optional(),
  findLinks: z.array(someText).max(16).optional(),
  certificates: someText.optional(),
  nativeTls: z.boolean().optional(),
});

function parseUrl(text: string): string {
  if (!/^https:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) throw new FragmentFault('url', 'an index');
  const { href, username, password } = new URL(text);
  if (username !== '' || password !== '') throw new FragmentFault('url', 'an index');
  return href;
}

/** uv splits the list at commas, and a path under the home directory can only stand in a word alone. */
function parseLinks(text: string): string {
  const { word } = RemotePath.parseAnchored(text, 'a directory of packages');
  if (word.underHome || word.text.includes(',')) throw new FragmentFault('url', 'a directory of packages');
  return word.text;
}

/**
 * Returns variables and values.
 *
 * @throws FragmentFault `ssh.url`, and as {@link RemotePath.parseAnchored}.
 */
export function parseResolver(settings: Resolver = {}): readonly (readonly [name: string, value: Word])[] {
  const { indexUrl, extraIndexUrls, findLinks, certificates, nativeTls } = settings;
  const file =
    certificates === undefined ? undefined : RemotePath.parseAnchored(certificates, 'the certificates').word;
  const variables: readonly (readonly [string, Word | undefined])[] = [
    ['UV_INDEX_URL', indexUrl === undefined ? undefined : literal(parseUrl(indexUrl))],
    ['UV_EXTRA_INDEX_URL', extraIndexUrls && literal(extraIndexUrls.map(parseUrl).join(' '))],
    ['UV_FIND_LINKS', findLinks && literal(findLinks.map(parseLinks).join(','))],
    ['SSL_CERT_FILE', file],
    ['REQUESTS_CA_BUNDLE', file],
    ['UV_NATIVE_TLS', nativeTls === undefined ? undefined : literal(String(nativeTls))],
  ];
  return variables.flatMap(([name, value]) => (value ? [[name, value] as const] : []));
}
