// One channel with our shell on it: started, proven by its mark, and then good for one script.
import { randomBytes } from 'node:crypto';
import { CodedError } from '../../evidence/coded-error.ts';
import type { Deadline } from '../../kernel/deadline.ts';
import type { Channel, Link, StreamNumber } from './link.ts';
import type { RunResult, Unknown } from './run-result.ts';
import { type Mark, MarkReader, scriptMessage, startLine } from './shell-protocol.ts';

export interface ScriptOptions {
  readonly deadline: Deadline;
  /** Bytes of standard output, and of standard error, beyond which the command is ended. */
  readonly maxOutputBytes: number;
  /** Told of the output of the command as it comes. */
  readonly onOutput?: (stream: StreamNumber, bytes: Buffer) => void;
}

/** Bytes that a login file may print before the begin mark. */
const MAX_NOISE = 1024 * 1024;
/** How long the second end mark may take once the first is there. A login file may have closed its stream. */
const END_GRACE_MS = 2_000;
/** How long the host may take to close a channel whose script has ended. A child of it may hold on to the channel. */
const LEAVE_MS = 2_000;

export const neverStarted = (why: string): CodedError =>
  new CodedError(
    'ssh.shell-unsupported',
    `our shell did not start on the host (${why}); nothing of the command was sent`,
    'Let the login shell of this user, its login files and ForceCommand run `exec /bin/sh` (not rbash, nologin, git-shell, `exec zsh`).',
  );

class Stream {
  readonly reader: MarkReader;
  readonly number: StreamNumber;
  readonly #chunks: Buffer[];
  size: number;
  state: 'noise' | 'body' | 'ended';
  onOutput: ScriptOptions['onOutput'];

  constructor(number: StreamNumber, nonce: string) {
    this.reader = new MarkReader(nonce);
    this.number = number;
    this.#chunks = [];
    this.size = 0;
    this.state = 'noise';
  }

  readonly take = (bytes: Buffer): void => {
    if (this.state === 'ended') return; // a child that outlives the script may go on printing
    this.size += bytes.length;
    if (this.state !== 'body') return;
    this.#chunks.push(bytes);
    this.onOutput?.(this.number, bytes);
  };

  /** Once: a host that begins again and again would have no limit. */
  begin(): void {
    if (this.state !== 'noise') return;
    this.size = 0;
    this.state = 'body';
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What still comes is in no result, so nobody is told of it and nothing is kept: a host may go on after its channel is closed. */
  drop(): void {
    this.state = 'ended';
    this.#chunks.length = 0;
    this.onOutput = undefined;
  }
}

export class ShellChannel {
  readonly #nonce: string;
  readonly #streams: readonly [Stream, Stream];
  #channel: Channel | undefined;
  #sent: boolean;
  #started: boolean;
  #code: number | undefined;
  #ends: number;
  #status: { readonly code: number | undefined } | undefined;
  #unread: boolean;
  #onBegin: (error?: CodedError) => void;
  #onStart: () => void;
  #onGone: () => void;
  #onChange: () => void;
  /** Resolves at the begin mark. Rejects with `ssh.shell-unsupported`: nothing was sent, so nothing ran. */
  readonly begun: Promise<void>;
  /** Resolves when the script runs, or the channel is gone. */
  readonly started: Promise<void>;
  /** Resolves when the channel is gone. */
  readonly gone: Promise<void>;

