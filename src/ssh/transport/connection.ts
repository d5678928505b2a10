// A logged-in connection. It exists only where the host-key guard granted one, runs only what the remote-command guard
// granted, and reports an outcome that it cannot know as unknown.
import { Readable } from 'node:stream';
import { CodedError } from '../../evidence/coded-error.ts';
import type { EvidenceSink } from '../../evidence/record.ts';
import { checkTimeout, Deadline } from '../../kernel/deadline.ts';
import { type Effect, recordEffect } from '../../kernel/effect.ts';
import { isGranted } from '../../kernel/grants.ts';
import { type Secret, secretInput } from '../fragments/secret.ts';
import type { VerifiedHost } from '../host-key/host-key.ts';
import type { HostKeyRequest } from '../host-key/host-key-request.ts';
import { type RemoteCommand, remoteCommand } from '../remote-command.ts';
import { ChannelPool } from './channel-pool.ts';
import type { Link } from './link.ts';
import type { RunResult } from './run-result.ts';
import type { Sftp } from './sftp.ts';
import type { ScriptOptions, ShellChannel } from './shell-channel.ts';

export interface Target extends HostKeyRequest {
  readonly user: string;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** For all of the run, waiting for a channel included. Whole milliseconds, default 600,000. */
  readonly timeoutMs?: number;
  /** For our shell to say that it runs, in whole milliseconds. Default 15,000: some login files are slow. */
  readonly startTimeoutMs?: number;
  /** For standard output and standard error each. Default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** Standard input of the command; without it the command reads nothing. */
  readonly stdin?: string | Buffer;
  /** One value for each variable in the `secrets` of the command; they travel ahead of `stdin`. */
  readonly secrets?: Readonly<Record<string, Secret>>;
}

/** A command whose output is read as it comes. */
export interface StreamedRun {
  readonly stdout: AsyncIterable<Buffer>;
  readonly stderr: AsyncIterable<Buffer>;
  /** As of `run`, with the whole output once more. */
  readonly result: Promise<RunResult>;
}

export const DEFAULT_RUN_MS = 600_000;

const START_MS = 15_000;

/** For a record that no run waits for any more, in milliseconds. */
const RECORD_MS = 5_000;

type RecordArguments = readonly [
  command: RemoteCommand,
  outcome: Effect['outcome'],
  reason: string,
  codes?: readonly string[],
];

const notSent = (cause: unknown): CodedError =>
  new CodedError(
    'ssh.not-sent',
    'the command was not sent: the caller gave up, time was up, or no record could be kept',
    'Nothing ran. Look at the cause, then try again.',
    { cause },
  );

/** A logged-in connection, good for any number of commands at once (eight at a time). */
export class Connection {
  readonly target: Target;
  /** The host as the host-key guard granted it. */
  readonly host: VerifiedHost;
  /** Connections on the way to the host, this one included: 1 when it was reached directly. */
  readonly hops: number;
  /** @internal */
  readonly link: Link;
  readonly #pool: ChannelPool;
  readonly #journal: EvidenceSink;

  /** @internal */
  constructor(link: Link, host: VerifiedHost, target: Target, journal: EvidenceSink, hops: number) {
    this.target = target;
    this.host = host;
    this.hops = hops;
    this.link = link;
    this.#pool = new ChannelPool(link);
    this.#journal = journal;
  }

  /** Whether the link still stood when it was last heard of. */
  get isOpen(): boolean {
    return this.link.isOpen;
  }

  /**
   * Runs a granted command and returns how it ended. Two records say so: one before anything is sent, one after.
   *
   * @throws CodedError `ssh.not-granted`, `ssh.not-connected`, `ssh.channel-refused`, `ssh.shell-unsupported`,
   * `ssh.not-sent`, `ssh.secret-mismatch`, `usage.timeout`: nothing ran; `ssh.unrecorded`. An outcome that nobody knows is returned, not thrown.
   */
  run(command: RemoteCommand, options: RunOptions = {}): Promise<RunResult> {
    return this.#run(command, options);
  }

