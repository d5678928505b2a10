// Programs that listen, each a real process with a true record of its start: where they were told to, and elsewhere. The
// script that looks is the one that a host gets, run by this machine's /bin/sh.
import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListeningSocket } from '../../../guards/bind/listening-sockets.ts';
import type { OwnedSocketsRequest } from '../../../ssh/process/owned-sockets.ts';
import type { Drill, DrillSite } from '../../proof.ts';
import { endGroup, HOLD, IN_CHILD, startListening } from '../listeners/listening-program.ts';
import { type Facts, factsOf, itsOwn, lineOf } from '../process-stop/true-record.ts';

type Granted = OwnedSocketsRequest['granted'];

interface Program {
  readonly hosts: (directory: string) => readonly string[];
  readonly script?: string;
  /** Where one more of its processes listens a moment later. */
  readonly late?: string;
  /** What of it is granted. Default: each socket. */
  readonly granted?: (sockets: readonly ListeningSocket[]) => Granted;
  readonly record?: (facts: Facts) => Partial<Facts>;
  readonly mode?: number;
  readonly waitSeconds?: number;
  readonly ended?: true;
}

const exactly = (sockets: readonly ListeningSocket[]): Granted =>
  sockets.flatMap(({ host, port, family }) => (family === 'unix' ? [] : [{ host, ports: [port, port] }]));
const LOOPBACK = '127.0.0.1';
const anyPort: Granted[number] = { host: LOOPBACK, ports: [1, 65_535] };

/** Has one more process of the same start listen, a moment after the first. */
function openLater(site: DrillSite, host: string, env: Readonly<Record<string, string>>): void {
  setTimeout(() => void startListening(site, HOLD, [host], env).catch(() => {}), 1_500).unref();
}

function drill(id: string, fault: string, expects: string, program: Program): Drill<OwnedSocketsRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const { hosts, script = HOLD, granted = exactly, record: change, mode = 0o600, waitSeconds } = program;
      itsOwn(site);
      site.random('PORTS', /(?<="ports":\[)(?!1,65535)\d+,\d+/g);
      const token = randomBytes(16).toString('hex');
      const at = site.directory;
      const env = { GUARDRAILS_OWNER: token };
      const started = await startListening(site, script, hosts(at), env);
      if (program.late !== undefined) openLater(site, program.late, env);
      const facts = factsOf(started.child, token);
      if (program.ended) await endGroup(started.child);
      const record = join(at, 'owner');
      await writeFile(record, lineOf({ ...facts, ...change?.(facts) }));
      await chmod(record, mode);
      return { record, token, granted: granted(started.sockets), ...(waitSeconds ? { waitSeconds } : {}) };
    },
  };
}

export const ownedSocketsDrills: readonly Drill<OwnedSocketsRequest>[] = [
  drill('as-granted', 'none: it listens where it may', 'allow', {
    hosts: () => [LOOPBACK, '127.0.0.2'],
  }),
  drill('child-as-granted', 'none: its child listens on ports of its own choice', 'allow', {
    hosts: () => [LOOPBACK, LOOPBACK],
    script: IN_CHILD,
    granted: () => [anyPort, anyPort],
  }),
  drill('late', 'none: its second socket is opened a moment later, and is awaited', 'allow', {
    hosts: () => [LOOPBACK],
    late: '127.0.0.2',
    granted: () => [anyPort, { ...anyPort, host: '127.0.0.2' }],
    waitSeconds: 20,
  }),
  drill('second-socket', 'a second socket, on every interface', 'owned-sockets.not-granted', {
    hosts: () => [LOOPBACK, '0.0.0.0'],
    granted: (sockets) => exactly(sockets.slice(0, 1)),
  }),
  drill('other-port', 'a port outside of what was granted', 'owned-sockets.not-granted', {
    hosts: () => [LOOPBACK],
    granted: () => [{ host: LOOPBACK, ports: [1, 1] }],
  }),
  drill('one-more', 'two sockets on an address of which one was granted', 'owned-sockets.not-granted', {
    hosts: () => [LOOPBACK, LOOPBACK],
    granted: () => [anyPort],
  }),
  drill('child-socket', 'a socket that its child opened', 'owned-sockets.not-granted', {
    hosts: () => ['0.0.0.0'],
    script: IN_CHILD,
    granted: () => [],
  }),
  drill('left-behind', 'a socket of a process whose leader has ended', 'owned-sockets.not-granted', {
    hosts: () => ['0.0.0.0'],
    granted: () => [],
    record: () => ({ pid: 999_999_999 }),
  }),
  drill('unix-socket', 'a unix socket', 'owned-sockets.not-granted', {
    hosts: (directory) => [LOOPBACK, join(directory, 'debug.sock')],
  }),
  drill('silent', 'nothing listens on what was granted', 'owned-sockets.missing', {
    hosts: () => [LOOPBACK],
    granted: (sockets) => [...exactly(sockets), { host: '127.0.0.2', ports: [1, 1] }],
  }),
  drill('ended', 'all of it has ended', 'owned-sockets.unseen', { hosts: () => [LOOPBACK], ended: true }),
  drill('other-start', 'the record of another start', 'owned-sockets.unseen', {
    hosts: () => [LOOPBACK],
    record: () => ({ token: 'f'.repeat(32) }),
  }),
  drill('record-writable', 'a record that everybody can write', 'owned-sockets.unseen', {
    hosts: () => [LOOPBACK],
    mode: 0o666,
  }),
];
