/** The hash that an RSA key signs with: `rsa-sha2-512` and `rsa-sha2-256` (RFC 8332 section 3). */
export type RsaHash = 'sha2-512' | 'sha2-256';