  private constructor() {
    this.#nonce = randomBytes(16).toString('hex');
    this.#streams = [new Stream(1, this.#nonce), new Stream(2, this.#nonce)];
    this.#sent = false;
    this.#started = false;
    this.#ends = 0;
    this.#unread = false;
    this.#onBegin = () => {};
    this.#onStart = () => {};
    this.#onGone = () => {};
    this.#onChange = () => {};
    this.begun = new Promise((resolve, reject) => {
      this.#onBegin = (error) => (error ? reject(error) : resolve());
    });
    this.begun.catch(() => {}); // a spare that fails is told when it is used
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve;
    });
    this.started = Promise.race([
      this.gone,
      new Promise<void>((resolve) => {
        this.#onStart = resolve;
      }),
    ]);
  }

  /** Opens a channel. Throws what the transport reports; nothing has run then. */
  static async open(link: Link): Promise<ShellChannel> {
    const shell = new ShellChannel();
    shell.#channel = await link.exec(startLine(shell.#nonce), {
      data: (stream, bytes) => shell.#onData(stream, bytes),
      closed: (status) => shell.#onClosed(status),
    });
    return shell;
  }

  get isOpen(): boolean {
    return this.#status === undefined;
  }

  close(): void {
    this.#channel?.close();
  }

  /** Lets the host close first: Dropbear ends the whole connection where we close while it reads the end of the shell. */
  #leave(): void {
    const patience = setTimeout(() => this.close(), LEAVE_MS);
    patience.unref();
    void this.gone.then(() => clearTimeout(patience));
  }

  #onData(number: StreamNumber, bytes: Buffer): void {
    const stream = this.#streams[number - 1] as Stream;
    stream.reader.push(bytes, stream.take, (mark) => this.#onMark(mark, stream));
    if (!this.#sent && stream.size > MAX_NOISE) {
      this.#onBegin(neverStarted('a login file prints without end'));
      this.close();
    }
    this.#onChange();
  }

  #onMark({ kind, stream: printedTo, code }: Mark, stream: Stream): void {
    const own = printedTo === stream.number;
    if (kind === 'begin') {
      this.#onBegin();
      // Nothing is printed to standard error between this mark and the script, so it needs no second one.
      if (own && printedTo === 2) stream.begin();
    }
    // Only our own shell prints this one, in the place of `go`, which would have come by the same way.
    if (kind === 'unread' && own && !this.#started) this.#unread = true;
    if (kind === 'go') {
      this.#started = true;
      this.#onStart();
      if (own) stream.begin();
    }
    if (kind === 'end' && code !== undefined) {
      this.#code ??= code;
      this.#ends++;
      if (own) stream.state = 'ended';
    }
  }

  #onClosed(status: number | undefined): void {
    if (this.#status) return;
    this.#status = { code: status };
    for (const stream of this.#streams) stream.reader.flush(stream.take);
    if (!this.#sent)
      this.#onBegin(neverStarted(status === undefined ? 'the link was lost' : 'it ended at once'));
    this.#onChange();
    this.#onGone();
  }

  /**
   * Sends the script, once `begun` has resolved, and returns how it ended.
   *
   * @throws CodedError `ssh.shell-unsupported` when our shell says that it could not read the script: nothing ran.
   */
  run(script: string, input: Buffer | undefined, options: ScriptOptions): Promise<RunResult> {
    const { deadline, maxOutputBytes, onOutput } = options;
    for (const stream of this.#streams) stream.onOutput = onOutput;
    const { signal } = deadline;
    return new Promise((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      const settle = (): void => {
        signal.removeEventListener('abort', onAbort);
        clearTimeout(grace);
        this.#onChange = () => {};
        for (const stream of this.#streams) stream.drop();
      };
      const finish = (cause: Unknown): void => {
        // A code that arrived is the truth, whatever else was lost.
        const result = this.#result(cause);
        settle();
        resolve(result);
      };
      const cut = (cause: Unknown): void => {
        this.#channel?.terminate();
        this.close();
        finish(cause);
      };
      const onAbort = (): void => cut(deadline.interrupted?.code === 'guard.timeout' ? 'timeout' : 'aborted');
      this.#onChange = () => {
        if (this.#unread) {
          settle();
          this.close();
          return reject(
            neverStarted(
              'it could not read what was sent: its input is closed, a backslash quotes nothing there, or PATH has no head or printf',
            ),
          );
        }
        if (this.#streams.some(({ size }) => size > Math.max(maxOutputBytes, this.#started ? 0 : MAX_NOISE)))
          return cut('output-limit');
        if (this.#ends >= 2) {
          this.#leave();
          return finish('no-exit-code');
        }
        if (this.#status) return finish(this.#status.code === undefined ? 'link-lost' : 'no-exit-code');
        if (this.#code !== undefined) grace ??= setTimeout(() => cut('no-exit-code'), END_GRACE_MS);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      const message = scriptMessage(script, input);
      this.#sent = true;
      try {
        this.#channel?.write(message);
      } catch {
        return cut('link-lost'); // some of it may have left
      }
      this.#onChange();
    });
  }

  #result(cause: Unknown): RunResult {
    const [out, err] = this.#streams;
    const lost = this.#streams
      .filter(({ state }) => state !== 'ended')
      .map(({ number }) => (number === 1 ? 'stdout' : 'stderr') as 'stdout' | 'stderr');
    const output = { stdout: out.body, stderr: err.body, lost };
    return this.#code === undefined
      ? { outcome: 'unknown', cause, started: this.#started, ...output }
      : { outcome: 'exited', code: this.#code, ...output };
  }
}
