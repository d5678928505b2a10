// Guards what was started owned: all of its processes listen where its command said, each socket on an address of its own,
// and nowhere else. The arguments of a program prove nothing; the kernel of its host is asked.
import { isIP } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';
import type { Method } from '../../evidence/record.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { hostAndPort, type ListenAddress, parseHost } from '../fragments/endpoint.ts';
import { port, token } from '../recipes/recipe.ts';
import { localShell } from './ownership.ts';

export interface OwnedSocketsRequest {
  /** Path of the record on the host, absolute or `~/rest`. */
  readonly record: string;
  /** The token given at the start. */
  readonly token: string;
  /** One entry for each socket that it may open. */
  readonly granted: readonly ListenAddress[];
  /** How long a socket that was granted may be awaited. Default 0; one that was not granted is never waited out. */
  readonly waitSeconds?: number | undefined;
}

/** One listening socket. Of a unix socket only the kind is known. */
export type ListenSocket =
  | { readonly host: string; readonly port: number }
  | { readonly unix: 'named' | 'abstract' };

interface SocketsSeen {
  readonly pid: number;
  /** How the processes were known: `cgroup` is complete, `token` misses one that did away with token and session. */
  readonly known: 'cgroup' | 'token';
  readonly sockets: readonly ListenSocket[];
}

export interface OwnedSocketsFacts {
  /** Why nobody knows where they listen, `undefined` when it is known. */
  readonly unseen: string | undefined;
  readonly seen: SocketsSeen | undefined;
  /** Sockets that no entry of what was granted is left for. */
  readonly strange: readonly ListenSocket[];
  /** Entries that nothing listens on. */
  readonly silent: readonly ListenAddress[];
}

/** What owned processes listened on at one moment: what was granted, all of it and nothing else. */
export type ConfirmedOwned = SocketsSeen;

const UNSEEN: Readonly<Record<string, string>> = {
  record: 'its record is not there, not of this start, or others can write it',
  ended: 'all of it has ended',
  unproven: 'a process in its session is not proven to be of it',
  unread: 'a process of it does not show its descriptors',
  changing: 'its processes kept changing',
};

const SOCKET = /^(?:(?:tcp4 ([0-9A-F]{8})|tcp6 ([0-9A-F]{32})):([0-9A-F]{4})|unix (named|abstract))$/;

function parseSocket(line: string, isLittle: boolean): ListenSocket | undefined {
  const [, four, six, port, unix] = SOCKET.exec(line) ?? [];
  if (unix === 'named' || unix === 'abstract') return { unix };
  const hex = four ?? six;
  if (hex === undefined || port === undefined) return undefined;
  const bytes = isLittle ? Buffer.from(hex, 'hex').swap32() : Buffer.from(hex, 'hex');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return { host: parseHost(four ? bytes.join('.') : groups.join(':')), port: Number.parseInt(port, 16) };
}

/** Parses what the `owned-listeners` recipe printed; `undefined` when it is not what the script prints. */
export function parseOwnedSockets(output: string): SocketsSeen | { readonly unseen: string } | undefined {
  const [first = '', ...lines] = output.split('\n');
  const [, why = ''] = /^unseen ([a-z]+)$/.exec(first) ?? [];
  const unseen = UNSEEN[why];
  if (unseen !== undefined) return lines.join() === '' ? { unseen } : undefined;
  // The number 1, as the host reads two bytes in which the first is 1: 256 where the last one counts least.
  const [, pid, known, order] = /^listens ([1-9][0-9]{0,8}) (cgroup|token) (1|256)$/.exec(first) ?? [];
  if (lines.splice(-2).join() !== 'end,' || (known !== 'cgroup' && known !== 'token')) return undefined;
  const sockets = lines.map((line) => parseSocket(line, order === '1'));
  if (!sockets.every((socket) => socket !== undefined)) return undefined;
  return { pid: Number(pid), known, sockets };
}