  /**
   * Runs a granted command as {@link Connection.run} does, with its output as it comes. Both streams end when the outcome
   * is known; until then nothing is. A newline is held back until the byte behind it has come.
   */
  stream(command: RemoteCommand, options: RunOptions = {}): StreamedRun {
    const [stdout, stderr] = [new Readable({ read() {} }), new Readable({ read() {} })];
    const result = this.#run(command, options, (stream, bytes) => {
      (stream === 1 ? stdout : stderr).push(bytes);
    }).finally(() => {
      for (const stream of [stdout, stderr]) stream.push(null);
    });
    result.catch(() => {}); // told to whoever waits for the result
    return { stdout, stderr, result };
  }

  async #run(
    command: RemoteCommand,
    {
      signal,
      timeoutMs = DEFAULT_RUN_MS,
      startTimeoutMs = START_MS,
      maxOutputBytes = 16 * 1024 * 1024,
      stdin,
      secrets = {},
    }: RunOptions,
    onOutput?: ScriptOptions['onOutput'],
  ): Promise<RunResult> {
    if (!isGranted(remoteCommand, command)) {
      throw new CodedError(
        'ssh.not-granted',
        'only a command that the remote-command guard granted is run',
        'Ask the guard: enforce(remoteCommand, request, { journal }).',
      );
    }
    checkTimeout(startTimeoutMs);
    const deadline = new Deadline({ timeoutMs, ...(signal ? { signal } : {}) });
    let result: RunResult;
    try {
      const ahead = Buffer.from(secretInput(command.secrets, secrets));
      const input = stdin === undefined ? ahead : Buffer.concat([ahead, Buffer.from(stdin)]);
      const reads = stdin !== undefined || command.secrets.length > 0;
      const shell = await this.#ready(command, deadline, startTimeoutMs, onOutput !== undefined);
      result = await shell.run(command.script, reads ? input : undefined, {
        deadline,
        maxOutputBytes,
        ...(onOutput ? { onOutput } : {}),
      });
    } catch (error) {
      const refusal = error instanceof CodedError ? error : notSent(error);
      // Should this record fail too, the answer is still no.
      await this.#recordEnd(command, 'none', 'nothing ran', [refusal.code]).catch(() => {});
      throw refusal;
    } finally {
      deadline.end();
    }
    try {
      if (result.outcome === 'exited') await this.#recordEnd(command, 'done', `exit code ${result.code}`);
      else
        await this.#recordEnd(command, 'unknown', 'it is unknown how the command ended', [
          `ssh.${result.cause}`,
        ]);
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

  // The shell starts while the record becomes durable: an idle shell is no effect, the script is.
  async #ready(
    command: RemoteCommand,
    deadline: Deadline,
    startMs: number,
    streamed: boolean,
  ): Promise<ShellChannel> {
    const [record, opened] = await Promise.allSettled([
      deadline.run(() => this.#record(command, 'begun', 'about to be sent')),
      this.#pool.open(deadline, startMs, streamed),
    ]);
    if (record.status === 'fulfilled' && opened.status === 'fulfilled') return opened.value;
    if (opened.status === 'fulfilled') opened.value.close();
    throw record.status === 'rejected' ? record.reason : opened.status === 'rejected' && opened.reason;
  }

  /** @internal As `ChannelPool.openSftp`. */
  openSftp(deadline: Deadline, startMs: number = START_MS): Promise<Sftp | undefined> {
    return this.#pool.openSftp(deadline, startMs);
  }

  /** Ends the connection. Commands that still run stay running on the host; their outcome is unknown. */
  close(): void {
    this.link.close();
  }

  /** Closes the connection and waits until the link is gone: `await using connection = await connect(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.link.closed;
  }

  // How it ended must be told after the deadline too, so this record has time of its own.
  async #recordEnd(...record: RecordArguments): Promise<void> {
    const deadline = new Deadline({ timeoutMs: RECORD_MS });
    try {
      await deadline.run(() => this.#record(...record));
    } finally {
      deadline.end();
    }
  }

  async #record(...[command, outcome, reason, codes = []]: RecordArguments): Promise<void> {
    const { user, host, port } = this.target;
    const subject = { kind: 'remote-run', name: `${user}@${host}:${port}`, digest: command.digest };
    await recordEffect(this.#journal, command, { kind: 'remote-run', outcome, codes, reason, subject });
  }
}
