// Does a known_hosts host field name this host? The three spellings of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT: plain
// patterns, negated patterns, and the hashed form that hides the name.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv6, SocketAddress } from 'node:net';

/** OpenSSH's match_pattern_list keeps a subpattern in 1,024 bytes and gives up on the whole list beyond that. */
const MAX_PATTERN = 1022;

/** Returns `host` as ssh spells it before a look-up: `0:0:0:0:0:0:0:1` is `::1`, names are in lower case. */
function canonicalHost(host: string): string {
  if (!isIPv6(host)) return host.toLowerCase();
  const [address = '', zone] = host.split('%', 2);
  const { address: spelt } = new SocketAddress({ address, family: 'ipv6' });
  return zone === undefined ? spelt : `${spelt}%${zone}`;
}

/** Returns the name that known_hosts files use: `host`, or `[host]:port` off port 22; addresses in one spelling. */
export function knownHostsName(host: string, port: number): string {
  const name = canonicalHost(host);
  return port === 22 ? name : `[${name}]:${port}`;
}

/**
 * Returns every name under which a key of this host may have been revoked: with the port and without, and for an IPv4
 * address in IPv6 (RFC 4291 section 2.5.5.2) that address too, which ssh does not ask for.
 */
export function revocableNames(host: string, port: number): readonly string[] {
  const [, mapped] = /^::ffff:([0-9.]+)$/.exec(canonicalHost(host)) ?? [];
  return [host, ...(mapped === undefined ? [] : [mapped])].flatMap((name) => [
    knownHostsName(name, port),
    knownHostsName(name, 22),
  ]);
}

// Greedy with one point of return: quadratic at worst. The recursive textbook form is exponential in the number of
// stars, and a known_hosts file may come from a shared directory.
export function matchesPattern(name: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let p = 0;
  while (at < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = at;
    } else if (pattern[p] === '?' || (p < pattern.length && pattern[p] === name[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Decodes standard base64 in its one canonical spelling, or returns `undefined`. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

function matchesHash(name: string, field: string): boolean {
  const [, saltText, hashText] = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(field) ?? [];
  const salt = strictBase64(saltText ?? '');
  const hash = strictBase64(hashText ?? '');
  if (salt?.length !== 20 || hash?.length !== 20) return false;
  return timingSafeEqual(createHmac('sha1', salt).update(name, 'latin1').digest(), hash);
}

/** Whether the host field of a line names `name`, as {@link knownHostsName} spells it. A hit on `!pattern` vetoes the line. */
export function matchesHosts(name: string, field: string): boolean {
  if (field.startsWith('|')) return matchesHash(name, field);
  let hit = false;
  for (const item of field.toLowerCase().split(',')) {
    const negated = item.startsWith('!');
    const pattern = negated ? item.slice(1) : item;
    if (pattern.length > MAX_PATTERN) return false;
    if (!matchesPattern(name, pattern)) continue;
    if (negated) return false;
    hit = true;
  }
  return hit;
}

/** Whether the host field of a line that takes trust away may name `name`: what cannot be read may name every host. */
export function mayMatchHosts(name: string, field: string): boolean {
  const isUnreadable = (item: string): boolean => item.length > MAX_PATTERN || item.includes('|');
  if (!field.startsWith('|')) return field.split(',').some(isUnreadable) || matchesHosts(name, field);
  const [, , salt = '', hash = ''] = field.split('|');
  const readable =
    field.startsWith('|1|') && strictBase64(salt)?.length === 20 && strictBase64(hash)?.length === 20;
  return !readable || matchesHash(name, field);
}
