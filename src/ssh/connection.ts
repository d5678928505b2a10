// The transport: connect, run, close. A connection exists only where the host-key guard let one through; it runs what
// the remote-command guard granted and nothing else; and what it cannot know it calls unknown.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthHandlerMiddleware, AuthMethod, Client, ClientChannel } from 'ssh2';
import { CodedError } from '../evidence/coded-error.ts';
import type { EvidenceSink } from '../evidence/record.ts';
import { draftOf, enforce } from '../guards/enforce.ts';
import { type Secret, secretInput } from './fragments/secret.ts';
import { type HostKeyRequest, hostKey, hostKeyAcceptNew, type VerifiedHost } from './host-key.ts';
import { knownHostsName } from './known-hosts-match.ts';
import { pinHostKey } from './known-hosts-pin.ts';
import { RemoteCommand, remoteCommand } from './remote-command.ts';
import { openShell, type Parcel, pack, type RunResult, runScript, SHELL } from './transport-channel.ts';
import { Gate } from './transport-gate.ts';

export interface Target extends HostKeyRequest {
  readonly user: string;
}

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

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Default 600,000. */
  readonly timeoutMs?: number;
  /** For standard output and standard error each. Default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** Standard input of the command; without it the command reads nothing. */
  readonly stdin?: string | Buffer;
  /** One value for each variable in the `secrets` of the command; they travel ahead of `stdin`. */
  readonly secrets?: Readonly<Record<string, Secret>>;
}

/** sshd drops connections beyond ten that have not logged in (MaxStartups), and sessions beyond ten (MaxSessions). */
const handshakes = new Gate(8);
const CHANNELS = 8;
const CHANNEL_ATTEMPTS = 12;
const ADMINISTRATIVELY_PROHIBITED_OR_FAILED: ReadonlySet<unknown> = new Set([1, 2]);

const deadlineOf = (timeoutMs: number, signal?: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : AbortSignal.timeout(timeoutMs);

const notSent = (cause: unknown): CodedError =>
  new CodedError(
    'ssh.not-sent',
    'the command was not sent: the caller gave up, time was up, or no record could be kept',
    'Nothing ran. Look at the cause, then try again.',
    { cause },
  );

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
  const leave = await handshakes.enter(signal);
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
    leave();
  }
}

/** A logged-in connection, good for any number of commands at once (eight at a time). */
export class Connection {
  readonly target: Target;
  readonly #client: Client;
  readonly #journal: EvidenceSink;
  readonly #channels: Gate;
  #open: boolean;
  #runs: number;
  #spare: ClientChannel | undefined;

  /** @internal */
  constructor(client: Client, target: Target, journal: EvidenceSink) {
    this.target = target;
    this.#client = client;
    this.#journal = journal;
    this.#channels = new Gate(CHANNELS);
    this.#open = true;
    this.#runs = 0;
    this.#spare = undefined;
    client.on('close', () => {
      this.#open = false;
    });
  }

