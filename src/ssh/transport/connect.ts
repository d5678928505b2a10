// From a host that proved its key to a connection that is logged in. Credentials leave this process here, after the
// host-key guard has granted the very connection that they are sent on.
import type { AuthHandlerMiddleware, AuthMethod, Client } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import type { EvidenceSink } from '../../evidence/record.ts';
import { enforce } from '../../kernel/enforce.ts';
import { hostKey, hostKeyAcceptNew, type VerifiedHost } from '../host-key/host-key.ts';
import { knownHostsName } from '../host-key/known-hosts-match.ts';
import { pinHostKey } from '../host-key/known-hosts-pin.ts';
import { Connection, type Target } from './connection.ts';
import { deadlineOf, Semaphore } from './semaphore.ts';

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
  /** For the key exchange, and again for the log-in. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * Default `strict`. `accept-new` also connects to a host that no line names and pins its key in the first file
   * after the log-in: whoever answers first is believed, so its evidence never counts as strict checking.
   */
  readonly hostKeys?: 'strict' | 'accept-new';
}

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

function logIn({ held }: VerifiedHost, methods: AuthMethod[], signal: AbortSignal): Promise<Client> {
  const { client } = held;
  return new Promise((resolve, reject) => {
    const fail = (code: string, message: string, remedy: string): void => {
      held.destroy();
      reject(new CodedError(code, message, remedy));
    };
    const refused = (): void =>
      fail(
        'ssh.authentication-failed',
        'the host accepted none of the credentials',
        'Check the user name, the key and authorized_keys on the host.',
      );
    const timedOut = (): void =>
      fail('ssh.timeout', 'the log-in took too long, or was aborted', 'Try again, or raise timeoutMs.');
    if (signal.aborted) return timedOut();
    signal.addEventListener('abort', timedOut, { once: true });
    const settled = (): void => signal.removeEventListener('abort', timedOut);
    client.once('ready', () => {
      settled();
      resolve(client);
    });
    client.once('close', () => {
      settled();
      refused();
    });
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

/**
 * Returns a connection to a host whose key known_hosts vouches for. Nothing about the user is said before that, and
 * nothing before the evidence is durable.
 *
 * @throws GuardRefusal with a `host-key.*` code; CodedError `ssh.authentication-failed`, `ssh.timeout`, and with
 * `accept-new` as `pinHostKey`.
 */
export async function connect(
  target: Target,
  credentials: Credentials,
  { journal, signal, timeoutMs = 30_000, hostKeys = 'strict' }: ConnectOptions,
): Promise<Connection> {
  const { user, ...request } = target;
  const guard = hostKeys === 'accept-new' ? hostKeyAcceptNew : hostKey;
  const release = await handshakes.acquire(signal);
  try {
    const host = await enforce(guard, request, { journal, timeoutMs, ...(signal ? { signal } : {}) });
    const client = await logIn(host, methodsOf(user, credentials), deadlineOf(timeoutMs, signal));
    const connection = new Connection(client, target, journal);
    if (host.verdict.verdict === 'unknown') {
      const name = request.hostKeyAlias?.toLowerCase() ?? knownHostsName(request.host, request.port);
      try {
        await pinHostKey(request.knownHosts[0] ?? '', name, host.key);
      } catch (error) {
        connection.close();
        throw error;
      }
    }
    return connection;
  } finally {
    release();
  }
}
