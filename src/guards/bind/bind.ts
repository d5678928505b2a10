// Guards the address that a service is about to listen on. Every source that may set it is read and every address
// that a name stands for is resolved, because the program binds by whichever it happens to obey: the most exposed wins.
import { lookup } from 'node:dns/promises';
import { Server } from 'node:net';
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { FILE_RULES, firstReason, siblingRules } from '../../files/rules.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import { isGranted } from '../../kernel/grants.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { type HostReading, readHost, readListen } from './listen-host.ts';
import { effectiveSources, PROGRAMS, type ProgramName, unreadSettings } from './programs.ts';

export interface BindRequest {
  /** Every setting that may decide the address, the one that the program obeys first. */
  readonly sources: readonly {
    /** Where the value comes from: `--server.address`, `STREAMLIT_SERVER_ADDRESS`, a file by its path. */
    readonly from: string;
    /**
     * The value as found, several where the setting takes several; `null` when nothing is set there. A host, host and
     * port, a URL, or a unix socket by its absolute path.
     */
    readonly value: string | readonly string[] | null;
  }[];
  /** The program, where it is one whose settings and default are known: then what is unset beside what is set is no fault. */
  readonly program?: ProgramName | undefined;
  /** 1 to 65535, for anything but a unix socket. */
  readonly port?: number | undefined;
}

/** What one source stands for. */
interface BindSource {
  readonly from: string;
  /** One reading for a literal; for a name one per address, all of them. Empty when the name does not resolve. */
  readonly readings: readonly HostReading[];
  /** Ports written beside the host. */
  readonly ports: readonly number[];
}

export interface BindFacts {
  readonly sources: readonly BindSource[];
  readonly port: number | undefined;
  /** Settings of the program that no source speaks of. */
  readonly unread: readonly string[];
  /** The way to each unix socket; the socket itself need not be there yet. */
  readonly sockets: readonly { readonly path: string; readonly place: FileFacts }[];
}

/** Each name among them is looked up. */
const MAX_ADDRESSES = 256;
const value = z.string().max(1_024);
const programs = Object.keys(PROGRAMS) as [ProgramName, ...ProgramName[]];
const bindRequest: z.ZodType<BindRequest> = z.strictObject({
  sources: z
    .array(
      z.strictObject({
        // Repeated in reasons, so it can hold nothing but a flag, a variable or a path.
        from: z.string().regex(/^[\w.~/:+@-]{1,256}$/),
        value: z.union([value, z.array(value).min(1).max(32)]).nullable(),
      }),
    )
    .min(1)
    .max(32)
    .refine((sources) => {
      let addresses = 0;
      for (const { value: given } of sources) addresses += textsOf(given).length;
      return addresses <= MAX_ADDRESSES;
    }),
  program: z.enum(programs).optional(),
  port: z.int().min(0).max(65_535).optional(),
});

/** Returns what a name stands for. The kernel waits no longer than the deadline. */
async function resolve(name: string): Promise<readonly HostReading[]> {
  try {
    const found = await lookup(name, { all: true, verbatim: true });
    // A link-local address comes back with its zone: no text that a person wrote, and not loopback either.
    return found.map(({ address, family }) => {
      const reading = readHost(address);
      return reading.kind === 'malformed'
        ? { kind: 'elsewhere', address, family: family === 4 ? 4 : 6 }
        : reading;
    });
  } catch {
    return []; // whatever the resolver said instead of an address; its message repeats the name
  }
}

/** A text may list several addresses, as gunicorn's --bind does. */
function textsOf(given: BindRequest['sources'][number]['value']): readonly (string | null)[] {
  if (given === null) return [null];
  if (typeof given === 'string') return given.includes(',') ? given.split(',') : [given];
  return given.flatMap((text) => text.split(','));
}

async function lookAtSocket(path: string, signal: AbortSignal): Promise<BindFacts['sockets'][number]> {
  const at = path.lastIndexOf('/');
  // The directory as root: above it, sticky directories of root such as /tmp are as good as closed ones.
  const place = await observeFile(path.slice(0, at) || '/', path.slice(at + 1), { maxBytes: 0, signal });
  return { path, place };
}

const unreadOf = ({ sources, program }: BindRequest): BindFacts['unread'] =>
  program ? unreadSettings(program, sources) : [];

/** What is judged: of a known program, what its settings come to. */
const judgedOf = ({ sources, program }: BindRequest): BindRequest['sources'] =>
  program ? effectiveSources(program, sources) : sources;

