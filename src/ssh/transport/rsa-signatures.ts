// Which hash an RSA user key signs with (RFC 8332). ssh2 1.17.0 takes SHA-256 whenever the host lists it, and OpenSSH
// lists it even where PubkeyAcceptedAlgorithms has SHA-512 alone: such hosts would never let an RSA key in. ssh2 has no
// option for it, so the list that it got from the host is edited; the version is pinned, and a test against sshd watches.
import type { Client } from 'ssh2';
import type { RsaHash } from './rsa-hash.ts';

type ExtInfo = (
  protocol: unknown,
  extensions: readonly { readonly name: string; readonly algs?: string[] }[],
) => void;

/** Returns what makes the client sign with one of the two, where the host lists both. Call it before the key exchange. */
export function rsaPreference(client: Client): (hash: RsaHash) => void {
  const { _protocol } = client as unknown as {
    _protocol?: { _handlers?: Record<string, ExtInfo | undefined> };
  };
  const handlers = _protocol?._handlers;
  const original = handlers?.['EXT_INFO'];
  let listed: string[] | undefined;
  if (handlers && original) {
    handlers['EXT_INFO'] = (protocol, extensions) => {
      listed ??= extensions.find(({ name }) => name === 'server-sig-algs')?.algs;
      original(protocol, extensions);
    };
  }
  return (hash) => {
    if (!listed?.includes('rsa-sha2-512')) return;
    const other = listed.filter((name) => name !== 'rsa-sha2-256' && name !== 'rsa-sha2-512');
    // ssh2 prefers SHA-256, so it is named for the second try only.
    listed.splice(
      0,
      listed.length,
      ...other,
      'rsa-sha2-512',
      ...(hash === 'sha2-256' ? ['rsa-sha2-256'] : []),
    );
  };
}
