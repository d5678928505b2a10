// Hosts that once passed, or nearly passed, for loopback. Each is a real spelling; none needs a network.
import { lookup } from 'node:dns/promises';
import type { BindRequest } from '../../../guards/bind/bind.ts';
import { type Drill, DrillUnavailable } from '../../proof.ts';

function drill(
  id: string,
  fault: string,
  expects: string,
  ...values: readonly (string | null)[]
): Drill<BindRequest> {
  const sources = values.map((value, index) => ({ from: `source-${index + 1}`, value }));
  return { id, fault, expects, build: async () => ({ sources, port: 8501 }) };
}

const WILDCARD = 'bind.wildcard';
const ELSEWHERE = 'bind.not-loopback';
const AMBIGUOUS = 'bind.ambiguous-address';
const MALFORMED = 'bind.malformed-address';

export const bindDrills: readonly Drill<BindRequest>[] = [
  drill('ipv4-loopback', 'none: 127.0.0.1', 'allow', '127.0.0.1'),
  drill('ipv6-loopback', 'none: ::1', 'allow', '::1'),
  {
    ...drill('localhost', 'none: a name that means loopback only', 'allow', 'localhost'),
    build: async () => {
      const found = await lookup('localhost', { all: true }).catch(() => []);
      const loopback = found.every(({ address }) => address === '::1' || address.startsWith('127.'));
      if (found.length > 0 && loopback) return { sources: [{ from: 'cli', value: 'localhost' }], port: 8501 };
      throw new DrillUnavailable('Give /etc/hosts a localhost line with 127.0.0.1.');
    },
  },
  drill('agreeing-sources', 'none: two sources, both loopback', 'allow', '127.0.0.1', '[::1]'),

  drill('ipv4-wildcard', 'every IPv4 interface', WILDCARD, '0.0.0.0'),
  drill('ipv6-wildcard', 'every interface', WILDCARD, '[::]'),
  drill('bare-zero', 'bind(2) takes 0 for 0.0.0.0', WILDCARD, '0'),
  drill('empty-host', 'bind(2) takes an empty host for every interface', WILDCARD, ''),
  drill('star', 'every interface', WILDCARD, '*'),
  drill('mapped-wildcard', 'the IPv4 wildcard written as IPv6', WILDCARD, '::ffff:0.0.0.0'),
  drill('unset', 'the program is left to its default, every interface', WILDCARD, null),

  drill('public-literal', 'a routable address', ELSEWHERE, '192.0.2.1'),
  drill('public-ipv6', 'a routable IPv6 address', ELSEWHERE, '2001:db8::1'),
  drill('exposed-second', 'loopback in one source, exposed in the next', ELSEWHERE, '127.0.0.1', '192.0.2.1'),

  drill('short-form', 'inet_aton shorthand', AMBIGUOUS, '127.1'),
  drill('octal', 'loopback in octal to some, elsewhere to others', AMBIGUOUS, '0177.0.0.1'),
  drill('mapped-loopback', 'loopback on some versions of Python only', AMBIGUOUS, '::ffff:127.0.0.1'),

  drill('trailing-newline', 'a line feed after the address', MALFORMED, '127.0.0.1\n'),
  drill('unbalanced-bracket', 'stripping brackets would make this ::1', MALFORMED, '[[::1'),
  drill('zone', 'an address with an interface', MALFORMED, '::1%lo'),
  drill('port-in-host', 'host and port in one text', MALFORMED, '127.0.0.1:8501'),

  // RFC 1035 section 2.3.4 ends labels at 63 octets: the resolver fails by itself and asks nobody.
  drill('unresolvable', 'a name that no zone can hold', 'bind.unresolvable', 'x'.repeat(64)),
];