/** What the request alone says, where every source is an address. */
function glanceAtBind(request: BindRequest): BindFacts | undefined {
  const judged: BindSource[] = [];
  for (const { from, value: given } of judgedOf(request)) {
    const readings: HostReading[] = [];
    const ports: number[] = [];
    for (const text of textsOf(given)) {
      const { host, port: written } = readListen(text);
      if (host.kind === 'name' || host.kind === 'socket') return undefined;
      readings.push(host);
      if (written !== undefined) ports.push(written);
    }
    judged.push({ from, readings, ports });
  }
  return { sources: judged, port: request.port, unread: unreadOf(request), sockets: [] };
}

/** The only look: reads every source, resolves every name, walks to every unix socket. */
export async function observeBind(request: BindRequest, signal: AbortSignal): Promise<BindFacts> {
  const look = async ({ from, value: given }: BindRequest['sources'][number]): Promise<BindSource> => {
    const found = textsOf(given).map(readListen);
    const readings = await Promise.all(
      found.map(async ({ host }) => (host.kind === 'name' ? resolve(host.name) : [host])),
    );
    // A name among others that does not resolve must not hide behind them.
    const silent = readings.some((each) => each.length === 0);
    const ports = found.flatMap(({ port: written }) => written ?? []);
    return { from, readings: silent ? [] : readings.flat(), ports };
  };
  const judged = await Promise.all(judgedOf(request).map(look));
  const paths = judged.flatMap(({ readings }) =>
    readings.flatMap((reading) => (reading.kind === 'socket' ? reading.path : [])),
  );
  return {
    sources: judged,
    port: request.port,
    unread: unreadOf(request),
    sockets: await Promise.all([...new Set(paths)].map((path) => lookAtSocket(path, signal))),
  };
}

/** A rule that refuses when any source has a reading of this kind. */
function refusesReading(
  code: string,
  kind: HostReading['kind'],
  remedy: string,
  why: (reading: HostReading) => string,
): Rule<BindFacts> {
  return {
    code,
    remedy,
    refuses: ({ sources }) => {
      for (const { from, readings } of sources)
        for (const reading of readings)
          if (reading.kind === kind) return `the host from ${from} ${why(reading)}`;
      return false;
    },
  };
}

// Rules about the way to a file, and not about the file: a socket is none, and need not be there yet.
const OF_THE_FILE = new Set(siblingRules('file', (facts: FileFacts) => facts).map(({ code }) => code));
const OF_THE_WAY = FILE_RULES.filter(({ code }) => !OF_THE_FILE.has(code));

function distrustWay(place: FileFacts): string | false {
  const { stopped } = place;
  if (stopped && stopped.at !== 'file') return `it ends at a ${stopped.kind} ${stopped.at}`;
  return firstReason(OF_THE_WAY, place);
}

const LITERAL = 'Write the address as 127.0.0.1 or ::1.';
const PRIVATE_ONLY =
  'Listen on 127.0.0.1 or ::1, behind a proxy or an SSH tunnel: `public-front` proves a proxy.';
const whyOf = (reading: HostReading): string => ('why' in reading ? reading.why : 'is not loopback');

// Most exposed first: the headline of a refusal names the worst of the sources.
const rules: readonly Rule<BindFacts>[] = [
  refusesReading('bind.wildcard', 'wildcard', PRIVATE_ONLY, whyOf),
  refusesReading('bind.not-loopback', 'elsewhere', PRIVATE_ONLY, (reading) =>
    'address' in reading ? `means ${reading.address}, which is not loopback` : whyOf(reading),
  ),
  refusesReading('bind.ambiguous-address', 'ambiguous', LITERAL, whyOf),
  refusesReading('bind.malformed-address', 'malformed', LITERAL, whyOf),
  {
    code: 'bind.unresolvable',
    remedy: LITERAL,
    refuses: ({ sources }) => {
      for (const { from, readings } of sources)
        if (readings.length === 0) return `the host from ${from} is a name that does not resolve`;
      return false;
    },
  },
  {
    code: 'bind.setting-not-read',
    remedy: 'Pass every setting of the program among the sources, null where it is not set.',
    refuses: ({ unread }) =>
      unread.length > 0 && `a setting that the program obeys is not among the sources: ${unread.join(', ')}`,
  },
  {
    code: 'bind.mixed',
    remedy: 'Set the same unix socket everywhere, or addresses only.',
    refuses: ({ sources, sockets }) =>
      (sockets.length > 1 ||
        (sockets.length === 1 &&
          sources.some(({ readings }) => readings.some(({ kind }) => kind !== 'socket')))) &&
      'the sources name a unix socket and something else',
  },
  {
    code: 'bind.socket-untrusted',
    remedy: 'Let only this user and root write its directory and those above: chmod go-w.',
    refuses: ({ sockets }) => {
      for (const { place } of sockets) {
        const why = distrustWay(place);
        if (why !== false) return `the directory of the socket is not to be believed: ${why}`;
      }
      return false;
    },
  },
  {
    code: 'bind.socket-open',
    remedy: 'Put the socket into a directory of mode 0700 before the program listens.',
    refuses: ({ sockets }) =>
      sockets.some(
        ({ place: { stopped, plainPath, ancestors, directories } }) =>
          plainPath &&
          (stopped === undefined || stopped.at === 'file') &&
          ![...ancestors, ...directories].some(({ mode }) => (mode & 0o077) === 0),
      ) && 'no directory on the way to the socket is closed to others',
  },
  {
    code: 'bind.no-port',
    remedy: 'Choose a port from 1 to 65535: with 0 the kernel chooses, and no grant could say what.',
    refuses: ({ port, sockets }) => sockets.length === 0 && !port && 'no port is given',
  },
  {
    code: 'bind.other-port',
    remedy: 'Ask for the port that the setting names, or take it out of the setting.',
    refuses: ({ sources, port }) => {
      for (const { from, ports } of sources)
        for (const written of ports)
          if (written !== port) return `the text from ${from} names another port than the one asked for`;
      return false;
    },
  },
];

