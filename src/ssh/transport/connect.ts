// From a host that proved its key to a connection that is logged in. Credentials leave this process here, after the
// host-key guard has granted the very connection that they are sent on.
import type { AuthHandlerMiddleware, AuthMethod, Client } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import type { EvidenceSink } from '../../evidence/record.ts';
import { checkTimeout, Deadline, Interrupted } from '../../kernel/deadline.ts';
import { enforce } from '../../kernel/enforce.ts';
import { heldConnection, hostKey, hostKeyAcceptNew } from '../host-key/host-key.ts';
import { knownHostsName } from '../host-key/known-hosts-match.ts';
import { pinHostKey } from '../host-key/known-hosts-pin.ts';
import { Connection, type Target } from './connection.ts';
import type { HeldConnection } from './dial.ts';
import { Semaphore } from './semaphore.ts';
import { Ssh2Link } from './ssh2-link.ts';

/** Tried in this order; a password last, and only when the host asks for one. */
export interface Credentials {
  /** OpenSSH or PEM text. */
  readonly privateKey?: string | Buffer;
  readonly passphrase?: string;
  /** Path of an agent's socket. The agent is never forwarded. */
  readonly agent?: string;
  readonly password?: string;
}

export interface ConnectOptions {
  readonly journal: EvidenceSink;
  readonly signal?: AbortSignal;
  /** For key exchange, records and log-in together, in whole milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * Default `strict`. `accept-new` also connects to a host that no line names and pins its key in the first file
   * after the log-in: whoever answers first is believed, so its evidence never counts as strict checking.
   */
  readonly hostKeys?: 'strict' | 'accept-new';
}

export const DEFAULT_CONNECT_MS = 30_000;

/** sshd drops connections beyond ten that have not logged in (sshd_config(5), MaxStartups). */
const handshakes = new Semaphore(8);

function methodsOf(user: string, { privateKey, passphrase, agent, password }: Credentials): AuthMethod[] {
  const methods: AuthMethod[] = [];
  const add = (method: AuthMethod & Record<string, unknown>): void => void methods.push(method);
  if (privateKey !== undefined) add({ type: 'publickey', username: user, key: privateKey, passphrase });
  if (agent !== undefined) add({ type: 'agent', username: user, agent });
  if (password !== undefined) add({ type: 'password', username: user, password });
  return methods;
}

/** Returns the client once the host has let the user in. The caller bounds the wait and destroys the connection. */
function logIn(held: HeldConnection, methods: AuthMethod[]): Promise<Client> {
  const { client } = held;
  return new Promise((resolve, reject) => {
    const refused = (): void =>
      reject(
        new CodedError(
          'ssh.authentication-failed',
          'the host accepted none of the credentials',
          'Check the user name, the key and authorized_keys on the host.',
        ),
      );
    client.once('ready', () => resolve(client));
    client.once('close', refused);
    const next: AuthHandlerMiddleware = (left, _partial, answer) => {
      // The host says what it may ask for; a password is not offered to one that does not want it.
      let method = methods.shift();
      while (method?.type === 'password' && left && !left.includes('password')) method = methods.shift();
      if (method) return answer(method as never);
      refused();
    };
    held.proceed(next);
  });
}

function inTime(error: unknown): unknown {
  if (!(error instanceof Interrupted)) return error;
  return error.code === 'guard.timeout'
    ? new CodedError('ssh.timeout', 'the log-in took too long', 'Try again, or raise timeoutMs.')
    : new CodedError('ssh.aborted', 'the caller gave up before the log-in', 'Ask again when ready.');
}

/**
 * Returns a connection to a host whose key known_hosts vouches for. Nothing about the user is sent before that, and
 * nothing before the evidence is durable.
 *
 * @throws GuardRefusal with a `host-key.*` or `guard.*` code; CodedError `usage.timeout`, `ssh.authentication-failed`,
 * `ssh.timeout`, `ssh.aborted`, and with `accept-new` as `pinHostKey`.
 */
export async function connect(
  target: Target,
  credentials: Credentials,
  { journal, signal, timeoutMs = DEFAULT_CONNECT_MS, hostKeys = 'strict' }: ConnectOptions,
): Promise<Connection> {
  checkTimeout(timeoutMs);
  const { user, ...request } = target;
  const guard = hostKeys === 'accept-new' ? hostKeyAcceptNew : hostKey;
  const outer = signal ? { signal } : {};
  const release = await handshakes.acquire(signal);
  const start = performance.now();
  const left = (): number => Math.max(1, Math.ceil(timeoutMs - (performance.now() - start)));
  try {
    const host = await enforce(guard, request, { journal, timeoutMs: left(), ...outer });
    const held = heldConnection(host);
    if (!held) throw new TypeError('a granted host has a connection');
    const deadline = new Deadline({ timeoutMs: left(), ...outer });
    try {
      const client = await deadline.run(() => logIn(held, methodsOf(user, credentials)));
      if (host.verdict.verdict === 'unknown') {
        const name = request.hostKeyAlias?.toLowerCase() ?? knownHostsName(request.host, request.port);
        await deadline.run(() => pinHostKey(request.knownHosts[0] ?? '', name, host.key));
      }
      return new Connection(new Ssh2Link(client), target, journal);
    } catch (error) {
      held.destroy();
      throw inTime(error);
    } finally {
      deadline.end();
    }
  } finally {
    release();
  }
}
