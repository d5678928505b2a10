// The known_hosts verifier: text to entries, entries and a presented key to a verdict. Pure, so that its answers can
// be compared line by line with ssh-keygen's and decision by decision with ssh's. ssh2 brings none of this.
import { createHash } from 'node:crypto';
import { matchesHosts, strictBase64 } from './known-hosts-match.ts';

/** One usable line of a known_hosts file. */
export interface KnownHost {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The host field as written. */
  readonly hosts: string;
  readonly type: string;
  /** The whole public key blob, RFC 4253 section 6.6. */
  readonly blob: Buffer;
}

/** A public key as a host presented it. */
export interface HostKey {
  readonly type: string;
  readonly blob: Buffer;
  /** `SHA256:` and unpadded base64, as ssh-keygen prints it. */
  readonly fingerprint: string;
}

export type HostKeyVerdict =
  | { readonly verdict: 'unknown' }
  | {
      readonly verdict: 'known' | 'revoked' | 'changed' | 'other-type' | 'needs-certificate';
      /** The line that decided. */
      readonly by: KnownHost;
    };

/** Plain key types of OpenSSH 9. Anything else on a line makes ssh skip the line, and so do we. */
const KEY_TYPES: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ssh-dss',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]);

/** Returns the type named inside a key blob (a length-prefixed string), or `undefined`. */
function typeInBlob(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const end = 4 + blob.readUInt32BE(0);
  return end < blob.length ? blob.toString('latin1', 4, end) : undefined;
}

/** Returns the key in a blob that a host presented, or `undefined` when it is of no known type. */
export function hostKeyOf(blob: Buffer): HostKey | undefined {
  const type = typeInBlob(blob);
  if (type === undefined || !KEY_TYPES.has(type)) return undefined;
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { type, blob: Buffer.from(blob), fingerprint: `SHA256:${digest}` };
}

/** Returns the length of an RSA modulus in bits (RFC 4253 section 6.6: type, e, n), or `undefined` for other keys. */
export function rsaBits({ type, blob }: HostKey): number | undefined {
  if (type !== 'ssh-rsa') return undefined;
  let at = 0;
  const next = (): Buffer => {
    const end = at + 4 + (at + 4 <= blob.length ? blob.readUInt32BE(at) : 0);
    const field = blob.subarray(at + 4, end);
    at = end;
    return field;
  };
  next();
  next();
  return BigInt(`0x${next().toString('hex') || '0'}`).toString(2).length;
}

const LINE = /^[ \t]*(?:(@[^ \t]*)[ \t]+)?([^ \t@#][^ \t]*)[ \t]+([^ \t#][^ \t]*)[ \t]+([^ \t]+)/;

/**
 * Parses the bytes of a known_hosts file, read as Latin-1 so that no byte is lost. A line that ssh would skip is
 * skipped: an unknown or second marker, an unknown key type, a blob of another type than the line says.
 */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    // A C string ends at NUL: what ssh does not see must not count here either.
    const visible = raw.split('\0', 1)[0] ?? '';
    const [, word, hosts, type, key] = LINE.exec(visible.replace(/\r+$/, '')) ?? [];
    if (hosts === undefined || type === undefined || key === undefined || !KEY_TYPES.has(type)) continue;
    if (word !== undefined && word !== '@revoked' && word !== '@cert-authority') continue;
    const blob = strictBase64(key);
    if (blob === undefined || typeInBlob(blob) !== type) continue;
    const marker = word === '@revoked' ? 'revoked' : word === undefined ? 'none' : 'cert-authority';
    entries.push({ file, line: index + 1, marker, hosts, type, blob });
  }
  return entries;
}

/** Returns the entries that name `name`, in file order. */
export function entriesFor(name: string, entries: readonly KnownHost[]): readonly KnownHost[] {
  return entries.filter(({ hosts }) => matchesHosts(name, hosts));
}

/**
 * Returns what the entries that name the host say about the key it presented. A revocation wins over everything,
 * wherever it stands; an equal key wins over other keys, since a host may have several.
 */
export function decideHostKey(key: HostKey, named: readonly KnownHost[]): HostKeyVerdict {
  const equal = named.filter(({ blob }) => blob.equals(key.blob));
  const plain = named.filter(({ marker }) => marker === 'none');
  const revoked = equal.find(({ marker }) => marker === 'revoked');
  if (revoked) return { verdict: 'revoked', by: revoked };
  const known = equal.find(({ marker }) => marker === 'none');
  if (known) return { verdict: 'known', by: known };
  const changed = plain.find(({ type }) => type === key.type);
  if (changed) return { verdict: 'changed', by: changed };
  if (plain[0]) return { verdict: 'other-type', by: plain[0] };
  const authority = named.find(({ marker }) => marker === 'cert-authority');
  return authority ? { verdict: 'needs-certificate', by: authority } : { verdict: 'unknown' };
}