/**
 * Where a server may listen: one literal loopback address or one unix socket, already judged, so nothing is left for a
 * resolver to change. Pass `host` and `port` (for a socket, `host` as `path`) to `server.listen`, then {@link confirm} it.
 */
export class BoundAddress {
  /** Dotted decimal or RFC 5952, no brackets; for a unix socket its path. */
  readonly host: string;
  readonly family: 4 | 6 | 'unix';
  /** 0 for a unix socket. */
  readonly port: number;

  constructor(host: string, family: 4 | 6 | 'unix', port: number) {
    this.host = host;
    this.family = family;
    this.port = port;
    Object.freeze(this);
  }

  /**
   * Returns `server` once the kernel says that its socket is bound here; otherwise closes it and throws. Call it
   * when the server is listening, before it serves anyone.
   *
   * @throws CodedError `bind.not-granted`, `bind.not-listening`, `bind.listening-elsewhere`.
   */
  confirm<S extends Server>(server: S): S {
    requireGranted(this);
    // getsockname(2) through net's own method: an overridden `address` could tell any story.
    const bound = server instanceof Server ? Server.prototype.address.call(server) : null;
    if (bound === null) {
      const remedy = 'Confirm a node:net server after its "listening" event.';
      throw new CodedError('bind.not-listening', 'the server has no listening socket', remedy);
    }
    const { host, port, family } = this;
    if (family === 'unix' && bound === host) return server;
    if (typeof bound === 'object' && bound.address === host && bound.port === port) {
      if (bound.family === `IPv${family}`) return server;
    }
    server.close();
    const message = 'the server listened somewhere else than granted and was closed';
    throw new CodedError('bind.listening-elsewhere', message, 'Listen on the host and port of the grant.');
  }
}

function grant({ sources, port, sockets }: BindFacts): BoundAddress {
  const [socket] = sockets;
  if (socket) return new BoundAddress(socket.path, 'unix', 0);
  const [first] = sources;
  const loopback = (first?.readings ?? []).flatMap((reading) => (reading.kind === 'loopback' ? reading : []));
  // A name that has both families gets IPv4, which every host has.
  const chosen = loopback.find(({ family }) => family === 4) ?? loopback[0];
  if (!chosen || !port) throw new TypeError('a grant needs a loopback address and a port');
  return new BoundAddress(chosen.address, chosen.family, port);
}

/** @throws CodedError `bind.not-granted` for an address that the guard did not grant. */
export function requireGranted(address: BoundAddress): void {
  if (isGranted(bind, address)) return;
  const remedy = 'Ask the bind guard: enforce(bind, request, { journal }).';
  throw new CodedError('bind.not-granted', 'only the bind guard grants an address', remedy);
}

/** Grants a {@link BoundAddress} when every source means loopback, or one closed unix socket, and nothing else. */
export const bind: Guard<BindRequest, BoundAddress> = defineHouseGuard({
  id: 'bind',
  dimension: 'architecture_runtime_guardrails',
  request: bindRequest,
  observe: observeBind,
  glance: glanceAtBind,
  rules,
  grant,
});
