// Where a Dask scheduler listens: scheme, host and port, each by its own grammar and written back in one spelling.
import { isIPv4, isIPv6 } from 'node:net';
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
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return literal(`${this.scheme}://${host}:${this.port}`);
  }
}
