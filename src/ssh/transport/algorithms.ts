// What we offer in the key exchange: modern algorithms only. ssh2's defaults still hold ssh-rsa with SHA-1 and
// hmac-sha1; a host that has nothing better is refused, not accommodated.
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import type { KnownHost } from '../host-key/known-hosts.ts';

export const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** Signature algorithms (RFC 8332) of the RSA key type; every other type signs under its own name. */
const signaturesOf = (type: string): readonly string[] =>
  type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];

/**
 * Returns the offer for a host that known_hosts names in `named`. Key types on file go first, as in OpenSSH: a host
 * known by its RSA key alone must be asked for that one, or it would show another and be refused for it.
 */
export function offerFor(named: readonly KnownHost[]): Algorithms {
  const onFile = named.filter(({ marker }) => marker === 'none').flatMap(({ type }) => signaturesOf(type));
  const supported = HOST_KEYS.filter((name) => onFile.includes(name));
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
    ],
    serverHostKey: [...supported, ...HOST_KEYS.filter((name) => !onFile.includes(name))],
    // The dial refuses hosts without strict key exchange, so the prefix truncation of CVE-2023-48795 has no hold on
    // ChaCha20-Poly1305.
    cipher: [
      'aes256-gcm@openssh.com',
      'aes128-gcm@openssh.com',
      'chacha20-poly1305@openssh.com',
      'aes256-ctr',
      'aes192-ctr',
      'aes128-ctr',
    ],
    hmac: [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
      'hmac-sha2-256',
      'hmac-sha2-512',
    ],
    compress: ['none'],
  };
}
