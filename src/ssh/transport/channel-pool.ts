// The channels of one connection, each with a shell on it: opened when the host has room, and one kept ready where it pays.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import { openShell, SHELL } from './channel.ts';
import type { Deadline } from './deadline.ts';

const ATTEMPTS = 12;
/** RFC 4254 section 5.1: administratively prohibited, connect failed. sshd says the latter beyond MaxSessions. */
const NO_ROOM: ReadonlySet<unknown> = new Set([1, 2]);

export class ChannelPool {
  readonly #client: Client;
  #open: boolean;
  #opened: number;
  #spare: ClientChannel | undefined;
  /** Resolves when the link is gone. */
  readonly closed: Promise<void>;

  constructor(client: Client) {
    this.#client = client;
    this.#open = true;
    this.#opened = 0;
    this.#spare = undefined;
    this.closed = new Promise((resolve) => {
      client.on('close', () => {
        this.#open = false;
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  close(): void {
    this.#open = false;
    this.#client.end();
  }

  /**
   * Returns a channel on which the login shell reads `line`. Retried where the host had no room: a channel that was not
   * opened has run nothing.
   *
   * @throws CodedError `ssh.not-connected`, `ssh.channel-refused`.
   */
  async open(line: string, deadline: Deadline): Promise<ClientChannel> {
    const channel = this.#takeSpare(line) ?? (await this.#openNew(line, deadline));
    if (++this.#opened > 1) this.#prepareSpare();
    return channel;
  }

  async #openNew(line: string, deadline: Deadline): Promise<ClientChannel> {
    for (let attempt = 1; ; attempt++) {
      if (!this.#open) {
        throw new CodedError('ssh.not-connected', 'the connection is closed', 'Connect again; nothing ran.');
      }
      try {
        // A host may take the request and never answer it.
        return await deadline.run(
          () => openShell(this.#client, line),
          (late) => late.close(),
        );
      } catch (error) {
        if (deadline.interrupted) throw deadline.interrupted;
        const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
        const full = NO_ROOM.has(reason);
        if (!this.#open || !full || attempt === ATTEMPTS) {
          throw new CodedError(
            'ssh.channel-refused',
            'the host opened no session for the command',
            'Nothing ran. See MaxSessions and ForceCommand in the sshd_config of the host.',
          );
        }
        const pause = (0.5 + Math.random()) * 5 * 2 ** Math.min(attempt, 7);
        await deadline.run((signal) => sleep(pause, undefined, { signal }));
      }
    }
  }

  // A connection that runs a second command will run a third: its shell starts while the second one works. It is a
  // fresh shell for one command like any other, and has nothing to do until it gets its script.
  #prepareSpare(): void {
    if (this.#spare || !this.#open) return;
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
}
