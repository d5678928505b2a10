// Files to and from a host, each verified by a digest that the host computes. Both are commands like any other: granted,
// recorded, and sent over the same channels, so that no subsystem of the host is needed.
import { createHash, randomBytes } from 'node:crypto';
import { CodedError } from '../../evidence/coded-error.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import { argv } from '../recipes/argv.ts';
import { remoteCommand } from '../remote-command.ts';
import type { Connection, RunOptions } from './connection.ts';
import type { RunResult } from './run-result.ts';
import { said } from './said.ts';

// Read from standard input: with a file name, GNU's escapes names that hold a backslash or a newline.
const DIGEST = `digest() {
  { sha256sum || busybox sha256sum || openssl dgst -sha256 -r || shasum -a 256; } <"$1" 2>/dev/null | cut -c 1-64
}
`;

// Exit codes of our own: 65 another digest, 66 a directory in the way. \`set -C\`: the temporary file is a new one (O_EXCL).
const UPLOAD = `${DIGEST}[ -d "$1" ] && exit 66
t=$1.$2
umask 077
set -C
cat >"$t" || exit 1
set +C
[ "$(digest "$t")" = "$3" ] || { rm -f -- "$t"; exit 65; }
sync "$t" 2>/dev/null
mv -f -- "$t" "$1" || { rm -f -- "$t"; exit 1; }
`;

// The digest goes ahead of the bytes: a file that changes in between does not match it.
const DOWNLOAD = `${DIGEST}[ -d "$1" ] && exit 66
printf '%064s\\n' "$(digest "$1")" && cat <"$1"
`;

export interface CopyOptions extends EnforceOptions, Pick<RunOptions, 'startTimeoutMs'> {}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

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
    throw new CodedError('ssh.copy-directory', 'the path is a directory', 'Name a file.');
  const why = said(result.stderr.toString('latin1'));
  throw new CodedError(
    'ssh.copy-failed',
    `the host could not copy the file (${why})`,
    'Look at the path, its permissions and the space there.',
  );
}

const mismatch = (): CodedError =>
  new CodedError(
    'ssh.copy-mismatch',
    'the digest that the host computed is another one, or it has no program for SHA-256',
    'Copy again; if it stays so, look at the disk of the host, and for sha256sum, busybox, openssl or shasum.',
  );

const sent = ({ signal, timeoutMs, startTimeoutMs }: CopyOptions): RunOptions => ({
  ...(signal ? { signal } : {}),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
  ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
});

/**
 * Writes a file on the host, mode 0600, in one step: under another name first, in the same directory, and renamed once the
 * host has computed the right digest. Returns that digest, `sha256:` and hex digits. `path` is one that the remote-command guard takes.
 *
 * @throws GuardRefusal with a `command.*` code; CodedError `ssh.copy-mismatch`, `ssh.copy-directory`, `ssh.copy-failed`:
 * the file is as it was before; `ssh.copy-unknown`; as `Connection.run`.
 */
export async function uploadFile(
  connection: Connection,
  bytes: Buffer,
  path: string,
  options: CopyOptions,
): Promise<string> {
  const digest = sha256(bytes);
  const words = ['/bin/sh', '-c', UPLOAD, 'sh', { path }, randomBytes(8).toString('hex'), digest];
  const command = await enforce(remoteCommand, argv(words), options);
  outputOf(await connection.run(command, { ...sent(options), stdin: bytes }));
  return `sha256:${digest}`;
}

/** Bytes in front of the file: 64 hex digits and a newline. */
const HEADER = 65;

/**
 * Returns the bytes of a file on the host, if they have the digest that the host computed. `maxBytes` is 16 MiB unless
 * told otherwise; a longer file is refused.
 *
 * @throws as {@link uploadFile}.
 */
export async function downloadFile(
  connection: Connection,
  path: string,
  { maxBytes = 16 * 1024 * 1024, ...options }: CopyOptions & { readonly maxBytes?: number },
): Promise<Buffer> {
  const command = await enforce(remoteCommand, argv(['/bin/sh', '-c', DOWNLOAD, 'sh', { path }]), options);
  const result = await connection.run(command, { ...sent(options), maxOutputBytes: maxBytes + HEADER });
  const tooLarge = (): CodedError =>
    new CodedError('ssh.copy-too-large', `the file has more than ${maxBytes} bytes`, 'Raise maxBytes.');
  if (result.outcome === 'unknown' && result.cause === 'output-limit') throw tooLarge();
  const output = outputOf(result);
  const bytes = output.subarray(HEADER);
  if (bytes.length > maxBytes) throw tooLarge(); // a file that comes in one piece with its exit code was not cut
  if (output.toString('latin1', 0, HEADER) !== `${sha256(bytes)}\n`) throw mismatch();
  return bytes;
}