/** Holds each socket against what was granted: one entry is good for one socket. */
function compare(
  sockets: readonly ListenSocket[],
  granted: readonly ListenAddress[],
): Pick<OwnedSocketsFacts, 'strange' | 'silent'> {
  // By their last ports, so that a socket takes the entry that is good for the fewest of those to come.
  const silent = granted.toSorted((a, b) => a.ports[1] - b.ports[1]);
  const strange: ListenSocket[] = [];
  const portOf = (socket: ListenSocket): number => ('port' in socket ? socket.port : 0);
  for (const socket of sockets.toSorted((a, b) => portOf(a) - portOf(b))) {
    const at = silent.findIndex(
      ({ host, ports: [from, to] }) =>
        'host' in socket && socket.host === host && from <= socket.port && socket.port <= to,
    );
    if (at === -1) strange.push(socket);
    else silent.splice(at, 1);
  }
  return { strange, silent };
}

const nameOf = (socket: ListenSocket): string =>
  'unix' in socket
    ? `${socket.unix === 'named' ? 'a' : 'an abstract'} unix socket`
    : hostAndPort(socket.host, socket.port);

const MAX_WAIT_SECONDS = 300;
const request: z.ZodType<OwnedSocketsRequest> = z.strictObject({
  record: z
    .string()
    .max(4_000)
    .regex(/^~?\/[^\0]*$/),
  token,
  granted: z
    .array(
      z.strictObject({
        host: z.string().refine((host) => isIP(host) !== 0 && parseHost(host) === host),
        ports: z.tuple([port, port]),
      }),
    )
    .max(64),
  waitSeconds: z.int().min(0).max(MAX_WAIT_SECONDS).optional(),
});

const rules: readonly Rule<OwnedSocketsFacts>[] = [
  {
    code: 'owned-sockets.unseen',
    remedy: 'Ask while the program runs, as the user who started it; stop what cannot be looked at.',
    refuses: ({ unseen }) => unseen !== undefined && `the sockets of the program cannot be seen: ${unseen}`,
  },
  {
    code: 'owned-sockets.not-granted',
    remedy: 'Stop the program, and see which option or which code of it opened the socket.',
    refuses: ({ strange: [socket] }) =>
      socket !== undefined && `it listens on ${nameOf(socket)}, which was not granted`,
  },
  {
    code: 'owned-sockets.missing',
    remedy: 'See in the log of the program why it does not listen, or wait longer.',
    refuses: ({ unseen, silent: [entry] }) =>
      entry !== undefined && unseen === undefined && `nothing of it listens on ${entry.host}`,
  },
];

/** Runs the `owned-listeners` recipe and returns what it printed. */
type ListenersLook = (asked: OwnedSocketsRequest, signal: AbortSignal) => Promise<string>;

/** The look through a shell, again and again while all is well and something is awaited. */
export const observeSockets =
  (look: ListenersLook) =>
  async (asked: OwnedSocketsRequest, signal: AbortSignal): Promise<OwnedSocketsFacts> => {
    const until = performance.now() + (asked.waitSeconds ?? 0) * 1_000;
    for (;;) {
      const seen = parseOwnedSockets(await look(asked, signal));
      if (!seen) throw new Error('the host did not answer as the script does');
      if ('unseen' in seen)
        return { unseen: seen.unseen, seen: undefined, strange: [], silent: asked.granted };
      const { strange, silent } = compare(seen.sockets, asked.granted);
      if (strange.length > 0 || silent.length === 0 || performance.now() >= until)
        return { unseen: undefined, seen, strange, silent };
      await setTimeout(500, undefined, { signal });
    }
  };

/** Returns the guard for the processes that `look` reaches. */
export function ownedSocketsOver(
  look: ListenersLook,
  method: Method,
): Guard<OwnedSocketsRequest, ConfirmedOwned> {
  return defineHouseGuard({
    id: 'owned-sockets',
    dimension: 'architecture_remote_execution_hardening',
    request,
    observe: observeSockets(look),
    rules,
    grant: ({ seen }) => {
      if (!seen) throw new TypeError('a grant needs a look');
      return deepFreeze({ ...seen, sockets: seen.sockets.map((socket) => ({ ...socket })) });
    },
    subject: ({ seen }) => ({ kind: 'process', ...(seen ? { name: `pid ${seen.pid}` } : {}) }),
    method: () => method,
  });
}

export const localLook: ListenersLook = ({ record, token }, signal) =>
  localShell(['listeners', { path: record }, token], signal);

/** The guard for processes of this machine; `confirmOwned` asks those of another host. */
export const ownedSockets: Guard<OwnedSocketsRequest, ConfirmedOwned> = ownedSocketsOver(localLook, 'none');
