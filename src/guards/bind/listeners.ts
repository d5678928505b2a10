// Guards a program that has been started: it listens where it was granted to, and nowhere else. Programs open sockets
// that nobody asked for (`dask scheduler --host 127.0.0.1` serves HTTP on every interface), so the arguments prove nothing.
import { isIP } from 'node:net';
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import type { Guard } from '../../kernel/guard.ts';
import { type BoundAddress, requireGranted } from './bind.ts';
import { type ListeningSocket, listeningSockets, type ProcessSockets } from './listening-sockets.ts';

export interface ListenersRequest {
  /** The program, once it listens. Everything below it counts as well. */
  readonly pid: number;
  /** Where it may listen, as `bind` granted it. */
  readonly granted: readonly ListeningSocket[];
}

export interface ListenersFacts extends ProcessSockets {
  readonly pid: number;
  readonly granted: readonly ListeningSocket[];
}

/** A program that listens where it may, as seen at one moment. */
export interface ConfirmedListeners {
  readonly pid: number;
  readonly sockets: readonly ListeningSocket[];
}

const tcp = z
  .strictObject({
    host: z.string().max(45),
    family: z.union([z.literal(4), z.literal(6)]),
    port: z.int().min(1).max(65_535),
  })
  .refine(({ host, family }) => isIP(host) === family);
const unix = z.strictObject({
  host: z.string().regex(/^\/[^\0]{1,107}$/), // sun_path, unix(7)
  family: z.literal('unix'),
  port: z.literal(0),
});
const listenersRequest: z.ZodType<ListenersRequest> = z.strictObject({
  pid: z.int().min(1).max(4_194_304), // PID_MAX_LIMIT, proc(5)
  granted: z.array(z.union([tcp, unix])).max(64),
});

const sameSocket = (a: ListeningSocket, b: ListeningSocket): boolean =>
  a.family === b.family && a.host === b.host && a.port === b.port;
/** A path may hold anything, an address cannot. */
const nameOf = ({ family, host, port }: ListeningSocket): string => {
  if (family === 'unix') return host.startsWith('@') ? 'an abstract unix socket' : 'a unix socket';
  return family === 4 ? `${host}:${port}` : `[${host}]:${port}`;
};

/** Looks with a look of the caller's. Internal: for drills of looks that miss something. */
export const observeListeners =
  (look?: Parameters<typeof listeningSockets>[2]) =>
  async ({ pid, granted }: ListenersRequest, signal: AbortSignal): Promise<ListenersFacts> => ({
    pid,
    granted,
    ...(await listeningSockets(pid, signal, look)),
  });

/** Grants {@link ConfirmedListeners} when a process tree listens on what it was granted, all of it and nothing else. */
export const listeners: Guard<ListenersRequest, ConfirmedListeners> = defineHouseGuard({
  id: 'listeners',
  dimension: 'architecture_runtime_guardrails',
  request: listenersRequest,
  observe: observeListeners(),
  rules: [
    {
      code: 'listeners.unseen',
      remedy: 'Ask while the program runs, on its own host and as its own user or root.',
      refuses: ({ unseen }) => unseen !== undefined && `the sockets of the process cannot be seen: ${unseen}`,
    },
    {
      code: 'listeners.not-granted',
      remedy:
        'Stop the program, give it an address for each of its sockets (Dask: --host and --dashboard-address), and start it again.',
      refuses: ({ sockets, granted }) => {
        const strange = sockets.find((socket) => !granted.some((allowed) => sameSocket(socket, allowed)));
        return strange ? `it listens on ${nameOf(strange)}, which was not granted` : false;
      },
    },
    {
      code: 'listeners.missing',
      remedy: 'Wait until the program listens, or see why it does not.',
      refuses: ({ sockets, granted, unseen }) => {
        const silent = granted.find((allowed) => !sockets.some((socket) => sameSocket(socket, allowed)));
        return silent && unseen === undefined ? `nothing of it listens on ${nameOf(silent)}` : false;
      },
    },
  ],
  grant: ({ pid, sockets }) =>
    Object.freeze({ pid, sockets: Object.freeze(sockets.map((socket) => Object.freeze({ ...socket }))) }),
  subject: ({ pid }) => ({ kind: 'process', name: String(pid) }),
});

/**
 * Returns what a started program listens on, once that is exactly what `bind` granted.
 *
 * @throws CodedError `bind.not-granted` for an address that `bind` did not grant; GuardRefusal as `enforce`.
 */
export async function confirmListeners(
  pid: number,
  addresses: readonly BoundAddress[],
  options: EnforceOptions,
): Promise<ConfirmedListeners> {
  addresses.forEach(requireGranted);
  const granted = addresses.map(({ host, family, port }) => ({ host, family, port }));
  return await enforce(listeners, { pid, granted }, options);
}
