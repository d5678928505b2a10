// Hosts that once passed, or nearly passed, for loopback. Each is a real spelling; none needs a network.
import { lookup } from 'node:dns/promises';
import { chmod, mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BindRequest } from '../../../guards/bind/bind.ts';
import { requireNoBlank, requireOpenAbove, requireSocketPath } from '../../odd-places.ts';
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

/** Settings of a known program, and port 8501. */
function programDrill(
  id: string,
  fault: string,
  expects: string,
  program: NonNullable<BindRequest['program']>,
  settings: Readonly<Record<string, string | null>>,
): Drill<BindRequest> {
  const sources = Object.entries(settings).map(([from, value]) => ({ from, value }));
  return { id, fault, expects, build: async () => ({ program, sources, port: 8501 }) };
}

/** A unix socket in a directory that `spoil` does its worst to. */
function socketDrill(
  id: string,
  fault: string,
  expects: string,
  spoil: (directory: string, parent: string) => Promise<unknown> = async () => {},
  more: readonly string[] = [],
): Drill<BindRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const parent = site.directory;
      const directory = join(parent, 'sockets');
      const socket = `${directory}/ui.sock`;
      requireNoBlank(parent);
      requireSocketPath(socket);
      await mkdir(directory, { mode: 0o700 });
      await spoil(directory, parent);
      const values = [`unix:${socket}`, ...more];
      return { sources: values.map((value, index) => ({ from: `source-${index + 1}`, value })) };
    },
  };
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

  // RFC 1035 section 2.3.4 ends labels at 63 octets: the resolver fails by itself and asks nobody.
  drill('unresolvable', 'a name that no zone can hold', 'bind.unresolvable', 'x'.repeat(64)),

  drill('port-in-host', 'none: host and port in one text', 'allow', '127.0.0.1:8501', '[::1]:8501'),
  drill('url', 'none: a URL', 'allow', 'http://127.0.0.1:8501/'),
  drill('port-in-exposed-host', 'every interface, with a port', WILDCARD, '0.0.0.0:8501'),
  drill('port-alone', 'a port without a host, which is every interface', WILDCARD, ':8501'),
  drill('url-exposed', 'a URL of every interface', WILDCARD, 'http://0.0.0.0:8501'),
  drill('url-path-exposed', 'a URL of every interface with a path', WILDCARD, 'http://0.0.0.0:8501/x'),
  drill('exposed-in-list', 'a list with one exposed address', ELSEWHERE, '127.0.0.1:8501,192.0.2.1:8501'),
  drill('other-port', 'a text with another port than the one asked for', 'bind.other-port', '127.0.0.1:9999'),
  {
    ...drill('no-port', 'port 0, which the kernel would choose', 'bind.no-port'),
    build: async () => ({ sources: [{ from: 'cli', value: '127.0.0.1' }], port: 0 }),
  },

  {
    ...drill('attestation', 'a flag that says that it is protected', 'guard.request-invalid'),
    build: async () =>
      ({
        sources: [{ from: 'cli', value: '0.0.0.0' }],
        port: 8501,
        AGILAB_PUBLIC_BIND_OK: '1',
      }) as BindRequest,
  },
  programDrill('set-flag', 'none: an unset variable beside a set flag', 'allow', 'streamlit', {
    '--server.address': '127.0.0.1',
    STREAMLIT_SERVER_ADDRESS: null,
    '/srv/.streamlit/config.toml': null,
  }),
  programDrill('safe-default', 'none: nothing set, and the default is loopback', 'allow', 'flask', {
    '--host': null,
    FLASK_RUN_HOST: null,
    '/srv/.flaskenv': null,
  }),
  programDrill(
    'open-default',
    'nothing set, and the default is every interface',
    WILDCARD,
    'dask-dashboard',
    {
      '--dashboard-address': null,
    },
  ),
  programDrill('opened-default', 'a variable that opens the default', WILDCARD, 'gunicorn', {
    '--bind': null,
    GUNICORN_CMD_ARGS: null,
    PORT: '8501',
    '/srv/gunicorn.conf.py': null,
  }),
  programDrill('protocol', 'none: an address, and a protocol that keeps to it', 'allow', 'dask-scheduler', {
    '--host': '127.0.0.1',
    '--protocol': 'tcp',
  }),
  programDrill(
    'protocol-open',
    'a protocol that listens everywhere, whatever the address',
    WILDCARD,
    'dask-worker',
    { '--host': '127.0.0.1', '--protocol': 'ws' },
  ),
  programDrill(
    'protocol-left',
    'a protocol that is left to the configuration of the host',
    WILDCARD,
    'dask-scheduler',
    { '--host': '127.0.0.1', '--protocol': null },
  ),
  programDrill(
    'protocol-unread',
    'a protocol that nobody speaks of',
    'bind.setting-not-read',
    'dask-scheduler',
    {
      '--host': '127.0.0.1',
    },
  ),
  programDrill('exposed-file', 'a loopback flag over an exposed file', WILDCARD, 'streamlit', {
    '--server.address': '127.0.0.1',
    STREAMLIT_SERVER_ADDRESS: null,
    '/srv/.streamlit/config.toml': '0.0.0.0',
  }),
  programDrill('unread-variable', 'a variable that nobody looked at', 'bind.setting-not-read', 'uvicorn', {
    '--host': '127.0.0.1',
  }),
  programDrill('unread-file', 'a file that nobody looked at', 'bind.setting-not-read', 'jupyter', {
    '--ip': '127.0.0.1',
  }),

  socketDrill('socket', 'none: a unix socket in a closed directory', 'allow'),
  // The directory of a drill is closed itself, and a closed directory anywhere above is enough.
  socketDrill(
    'socket-open',
    'a unix socket that everybody may reach',
    'bind.socket-open',
    async (directory, parent) => {
      requireOpenAbove(parent);
      await chmod(parent, 0o755);
      await chmod(directory, 0o755);
    },
  ),
  socketDrill(
    'socket-replaceable',
    'a directory in which anyone may replace it',
    'bind.socket-untrusted',
    (directory) => chmod(directory, 0o777),
  ),
  socketDrill(
    'socket-linked',
    'a link in place of the directory',
    'bind.socket-untrusted',
    async (directory) => {
      await rename(directory, `${directory}.real`);
      await symlink('sockets.real', directory);
    },
  ),
  drill(
    'socket-too-long',
    'a unix socket of a path that the kernel cuts',
    MALFORMED,
    `/run/${'x'.repeat(102)}/s`,
  ),
  socketDrill('mixed', 'a unix socket, and an address elsewhere', 'bind.mixed', undefined, ['127.0.0.1']),
];
