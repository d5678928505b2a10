// Where something listens: scheme, user, host and port, each by its own grammar and written back in one spelling.
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { FragmentFault } from './fault.ts';
import { literal, type Word } from './word.ts';

// RFC 1123 section 2.1 and RFC 1035 section 2.3.4. A last label that is a number makes resolvers read an address
// in shorthand ("127.1", "0x7f.1"), so it is refused (WHATWG URL, "ends in a number").
const HOST_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!(?:\d+|0x[0-9a-f]*)$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Returns the host in its one spelling: lower case, dotted decimal, or RFC 5952 without brackets.
 *
 * @throws FragmentFault `ssh.host`.
 */
export function parseHost(text: string, slot = 'the host'): string {
  // Checked before lower-casing, which turns the Kelvin sign into a plain k.
  if (/\P{ASCII}/u.test(text)) throw new FragmentFault('host', slot);
  const host = text.toLowerCase();
  const inner = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : undefined;
  const address = inner ?? host;
  // isIPv6 also takes a zone, which means something on one machine only.
  if (isIPv6(address) && !address.includes('%')) return new URL(`http://[${address}]`).hostname.slice(1, -1);
  if (inner === undefined && (isIPv4(host) || HOST_NAME.test(host))) return host;
  throw new FragmentFault('host', slot);
}

/** The unspecified addresses of RFC 4291 and RFC 1122, and the second one mapped into the first. */
export const EVERY_INTERFACE: ReadonlySet<string> = new Set(['::', '0.0.0.0', '::ffff:0:0']);

/**
 * Returns the address that a program is to listen on. A name is none: what it stands for is decided elsewhere.
 *
 * @throws FragmentFault `ssh.host`, `ssh.listen-address`.
 */
export function parseListenAddress(text: string, slot = 'the address'): string {
  const address = parseHost(text, slot);
  if (isIP(address) === 0 || EVERY_INTERFACE.has(address)) throw new FragmentFault('listen-address', slot);
  return address;
}

/** Where one socket is to listen: an address as {@link parseListenAddress} returns it, and the ports of which it takes one. */
export interface ListenAddress {
  readonly host: string;
  readonly ports: readonly [first: number, last: number];
}

/** The system picks one. */
export const ANY_PORT: ListenAddress['ports'] = [1, 65_535];

/** Returns `host:port`, with brackets around IPv6. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Returns the host that a local ssh client is to reach: as {@link parseHost}, or a link-local address with the
 * interface of this machine behind it (RFC 4007), which no other address may carry.
 *
 * @throws FragmentFault `ssh.host`.
 */
export function parseSshHost(text: string, slot = 'the host'): string {
  const [, address, zone] =
    /^(fe[89ab][0-9a-f]:[0-9a-f:]*)%([A-Za-z0-9][A-Za-z0-9._-]{0,14})$/i.exec(text) ?? [];
  return address === undefined ? parseHost(text, slot) : `${parseHost(address, slot)}%${zone}`;
}

/**
 * Returns `user@host`, or the host alone, for ssh and scp. Neither part can look like an option.
 *
 * @throws FragmentFault `ssh.user`, `ssh.host`.
 */
export function parseTarget(host: string, user?: string): { readonly ssh: string; readonly scp: string } {
  const name = parseSshHost(host);
  if (user !== undefined && !/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(user))
    throw new FragmentFault('user', 'the user');
  const at = user === undefined ? '' : `${user}@`;
  return { ssh: `${at}${name}`, scp: `${at}${name.includes(':') ? `[${name}]` : name}:` };
}

/**
 * Returns the name under which known_hosts lists a host: `host`, or `[host]:port` for any port but 22.
 *
 * @throws FragmentFault `ssh.host`.
 */
export function parseKnownName(host: string, port: number): string {
  const name = parseSshHost(host);
  return port === 22 ? name : `[${name}]:${port}`;
}

/** @throws FragmentFault `ssh.port`. */
export function parsePort(text: string | number, slot = 'the port'): number {
  const digits = String(text);
  if (!/^[1-9][0-9]{0,4}$/.test(digits) || Number(digits) > 65_535) throw new FragmentFault('port', slot);
  return Number(digits);
}

/**
 * Returns `first:last`, or one port, as Dask's `--worker-port` takes it.
 *
 * @throws FragmentFault `ssh.port-range`.
 */
export function parsePortRange(text: string, slot = 'the port range'): string {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  const isPort = (digits = ''): boolean => /^[1-9]\d{0,4}$/.test(digits) && Number(digits) <= 65_535;
  const [, first, last = first] = match ?? [];
  if (!isPort(first) || !isPort(last) || Number(first) > Number(last)) {
    throw new FragmentFault('port-range', slot);
  }
  return text;
}

export class Endpoint {
  readonly scheme: string;
  /** As {@link parseHost} returns it. */
  readonly host: string;
  readonly port: number;

  private constructor(scheme: string, host: string, port: number) {
    this.scheme = scheme;
    this.host = host;
    this.port = port;
    Object.freeze(this);
  }

  /**
   * Parses `tcp://10.0.0.1:8786`, `tls://[2001:db8::1]:8786` or `ucx://node-1:8786`.
   *
   * @throws FragmentFault `ssh.endpoint`, `ssh.host`, `ssh.port`.
   */
  static parse(text: string, slot = 'the endpoint'): Endpoint {
    const match = /^(tcp|tls|ucx):\/\/(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text);
    const [, scheme, host, port] = match ?? [];
    if (scheme === undefined || host === undefined || port === undefined) {
      throw new FragmentFault('endpoint', slot);
    }
    return new Endpoint(scheme, parseHost(host, slot), parsePort(port, slot));
  }

  get word(): Word {
    return literal(`${this.scheme}://${hostAndPort(this.host, this.port)}`);
  }
}
