// What a host text means to bind(2), decided from the text alone and the same way on every Node version. Resolvers,
// Python's ipaddress and inet_aton disagree about odd spellings; whatever they disagree about is refused here.
import { isIPv4, isIPv6 } from 'node:net';

/** One reading of a host text. `why` completes "the host ..." and never repeats the text. */
export type HostReading =
  | { readonly kind: 'malformed' | 'ambiguous' | 'wildcard'; readonly why: string }
  /** `address` is canonical: dotted decimal (RFC 6943 section 3.1.1, strict), or RFC 5952. */
  | { readonly kind: 'loopback' | 'elsewhere'; readonly address: string; readonly family: 4 | 6 }
  | { readonly kind: 'name'; readonly name: string }
  /** A unix socket in the file system. */
  | { readonly kind: 'socket'; readonly path: string };

/** A host text, and the port that was written beside it. */
export interface ListenReading {
  readonly host: HostReading;
  readonly port?: number;
}

// inet_aton(3) reads octal, hex and shortened forms; a text whose last label is a number is never a host name
// (WHATWG URL, "ends in a number").
const NUMERIC = /^(?:[a-z0-9-]+\.)*(?:\d+|0x[0-9a-f]*)\.?$/i;
const ALL_ZERO = /^(?:0+|0x0*)(?:\.(?:0+|0x0*)){0,3}$/i;
// RFC 952 and RFC 1123. Lengths are left to the resolver, which refuses what no zone can hold.
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\s]/u;
const MAPPED = /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/;

const malformed = (why: string): HostReading => ({ kind: 'malformed', why });
const ambiguous = (why: string): HostReading => ({ kind: 'ambiguous', why });
const wildcard = (why: string): HostReading => ({ kind: 'wildcard', why });

function readIpv4(text: string): HostReading {
  if (text === '0.0.0.0') return wildcard('is the IPv4 wildcard address');
  // RFC 1122 section 3.2.1.3 (g): all of 127.0.0.0/8 stays inside the host.
  return { kind: text.startsWith('127.') ? 'loopback' : 'elsewhere', address: text, family: 4 };
}

function readIpv6(text: string): HostReading {
  // The URL standard fixes this serialisation; inet_ntop(3) differs between systems for mapped addresses.
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  if (address === '::' || address === '::ffff:0:0') return wildcard('is the IPv6 wildcard address');
  // Loopback to Python 3.13, not to 3.12, and in force only where the socket is not IPv6-only.
  if (MAPPED.test(address)) return ambiguous('is an IPv4 address written as an IPv6 one');
  return { kind: address === '::1' ? 'loopback' : 'elsewhere', address, family: 6 };
}

// tcp and tls as Dask writes them. Behind the authority Ollama takes a path, which moves no socket.
const URL_FORM = /^(?:https?|wss?|tcp|tls):\/\/([^/?#@]*)(?:\/.*)?$/i;
const HOST_AND_PORT = /^([^:[\]]*|\[[^[\]]*\]):(\d{1,5})$/;
// unix:/path is gunicorn's, a bare path uvicorn's. 107 bytes at most (unix(7)): Node cuts a longer one, and listens elsewhere.
const SOCKET = /^(?:unix:(?:\/\/)?)?(\/(?:[!-~]{0,103}|[^\0]{0,34})[^/\0])$/;

/**
 * Returns what a text means that may hold a port, a URL or a socket. Programs that know no such text fail at it, but what
 * is exposed in it says so here.
 */
export function readListen(text: string | null): ListenReading {
  // First what most settings say: it has neither a blank nor a port, and is no path.
  if (text !== null && isIPv4(text)) return { host: readIpv4(text) };
  if (text === null || INVISIBLE.test(text)) return { host: readHost(text) };
  const path = SOCKET.exec(text)?.[1];
  if (path !== undefined) return { host: { kind: 'socket', path } };
  const authority = URL_FORM.exec(text)?.[1] ?? text;
  const [, host, port] = HOST_AND_PORT.exec(authority) ?? [];
  return host === undefined ? { host: readHost(authority) } : { host: readHost(host), port: Number(port) };
}

/** Returns what a host text means; `null` is a program left to its own default, which may be every interface. */
export function readHost(text: string | null): HostReading {
  if (text === null) return wildcard('is left to the default of the program, which may be every interface');
  if (text === '') return wildcard('is empty, which bind(2) takes for every interface');
  if (text === '*') return wildcard('stands for every interface');
  if (INVISIBLE.test(text)) return malformed('holds a blank or an invisible character');
  if (text.includes('%')) return malformed('names a zone');
  if (text.includes('/')) return malformed('is a URL, or too long a path');
  if (/[[\]]/.test(text)) {
    const inside = /^\[([^[\]]+)\]$/.exec(text)?.[1];
    return inside !== undefined && isIPv6(inside)
      ? readIpv6(inside)
      : malformed('has brackets around anything but an IPv6 address');
  }
  if (text.includes(':'))
    return isIPv6(text) ? readIpv6(text) : malformed('holds a port, or is a broken IPv6 address');
  if (isIPv4(text)) return readIpv4(text);
  if (ALL_ZERO.test(text)) return wildcard('is the IPv4 wildcard address');
  if (NUMERIC.test(text)) return ambiguous('is a number that programs read differently');
  return NAME.test(text) ? { kind: 'name', name: text } : malformed('is no address and no host name');
}
