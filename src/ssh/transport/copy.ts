// Files to and from a host, each verified by a digest that the host computes. The bytes go by SFTP where the host offers
// it; a command, granted and recorded like any other, then verifies them and gives the file its name. Where there is no
// SFTP, or it does not see what the shell sees, the same command takes the bytes from its input, and says why it cannot.
import { randomBytes } from 'node:crypto';
import { CodedError } from '../../evidence/coded-error.ts';
import { sha256Hex } from '../../evidence/sha256.ts';
import { Deadline } from '../../kernel/deadline.ts';
import { type Effect, recordEffect } from '../../kernel/effect.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import type { Argument } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { argv } from '../recipes/argv.ts';
import { type RemoteCommand, remoteCommand } from '../remote-command.ts';
import { type Connection, DEFAULT_RUN_MS, type RunOptions } from './connection.ts';
import type { RunResult } from './run-result.ts';
import { said } from './said.ts';
import { type Sftp, SftpFault } from './sftp.ts';

// Read from standard input: with a file name, GNU's escapes names that hold a backslash or a newline.
const DIGEST = `digest() {
  { sha256sum || busybox sha256sum || openssl dgst -sha256 -r || shasum -a 256; } <"$1" 2>/dev/null | cut -c 1-64
}
`;

// Exit codes of our own: 65 another digest, 66 not a file. What SFTP did not bring comes on the input, to a file that is
// new (`set -C` is O_EXCL). A server of SFTP may have been told to give files another mode.
const UPLOAD = `${DIGEST}t=$1.$2
[ -d "$1" ] && { rm -f -- "$t"; exit 66; }
umask 077
set -C
[ -f "$t" ] || cat >"$t" || exit 1
set +C
[ "$(digest "$t")" = "$3" ] || { rm -f -- "$t"; exit 65; }
sync "$t" 2>/dev/null
chmod 600 "$t" && mv -f -- "$t" "$1" || { rm -f -- "$t"; exit 1; }
`;

// A line on the input says that the bytes are known by now. A file that changes in between does not match its digest. To
// open a FIFO would wait for its writer.
const DOWNLOAD = `${DIGEST}[ -e "$1" ] && ! [ -f "$1" ] && exit 66
printf '%064s\\n' "$(digest "$1")" && { read -r known || cat <"$1"; }
`;

export interface CopyOptions extends EnforceOptions, Pick<RunOptions, 'startTimeoutMs'> {}

/** Returns the output of a copy that succeeded. */
function outputOf(result: RunResult): Buffer {
  if (result.outcome === 'unknown')
    throw new CodedError(
      'ssh.copy-unknown',
      'nobody knows how the copy ended',
      'Copy again: nothing half-written is used.',
    );
  if (result.code === 0 && !result.lost.includes('stdout')) return result.stdout;
  if (result.code === 65) throw mismatch();
  if (result.code === 66)
    throw new CodedError('ssh.copy-directory', 'the path is a directory, or no file', 'Name a file.');
  throw failed(`the host could not copy the file (${said(result.stderr.toString('latin1'))})`);
}

const failed = (says: string, cause?: unknown): CodedError =>
  new CodedError('ssh.copy-failed', says, 'Look at the path, its permissions and the space there.', {
    cause,
  });

const mismatch = (): CodedError =>
  new CodedError(
    'ssh.copy-mismatch',
    'the digest that the host computed is another one, or it has no program for SHA-256',
    'Copy again; if it stays so, look at the disk of the host, and for sha256sum, busybox, openssl or shasum.',
  );

/** For the removal of what a failed copy left, in milliseconds. */
const REMOVAL_MS = 5_000;

/** One copy: what it was granted, and the time that it has. */
interface Copy {
  readonly connection: Connection;
  readonly command: RemoteCommand;
  readonly options: CopyOptions;
  readonly deadline: Deadline;
}

async function startCopy<T>(
  connection: Connection,
  words: readonly Argument[],
  options: CopyOptions,
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const { signal, timeoutMs = DEFAULT_RUN_MS } = options;
  const deadline = new Deadline({ timeoutMs, ...(signal ? { signal } : {}) });
  try {
    const command = await enforce(remoteCommand, argv(['/bin/sh', '-c', ...words]), options);
    return await work({ connection, command, options, deadline });
  } finally {
    deadline.end();
  }
}

/** Runs the command of a copy, within what is left of its time. */
function run({ connection, command, options, deadline }: Copy, more: RunOptions): Promise<RunResult> {
  const { signal, startTimeoutMs } = options;
  return connection.run(command, {
    timeoutMs: deadline.remainingMs,
    ...(signal ? { signal } : {}),
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    ...more,
  });
}

/**
 * Returns what `work` did by SFTP, on a session that is closed by then: a host may have one session alone. `undefined`
 * where the host offers no SFTP, or it failed: the command can do all of it, and says why when it cannot.
 */
