// From a host that proved its key to a connection that is logged in. Credentials leave this process here, after the
// host-key guard has granted the very connection that they are sent on.
import { CodedError } from '../../evidence/coded-error.ts';
import type { EvidenceSink } from '../../evidence/record.ts';
import { Deadline, Interrupted } from '../../kernel/deadline.ts';
import { enforce } from '../../kernel/enforce.ts';
import { heldConnection, hostKey, hostKeyAcceptNew, type VerifiedHost } from '../host-key/host-key.ts';
import { knownHostsName } from '../host-key/known-hosts-match.ts';
import { pinHostKey } from '../host-key/known-hosts-pin.ts';
import { Connection, type Target } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { identitiesOf } from './identities.ts';
import type { KeyExchange } from './key-exchange.ts';
import { offersOf } from './offers.ts';
import { openSshExchange, requireOpenSsh } from './openssh-exchange.ts';
import { type Reached, reach, reachThrough, withReached } from './reach.ts';
import { Semaphore } from './semaphore.ts';
import { ssh2Exchange } from './ssh2-exchange.ts';

export type Transport = 'ssh2' | 'openssh';

export interface ConnectOptions {
  readonly journal: EvidenceSink;
  readonly signal?: AbortSignal;
  /**
   * For reaching the host, and from its turn on for key exchange, record and log-in together, in whole milliseconds.
   * Default 30,000. Time spent waiting for other hosts does not count.
   */
  readonly timeoutMs?: number;
  /**
   * Default `strict`. `accept-new` also connects to a host that no line names and pins its key in the first file
   * after the log-in: whoever answers first is believed, so its evidence never counts as strict checking.
   */
  readonly hostKeys?: 'strict' | 'accept-new';
  /**
   * Default `ssh2`, which is part of this package. `openssh` is the ssh of this system (8.9 or newer): it has what the other
   * lacks, which is certificates of hosts and users, security keys and newer key exchanges. It takes no passwords.
   */
  readonly transport?: Transport;
  /**
   * A connection to the host through which this one is reached; the address is one of its network. Each hop is judged
   * by its own known_hosts line and leaves its own record. Closing a hop closes what goes through it.
   */
  readonly via?: Connection;
}

/** Hops on the way to a host. More is a circle, or a mistake. */
const MAX_HOPS = 8;

export const DEFAULT_CONNECT_MS = 30_000;

/** Key exchanges cost us a core, and sshd drops connections beyond ten that have not logged in (MaxStartups). */
const handshakes = new Semaphore(8);

function inTime(error: unknown): unknown {
  if (!(error instanceof Interrupted)) return error;
  return error.code === 'guard.timeout'
    ? new CodedError('ssh.timeout', 'the log-in took too long', 'Try again, or raise timeoutMs.')
    : ABORTED;
}

const ABORTED = new CodedError(
  'ssh.aborted',
  'the caller gave up before the log-in',
  'Ask again when ready.',
);

/** Returns what reaches the host, directly or through another one. @throws CodedError `usage.hops`. */
function wayTo({ host, port }: Target, { via }: ConnectOptions): (signal: AbortSignal) => Promise<Reached> {
  if (!via) return (signal) => reach(host, port, signal);
  if (via.hops >= MAX_HOPS)
    throw new CodedError('usage.hops', `more than ${MAX_HOPS} hops lead to the host`, 'Take a shorter way.');
  return (signal) => reachThrough(via.link, host, port, signal);
}

/**
 * Reaches a host before its turn. Never rejects but for an abort: why it was not reached is for the guard to refuse.
 *
 * @throws CodedError `usage.timeout`, `ssh.aborted`.
 */
export async function reachTarget(target: Target, options: ConnectOptions): Promise<Reached> {
  const { signal, timeoutMs = DEFAULT_CONNECT_MS } = options;
  const way = wayTo(target, options);
  const deadline = new Deadline({ timeoutMs, ...(signal ? { signal } : {}) });
  try {
    return await deadline.run(
      () => way(deadline.signal),
      (late) => {
        if (late.outcome === 'reached') late.socket.destroy();
      },
    );
  } catch {
    if (deadline.interrupted?.code !== 'guard.timeout') throw ABORTED;
    return { outcome: 'unreachable', why: `no answer within ${timeoutMs} ms` };
  } finally {
    deadline.end();
  }
}

