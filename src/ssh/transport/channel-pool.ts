// The channels of one connection: opened when the host has room, and one kept ready where it pays.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../evidence/coded-error.ts';
import type { Deadline } from '../../kernel/deadline.ts';
import type { Link } from './link.ts';
import { Semaphore } from './semaphore.ts';
import { Sftp } from './sftp.ts';
import { neverStarted, ShellChannel } from './shell-channel.ts';

/** What is started on a channel, and proves itself before it is given anything. */
interface Starting {
  readonly begun: Promise<void>;
  readonly gone: Promise<void>;
  close(): void;
}

/** The right to one session at a time. It may be another one from one moment to the next. */
interface Place {
  release: () => void;
}

/** sshd allows ten sessions to a connection (sshd_config(5), MaxSessions). One of these is the one kept ready. */
const SESSIONS = 9;
/**
 * Dropbear (seen in 2022.83) takes a session that was opened, and not yet given its command, for one that has ended when
 * the process of another session ends; then it fails an assertion, and every command of the connection is lost.
 * One session at a time cannot meet that.
 */
const sessionsOf = (software: string): number => (/^dropbear(?:_|$)/i.test(software) ? 1 : SESSIONS);
/** Refusals in a row while no channel of ours is open. */
const ATTEMPTS = 12;

export class ChannelPool {
  readonly #link: Link;
  readonly #places: Semaphore;
  /** How many the host allows, as far as it has shown. */
  #sessions: number;
  #open: number;
  #used: number;
  #spare: ShellChannel | undefined;
  /** A host that once had no SFTP is not asked again: what answers in its place may take all of the time for it. */
  #hasSftp: boolean;

  constructor(link: Link) {
    this.#link = link;
    this.#sessions = sessionsOf(link.software);
    this.#places = new Semaphore(Math.max(1, this.#sessions - 1));
    this.#open = 0;
    this.#used = 0;
    this.#spare = undefined;
    this.#hasSftp = true;
  }

  /**
   * Returns a channel on which our shell has said that it runs; `startMs` bounds the wait for that. Back to back, commands
   * are soonest over when the next shell starts beside this one; the first output of one that is `streamed` is soonest
   * there when the next shell starts behind it.
   *
   * @throws CodedError `ssh.not-connected`, `ssh.channel-refused`, `ssh.shell-unsupported`, Interrupted: nothing ran.
   */
  async open(deadline: Deadline, startMs: number, streamed: boolean): Promise<ShellChannel> {
    const place: Place = { release: await this.#places.acquire(deadline.signal) };
    let shell: ShellChannel | undefined;
    try {
      shell =
        this.#takeSpare() ?? (await this.#openNew(deadline, place, () => ShellChannel.open(this.#link)));
      if (++this.#used > 1) {
        if (streamed) void shell.started.then(() => this.#prepareSpare());
        else this.#prepareSpare();
      }
      await this.#begun(shell, deadline, startMs);
      void shell.gone.then(place.release);
      return shell;
    } catch (error) {
      shell?.close();
      place.release();
      if (!this.#link.isOpen && !deadline.interrupted) throw notConnected(error);
      throw error;
    }
  }

  /**
   * Returns an SFTP session, or `undefined` where the host offers none or what answers does not speak it. It takes the
   * place of a command until it is gone.
   *
   * @throws CodedError `ssh.not-connected`, `ssh.channel-refused`, Interrupted: nothing was sent.
   */
  async openSftp(deadline: Deadline, startMs: number): Promise<Sftp | undefined> {
    if (!this.#hasSftp) return undefined;
    const place: Place = { release: await this.#places.acquire(deadline.signal) };
    let sftp: Sftp | undefined;
    try {
      sftp = await this.#openNew(deadline, place, () => Sftp.open(this.#link));
      if (sftp) await this.#begun(sftp, deadline, startMs);
      else this.#hasSftp = false;
      return sftp;
    } catch (error) {
      sftp?.close();
      if (!this.#link.isOpen && !deadline.interrupted) throw notConnected(error);
      if (!sftp || deadline.interrupted) throw error;
      this.#hasSftp = false;
      return undefined;
    } finally {
      if (sftp) void sftp.gone.then(place.release);
      else place.release();
    }
  }

  async #begun(shell: Starting, deadline: Deadline, startMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(neverStarted('it gave no sign in time')), startMs);
    });
    try {
      await deadline.run(() => Promise.race([shell.begun, late]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #openNew<T extends Starting | undefined>(
    deadline: Deadline,
    place: Place,
    open: () => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; ) {
      if (!this.#link.isOpen) throw notConnected();
      try {
        // A host may take the request and never answer it.
        return await deadline.run(
          () => this.#openCounted(open),
          (late) => late?.close(),
        );
      } catch (error) {
        if (deadline.interrupted) throw deadline.interrupted;
        if (!this.#link.isOpen) throw notConnected(error);
        // What is refused has run nothing. While others of ours are open there will be room, so the wait goes on; an
        // idle spare, which another command may have left, would hold its session for ever.
        this.#takeSpare()?.close();
        this.#shrink();
        if (this.#open === 0 && attempt++ === ATTEMPTS) {
          throw new CodedError(
            'ssh.channel-refused',
            'the host opened no session for the command',
            'Nothing ran. See MaxSessions and ForceCommand in the sshd_config of the host.',
            { cause: error },
          );
        }
        // Until one of ours is gone there is no room: to ask again and again would take the time of both sides.
        if (this.#open > 0) {
          place.release();
          place.release = await this.#places.acquire(deadline.signal);
        }
        const pause = (0.5 + Math.random()) * 5 * 2 ** Math.min(attempt, 7);
        await deadline.run(() => sleep(pause, undefined, { signal: deadline.signal }));
      }
    }
  }

  async #openCounted<T extends Starting | undefined>(open: () => Promise<T>): Promise<T> {
    const opened = await open();
    if (!opened) return opened;
    this.#open++;
    void opened.gone.then(() => this.#open--);
    return opened;
  }

  // A connection that runs a second command will run a third: its shell starts while the second one works. It is a
  // fresh shell for one command like any other, and has nothing to do until it gets its script.
  #prepareSpare(): void {
    if (this.#spare || !this.#link.isOpen || this.#open >= this.#sessions) return;
    this.#openCounted(() => ShellChannel.open(this.#link)).then(
      (shell) => {
        if (this.#spare || !this.#link.isOpen) return shell.close();
        this.#spare = shell;
        void shell.gone.then(() => {
          if (this.#spare === shell) this.#spare = undefined;
        });
      },
      () => this.#shrink(), // no room for a spare: the next command opens its own
    );
  }

  #shrink(): void {
    this.#sessions = Math.max(1, Math.min(this.#sessions, this.#open));
    this.#places.shrink(this.#sessions);
  }

  #takeSpare(): ShellChannel | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.isOpen ? spare : undefined;
  }
}

const notConnected = (cause?: unknown): CodedError =>
  new CodedError('ssh.not-connected', 'the connection is closed', 'Nothing ran. Connect again.', { cause });
