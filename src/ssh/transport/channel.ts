// One command over one channel. The login shell reads a constant, /bin/sh reads the script from standard input, and
// the exit code comes back in band between two marks, so that what a login file prints is never taken for an answer
// and a link that breaks is never taken for an end. A program that needs standard input gets it; its script then
// travels in the shell-neutral carrier.
import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import { neutral } from '../neutral.ts';
import type { Deadline } from './deadline.ts';
import type { RunResult, Unknown } from './run-result.ts';

/** The whole command line. No byte of it depends on the request, so no login shell has anything to misread. */
export const SHELL = 'exec /bin/sh -s';

export interface ChannelOptions {
  readonly deadline: Deadline;
  /** Bytes of standard output, and of standard error, beyond which the command is ended. */
  readonly maxOutputBytes: number;
}

/** Bytes that a login file may print before the begin mark. */
const MAX_NOISE = 1024 * 1024;

// The script is one simple command, so it can neither leave the braces nor the shell. If it did, no end mark would
// come, and the outcome would be unknown.
const wrap = (command: string, nonce: string): string => `printf '\\n%s begin\\n' ${nonce}
printf '\\n%s begin\\n' ${nonce} >&2
${command}
c=$?
printf '\\n%s end %s\\n' ${nonce} "$c"
printf '\\n%s end %s\\n' ${nonce} "$c" >&2
exit 0
`;

/** A script as one channel needs it. */
export interface Job {
  /** What the login shell gets to read. */
  readonly line: string;
  readonly input: Buffer;
  readonly nonce: string;
}

/**
 * @throws CodedError `ssh.too-long` for a script of more than about 30 KiB that also needs standard input.
 */
export function jobOf(script: string, stdin: Buffer | undefined): Job {
  const nonce = randomBytes(16).toString('hex');
  if (stdin === undefined) {
    // Children find an empty standard input, or they would read the rest of the script.
    return { line: SHELL, input: Buffer.from(wrap(`{\n${script}\n} </dev/null`, nonce)), nonce };
  }
  // Counted, so that the channel can stay open to the end: ssh2 sends no signal once standard input is closed.
  return { line: neutral(wrap(`head -c ${stdin.length} | {\n${script}\n}`, nonce)), input: stdin, nonce };
}

/** Collects one stream and cuts out what stands between the marks. */
class Marked {
  readonly #begin: Buffer;
  readonly #end: Buffer;
  #bytes: Buffer[];
  #tail: Buffer;
  size: number;
  began: boolean;
  code: number | undefined;

  constructor(nonce: string) {
    this.#begin = Buffer.from(`\n${nonce} begin\n`);
    this.#end = Buffer.from(`\n${nonce} end `);
    this.#bytes = [];
    this.#tail = Buffer.alloc(0);
    this.size = 0;
    this.began = false;
    this.code = undefined;
  }

  get body(): Buffer {
    return this.began ? Buffer.concat(this.#bytes) : Buffer.alloc(0);
  }

  push(chunk: Buffer): void {
    if (this.code !== undefined) return; // a child that outlives the script may go on printing
    this.#bytes.push(chunk);
    this.size += chunk.length;
    if (this.began) {
      this.#findEnd(chunk);
      return;
    }
    const all = Buffer.concat(this.#bytes);
    const at = all.indexOf(this.#begin);
    const rest = at < 0 ? all : all.subarray(at + this.#begin.length);
    this.#keep(rest);
    if (at < 0) return;
    this.began = true;
    this.#findEnd(rest);
  }

  #keep(bytes: Buffer): void {
    this.#bytes = [bytes];
    this.size = bytes.length;
  }

  // The mark may come in pieces, so the end of what was searched is searched again. A long output stays linear.
  #findEnd(chunk: Buffer): void {
    const window = Buffer.concat([this.#tail, chunk]);
    const at = window.indexOf(this.#end);
    const after = at < 0 ? '' : window.toString('latin1', at + this.#end.length);
    const [, code] = /^([0-9]{1,3})\n/.exec(after) ?? [];
    this.#tail = window.subarray(-(this.#end.length + 4));
    if (code === undefined) return;
    this.code = Number(code);
    this.#keep(Buffer.concat(this.#bytes).subarray(0, this.size - window.length + at));
  }
}

/** Returns a channel on which the login shell reads `line`. Throws what ssh2 reports; nothing has run then. */
export function openShell(client: Client, line: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(line, (error, channel) => {
      if (error) return reject(error);
      channel.on('error', () => {}); // the close that follows says what there is to say
      resolve(channel);
    });
  });
}

/**
 * Runs the script on the channel and returns how it ended. `closed` is called once the host has let go of the channel.
 *
 * @throws CodedError `ssh.shell-unsupported`: the login shell ran neither our shell nor the script.
 */
export function runScript(
  channel: ClientChannel,
  { nonce, input }: Job,
  { deadline, maxOutputBytes }: ChannelOptions,
  closed: () => void,
): Promise<RunResult> {
  const { signal } = deadline;
  const out = new Marked(nonce);
  const err = new Marked(nonce);
  return new Promise((resolve, reject) => {
    const finish = (
      result: { outcome: 'exited'; code: number } | { outcome: 'unknown'; cause: Unknown },
    ): void => {
      signal.removeEventListener('abort', onAbort);
      resolve({ ...result, stdout: out.body, stderr: err.body });
    };
    const cut = (cause: Unknown): void => {
      // To the whole process group of the command (RFC 4254 section 6.9).
      channel.signal('TERM');
      channel.close();
      finish({ outcome: 'unknown', cause });
    };
    const onAbort = (): void => cut(deadline.interrupted?.code === 'guard.timeout' ? 'timeout' : 'aborted');
    const take = (stream: Marked) => (chunk: Buffer) => {
      stream.push(chunk);
      if (stream.size > (stream.began ? maxOutputBytes : MAX_NOISE)) return cut('output-limit');
      if (out.code === undefined || err.code === undefined) return;
      channel.close();
      finish({ outcome: 'exited', code: out.code });
    };
    channel.on('data', take(out));
    channel.stderr.on('data', take(err));
    // ssh2 repeats the exit code here; its exit event may long be over when a record was slow to become durable.
    channel.on('close', (code: unknown) => {
      const exited = typeof code === 'number';
      closed();
      signal.removeEventListener('abort', onAbort);
      if (out.began || err.began)
        return finish({ outcome: 'unknown', cause: exited ? 'no-exit-code' : 'link-lost' });
      if (!exited) return finish({ outcome: 'unknown', cause: 'link-lost' });
      const message = 'the login shell of this user does not run /bin/sh';
      const remedy = 'Give the user a shell that can exec /bin/sh (not rbash, nologin or git-shell).';
      reject(new CodedError('ssh.shell-unsupported', message, remedy));
    });
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    channel.write(input);
  });
}