/** A key exchange after which this user logs in. */
type ExchangeOf = (user: string) => KeyExchange;

/**
 * Returns how to exchange keys and log in with these credentials.
 *
 * @throws CodedError as `offersOf`, or as `identitiesOf` and `ssh.no-openssh`.
 */
export async function exchangeWith(
  credentials: Credentials,
  transport: Transport = 'ssh2',
): Promise<ExchangeOf> {
  if (transport === 'openssh') {
    await requireOpenSsh();
    const identities = await identitiesOf(credentials);
    return (user) => openSshExchange(user, identities);
  }
  const offers = await offersOf(credentials);
  return (user) => ssh2Exchange(user, offers);
}

/** Key exchange, decision, record, log-in, and the pin where the host is new. */
async function enter(
  target: Target,
  { journal, signal, hostKeys = 'strict', via }: ConnectOptions,
  deadline: Deadline,
): Promise<Connection> {
  const { user: _, ...request } = target;
  const guard = hostKeys === 'accept-new' ? hostKeyAcceptNew : hostKey;
  const bounds = { timeoutMs: deadline.remainingMs, ...(signal ? { signal } : {}) };
  const host = await enforce(guard, request, { journal, ...bounds });
  const held = heldConnection(host);
  if (!held) throw new TypeError('a granted host has a connection');
  try {
    const link = await deadline.run(() => held.logIn());
    if (host.verdict.verdict === 'unknown') {
      const name = request.hostKeyAlias?.toLowerCase() ?? knownHostsName(request.host, request.port);
      await deadline.run(() => pinHostKey(request.knownHosts[0] ?? '', name, host.key));
    }
    return new Connection(link, host, target, journal, (via?.hops ?? 0) + 1);
  } catch (error) {
    held.destroy();
    throw inTime(error);
  }
}

/** As {@link connect}, to a host that was reached by now. What was reached is used or closed. */
export async function connectTo(
  reached: Reached,
  target: Target,
  exchange: KeyExchange,
  options: ConnectOptions,
): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_CONNECT_MS } = options;
  const { host, port } = target;
  const way = { host, port, again: wayTo(target, options), exchange };
  return await withReached(way, reached, async () => {
    const release = await handshakes.acquire(signal);
    // The host's own turn, and its own time, begin here.
    const deadline = new Deadline({ timeoutMs, ...(signal ? { signal } : {}) });
    try {
      return await enter(target, options, deadline);
    } finally {
      deadline.end();
      release();
    }
  });
}

/**
 * Returns a connection to a host whose key known_hosts vouches for. Nothing about the user is sent before that, and
 * nothing before the evidence is durable.
 *
 * @throws GuardRefusal with a `host-key.*` or `guard.*` code; CodedError `usage.timeout`, `ssh.timeout`,
 * `ssh.aborted`, as `exchangeWith` before the host is reached, as `HeldConnection.logIn`, and with `accept-new` as `pinHostKey`.
 */
export async function connect(
  target: Target,
  credentials: Credentials,
  options: ConnectOptions,
): Promise<Connection> {
  const exchange = (await exchangeWith(credentials, options.transport))(target.user);
  return await connectTo(await reachTarget(target, options), target, exchange, options);
}

/**
 * Returns a host that has proven its key, and ends the connection: nobody logs in, and nothing is said about the user.
 *
 * @throws as {@link connect} before the log-in.
 */
export async function lookAtHost(target: Target, options: ConnectOptions): Promise<VerifiedHost> {
  const { journal, signal, timeoutMs = DEFAULT_CONNECT_MS, transport } = options;
  const { user, ...request } = target;
  const { host, port } = request;
  if (transport === 'openssh') await requireOpenSsh();
  const exchange = transport === 'openssh' ? openSshExchange(user, []) : ssh2Exchange('', []);
  const reached = await reachTarget(target, options);
  return await withReached({ host, port, again: wayTo(target, options), exchange }, reached, async () => {
    const verified = await enforce(hostKey, request, { journal, timeoutMs, ...(signal ? { signal } : {}) });
    heldConnection(verified)?.destroy();
    return verified;
  });
}