  /** Whether the link still stood when it was last heard of. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Runs a granted command and returns how it ended. Two records say so: one before anything is sent, one after.
   *
   * @throws CodedError `ssh.not-granted`, `ssh.not-connected`, `ssh.channel-refused`, `ssh.shell-unsupported`,
   * `ssh.not-sent`, `ssh.secret-mismatch`: nothing ran; `ssh.unrecorded`. An outcome that nobody knows is returned, not thrown.
   */
  async run(
    command: RemoteCommand,
    { signal, timeoutMs = 600_000, maxOutputBytes = 16 * 1024 * 1024, stdin, secrets = {} }: RunOptions = {},
  ): Promise<RunResult> {
    if (!RemoteCommand.isGranted(command)) {
      throw new CodedError(
        'ssh.not-granted',
        'only a command that the remote-command guard granted is run',
        'Ask the guard: enforce(remoteCommand, request, { journal }).',
      );
    }
    const deadline = deadlineOf(timeoutMs, signal);
    let result: RunResult;
    try {
      const ahead = Buffer.from(secretInput(command.secrets, secrets));
      const input = stdin === undefined ? ahead : Buffer.concat([ahead, Buffer.from(stdin)]);
      const reads = stdin !== undefined || command.secrets.length > 0;
      const parcel = pack(command.script, reads ? input : undefined);
      const { channel, leave } = await this.#ready(command, parcel, deadline);
      if (++this.#runs > 1) this.#prepareSpare();
      result = await runScript(channel, parcel, { signal: deadline, maxOutputBytes }, leave);
    } catch (error) {
      const refusal = error instanceof CodedError ? error : notSent(error);
      // Should this record fail too, the answer is still no.
      await this.#record(command, 'refuse', [refusal.code], 'nothing ran').catch(() => {});
      throw refusal;
    }
    try {
      if (result.outcome === 'exited') await this.#record(command, 'allow', [], `exit code ${result.code}`);
      else
        await this.#record(command, 'error', [`ssh.${result.cause}`], 'it is unknown how the command ended');
    } catch (error) {
      throw new CodedError(
        'ssh.unrecorded',
        'the command was sent, but how it ended could not be recorded',
        'Make the journal writable again; find out on the host what the command did.',
        { cause: error },
      );
    }
    return result;
  }

  // The channel opens while the record becomes durable: an idle shell is no effect, the script is.
  async #ready(
    command: RemoteCommand,
    parcel: Parcel,
    deadline: AbortSignal,
  ): Promise<{ readonly channel: ClientChannel; readonly leave: () => void }> {
    const leave = await this.#channels.enter(deadline);
    const [record, opened] = await Promise.allSettled([
      this.#record(command, 'allow', [], 'about to be sent'),
      this.#openChannel(parcel, deadline),
    ]);
    if (record.status === 'fulfilled' && opened.status === 'fulfilled')
      return { channel: opened.value, leave };
    leave();
    if (opened.status === 'fulfilled') opened.value.close();
    throw record.status === 'rejected' ? record.reason : opened.status === 'rejected' && opened.reason;
  }

  /** Ends the connection. Commands that still run stay running on the host; their outcome is unknown. */
  close(): void {
    this.#open = false;
    this.#client.end();
  }

  // Opening is retried where the host had no room: a channel that was not opened has run nothing.
  async #openChannel({ line }: Parcel, deadline: AbortSignal): Promise<ClientChannel> {
    for (let attempt = 1; ; attempt++) {
      deadline.throwIfAborted();
      if (!this.#open) {
        throw new CodedError('ssh.not-connected', 'the connection is closed', 'Connect again; nothing ran.');
      }
      try {
        return this.#takeSpare(line) ?? (await openShell(this.#client, line));
      } catch (error) {
        const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
        const full = ADMINISTRATIVELY_PROHIBITED_OR_FAILED.has(reason);
        if (!this.#open || !full || attempt === CHANNEL_ATTEMPTS) {
          throw new CodedError(
            'ssh.channel-refused',
            'the host opened no session for the command',
            'Nothing ran. See MaxSessions and ForceCommand in the sshd_config of the host.',
          );
        }
        await sleep((0.5 + Math.random()) * 5 * 2 ** Math.min(attempt, 7));
      }
    }
  }

  // A connection that runs a second command will run a third: its shell starts while the second one works. It is a
  // fresh shell for one command like any other, and has nothing to do until it gets its script.
  #prepareSpare(): void {
    if (this.#spare) return;
    openShell(this.#client, SHELL).then(
      (channel) => {
        if (this.#spare || !this.#open) return channel.close();
        const drop = (): void => {
          if (this.#spare === channel) this.#spare = undefined;
        };
        channel.once('exit', drop).once('finish', drop);
        this.#spare = channel;
      },
      () => {}, // no room for a spare: the next command opens its own
    );
  }

  #takeSpare(line: string): ClientChannel | undefined {
    if (line !== SHELL) return undefined;
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  async #record(
    command: RemoteCommand,
    verdict: 'allow' | 'refuse' | 'error',
    codes: readonly string[],
    reason: string,
  ): Promise<void> {
    const { user, host, port } = this.target;
    const decision = { guard: remoteCommand.id, decision: verdict, codes, reason, remedy: '' };
    const subject = { kind: 'remote-run', name: `${user}@${host}:${port}`, digest: command.digest };
    const replay = { argv: ['guardrails', 'ssh', 'run'] };
    await this.#journal.append(
      draftOf(remoteCommand, { decision, subject }, { mode: 'enforce', replay }),
      '',
    );
  }
}
