// The known_hosts verifier: text to entries, entries and a presented key to a verdict. Pure, so that its answers can
// be compared line by line with ssh-keygen's and decision by decision with ssh's. ssh2 brings none of this.
import { createHash } from 'node:crypto';
import { authorityOf, isPlainKey, isPlainType, keyOfCertificate, typeInBlob } from './key-blob.ts';
import { matchesHosts, mayMatchHosts, strictBase64 } from './known-hosts-match.ts';

/** One usable line of a known_hosts file. */
export interface KnownHost {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** `unclear`: the line may revoke a key, and is not understood. It has neither type nor blob. */
  readonly marker: 'none' | 'revoked' | 'cert-authority' | 'unclear';
  /** The host field as written; `*` where an unclear line does not say. */
  readonly hosts: string;
  readonly type: string;
  /** The whole public key blob, RFC 4253 section 6.6. */
  readonly blob: Buffer;
}

/** A public key as a host presented it. */
export interface HostKey {
  readonly type: string;
  readonly blob: Buffer;
  /** `SHA256:` and unpadded base64, as ssh-keygen prints it; of a certificate, that of its key. */
  readonly fingerprint: string;
  /** Present where the host showed a certificate: the plain key in it, and the key of the authority that signed it. */
  readonly certificate?: { readonly plain: HostKey; readonly authority: Buffer };
}

export type HostKeyVerdict =
  | { readonly verdict: 'unknown' }
  | {
      readonly verdict: 'known' | 'revoked' | 'unclear' | 'changed' | 'other-type' | 'needs-certificate';
      /** The line that decided. */
      readonly by: KnownHost;
    };

/** Returns the key in a blob that a host presented, or `undefined` when it is no key of a known type. */
export function hostKeyOf(blob: Buffer): HostKey | undefined {
  const type = typeInBlob(blob);
  if (type === undefined || !isPlainKey(blob)) return undefined;
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { type, blob: Buffer.from(blob), fingerprint: `SHA256:${digest}` };
}

/** As {@link hostKeyOf}, of a certificate too. Whoever gets it has checked its signature, its dates and its names. */
export function shownKeyOf(blob: Buffer): HostKey | undefined {
  const plainBlob = keyOfCertificate(blob);
  if (!plainBlob) return hostKeyOf(blob);
  const plain = hostKeyOf(plainBlob);
  const authority = authorityOf(blob);
  const type = typeInBlob(blob);
  if (!plain || !authority || type === undefined) return undefined;
  return { type, blob: Buffer.from(blob), fingerprint: plain.fingerprint, certificate: { plain, authority } };
}

const LINE = /^[ \t]*(?:(@[^ \t]*)[ \t]+)?([^ \t@#][^ \t]*)[ \t]+([^ \t#][^ \t]*)[ \t]+([^ \t]+)/;

type Parsed = Pick<KnownHost, 'marker' | 'hosts' | 'type' | 'blob'>;

/** Reads one line as ssh does: an unknown or second marker, an unknown type, or a blob of another type is no line. */
function parseLine(raw: string): Parsed | undefined {
  // A C string ends at NUL: what ssh does not see must not count here either.
  const visible = raw.split('\0', 1)[0] ?? '';
  const [, word, hosts, type, key] = LINE.exec(visible.replace(/\r+$/, '')) ?? [];
  if (hosts === undefined || type === undefined || key === undefined) return undefined;
  // ssh's decoder skips blanks of other kinds in the key.
  const blob = strictBase64(key.replaceAll(/[\r\v\f]/g, ''));
  if (blob === undefined || typeInBlob(blob) !== type) return undefined;
  if (word === '@revoked') {
    const revoked = isPlainKey(blob) ? blob : keyOfCertificate(blob);
    return revoked && { marker: 'revoked', hosts, type, blob: revoked };
  }
  if ((word !== undefined && word !== '@cert-authority') || !isPlainKey(blob)) return undefined;
  return { marker: word === undefined ? 'none' : 'cert-authority', hosts, type, blob };
}

const REVOKED = /@revoked/i;

/** Returns the host fields of what may revoke a key in a line and was not read as a line that does. */
function unclearHosts(raw: string, understood: boolean): readonly string[] {
  // A file with bare carriage returns is one line to ssh, and several to whoever wrote it.
  return raw.split('\r').flatMap((part, index) => {
    if (/^[ \t]*#/.test(part) || (understood && index === 0) || !REVOKED.test(part)) return [];
    const words = part.replace(/^\u00ef\u00bb\u00bf/, '').split(/[ \t\v\f\0]+/); // a byte order mark in Latin-1
    return words.flatMap((word, at) => {
      if (!REVOKED.test(word)) return [];
      const hosts = words.slice(at + 1).find((next) => !next.startsWith('@'));
      const isNamed = word.toLowerCase() === '@revoked' && hosts && !isPlainType(hosts); // else the field was left out
      return [isNamed ? hosts : '*'];
    });
  });
}

/**
 * Parses the bytes of a known_hosts file, read as Latin-1 so that no byte is lost. A line that ssh would skip is
 * skipped, unless it may have been meant to revoke a key: those are `unclear`, and refuse the hosts they may name.
 */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1 };
    const parsed = parseLine(raw);
    if (parsed) entries.push({ ...place, ...parsed });
    for (const hosts of unclearHosts(raw, parsed !== undefined)) {
      entries.push({ ...place, marker: 'unclear', hosts, type: '', blob: Buffer.alloc(0) });
    }
  }
  return entries;
}

/**
 * Returns the entries that name `name`, in file order, and those that revoke or may revoke a key under it or under one
 * of `others`: trust is given under one name, and taken away under each.
 */
export function entriesFor(
  name: string,
  entries: readonly KnownHost[],
  others: readonly string[] = [],
): readonly KnownHost[] {
  const names = [name, ...others];
  return entries.filter(({ marker, hosts }) => {
    const takes = marker === 'unclear' || marker === 'revoked';
    return takes ? names.some((each) => mayMatchHosts(each, hosts)) : matchesHosts(name, hosts);
  });
}

/**
 * Returns what the entries that name the host say about the key it presented. A revocation wins over everything,
 * wherever it stands; an equal key wins over other keys, since a host may have several.
 */
export function decideHostKey(shown: HostKey, named: readonly KnownHost[]): HostKeyVerdict {
  const { plain: key, authority } = shown.certificate ?? { plain: shown, authority: undefined };
  const equal = named.filter(({ blob }) => blob.equals(key.blob));
  const plain = named.filter(({ marker }) => marker === 'none');
  const signers = authority ? named.filter(({ blob }) => blob.equals(authority)) : [];
  // An authority that is revoked vouches for nobody.
  const revoked = [...equal, ...signers].find(({ marker }) => marker === 'revoked');
  if (revoked) return { verdict: 'revoked', by: revoked };
  const unclear = named.find(({ marker }) => marker === 'unclear');
  if (unclear) return { verdict: 'unclear', by: unclear };
  const known =
    signers.find(({ marker }) => marker === 'cert-authority') ??
    equal.find(({ marker }) => marker === 'none');
  if (known) return { verdict: 'known', by: known };
  const changed = plain.find(({ type }) => type === key.type);
  if (changed) return { verdict: 'changed', by: changed };
  if (plain[0]) return { verdict: 'other-type', by: plain[0] };
  const needed = named.find(({ marker }) => marker === 'cert-authority');
  return needed ? { verdict: 'needs-certificate', by: needed } : { verdict: 'unknown' };
}