async function bySftp<T>(copy: Copy, work: (sftp: Sftp) => Promise<T>): Promise<T | undefined> {
  const { connection, command, options, deadline } = copy;
  const { user, host, port } = connection.target;
  const subject = { kind: 'sftp', name: `${user}@${host}:${port}`, digest: command.digest };
  const record = (outcome: Effect['outcome'], reason: string): Promise<string> =>
    recordEffect(options.journal, command, { kind: 'sftp', outcome, codes: [], reason, subject });
  let sftp: Sftp | undefined;
  try {
    sftp = await connection.openSftp(deadline, options.startTimeoutMs);
    if (!sftp) return undefined;
    const session = sftp;
    await deadline.run(() => record('begun', 'about to be copied by SFTP'));
    const result = await deadline.run(() => work(session));
    await record('done', 'copied by SFTP, and not yet verified');
    return result;
  } catch (error) {
    if (deadline.interrupted) throw failed('the copy took too long, or the caller gave up', error);
    if (!(error instanceof SftpFault)) throw error;
    await record('unknown', 'SFTP failed');
    return undefined;
  } finally {
    sftp?.close();
  }
}

/** Takes away what a copy by SFTP left, where the host still lets us. */
async function removeLeftover({ connection }: Copy, path: string): Promise<void> {
  const deadline = new Deadline({ timeoutMs: REMOVAL_MS });
  try {
    const sftp = await connection.openSftp(deadline);
    await deadline.run(async () => sftp?.remove(path)).finally(() => sftp?.close());
  } catch {
    // it is not there, or the link is gone
  } finally {
    deadline.end();
  }
}

/**
 * Writes a file on the host, mode 0600, in one step: under another name first, in the same directory, and renamed once the
 * host has computed the right digest. Returns that digest, `sha256:` and hex digits. `path` is one that the remote-command
 * guard takes. When the link is lost, a file of that other name (the name, `.` and 16 hex digits) may stay.
 *
 * @throws GuardRefusal with a `command.*` code; CodedError `ssh.copy-mismatch`, `ssh.copy-directory`, `ssh.copy-failed`:
 * the file is as it was before; `ssh.copy-unknown`; as `Connection.run`.
 */
export function uploadFile(
  connection: Connection,
  bytes: Buffer,
  path: string,
  options: CopyOptions,
): Promise<string> {
  const digest = sha256Hex(bytes);
  const suffix = randomBytes(8).toString('hex');
  return startCopy(connection, [UPLOAD, 'sh', { path }, suffix, digest], options, async (copy) => {
    const temporary = `${RemotePath.parse(path).fromLogin}.${suffix}`;
    try {
      const there = await bySftp(copy, (sftp) => sftp.writeNew(temporary, bytes).then(() => true));
      const result = await run(copy, { stdin: there ? '' : bytes });
      // SFTP may have shown another directory than the shell sees.
      const isUnseen = there && result.outcome === 'exited' && result.code === 65;
      if (isUnseen) await removeLeftover(copy, temporary);
      outputOf(isUnseen ? await run(copy, { stdin: bytes }) : result);
    } catch (error) {
      await removeLeftover(copy, temporary);
      throw error;
    }
    return `sha256:${digest}`;
  });
}

/** Bytes in front of the file: 64 hex digits and a newline. */
const HEADER = 65;

/**
 * Returns the bytes of a file on the host, if they have the digest that the host computed. `maxBytes` is 16 MiB unless
 * told otherwise; a longer file is refused.
 *
 * @throws as {@link uploadFile}; CodedError `ssh.copy-too-large`.
 */
export function downloadFile(
  connection: Connection,
  path: string,
  { maxBytes = 16 * 1024 * 1024, ...options }: CopyOptions & { readonly maxBytes?: number },
): Promise<Buffer> {
  const tooLarge = (): CodedError =>
    new CodedError('ssh.copy-too-large', `the file has more than ${maxBytes} bytes`, 'Raise maxBytes.');
  const isDigestOf = (bytes: Buffer, output: Buffer): boolean =>
    output.toString('latin1', 0, HEADER) === `${sha256Hex(bytes)}\n`;
  return startCopy(connection, [DOWNLOAD, 'sh', { path }], options, async (copy) => {
    const remote = RemotePath.parse(path).fromLogin;
    const carried = await bySftp(copy, (sftp) => sftp.read(remote, maxBytes));
    if (carried) {
      const output = outputOf(await run(copy, { stdin: '\n', maxOutputBytes: HEADER }));
      if (carried.length > maxBytes) throw tooLarge();
      if (isDigestOf(carried, output)) return carried;
    }
    const result = await run(copy, { maxOutputBytes: maxBytes + HEADER });
    if (result.outcome === 'unknown' && result.cause === 'output-limit') throw tooLarge();
    const output = outputOf(result);
    const bytes = output.subarray(HEADER);
    if (bytes.length > maxBytes) throw tooLarge(); // a file that comes in one piece with its exit code was not cut
    if (!isDigestOf(bytes, output)) throw mismatch();
    return bytes;
  });
}
