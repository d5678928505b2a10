// The shell-neutral carrier, for login shells that are not POSIX. fish, csh, rc and elvish each give single quotes
// another meaning, so the login shell gets a constant and words of letters, digits, `.`, `/`, `-` and `_`, which none
// of them can misread; /bin/sh decodes those and runs the command.
import { CodedError } from '../evidence/coded-error.ts';
import { requireText } from './fragments/fault.ts';

/** MAX_ARG_STRLEN of Linux less the final NUL: the longest command that `sh -c` can be given, in bytes of UTF-8. */
export const MAX_COMMAND_BYTES = 131_071;

// `$0` is the first word. The blank in front of the decoded text keeps `eval` from taking a leading `-` for an option.
const CARRIER = `exec /bin/sh -c 'eval " $(printf %b "$(printf %s "$0" "$@" | tr _ "\\134")")"'`;

// csh refuses words beyond a few thousand bytes ("Word too long").
const WORD_BYTES = 1_000;

const CODES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9./-]/.test(String.fromCharCode(byte))
    ? String.fromCharCode(byte)
    : `_0${byte.toString(8).padStart(3, '0')}`,
);

/**
 * Returns `line`, POSIX sh source, as a command that every login shell able to `exec /bin/sh` runs alike. Standard
 * input stays free for the program. Every byte but `[A-Za-z0-9./-]` becomes `_0` and three octal digits.
 *
 * @throws CodedError `ssh.nul`, `ssh.lone-surrogate`, `ssh.too-long` for more than {@link MAX_COMMAND_BYTES} of result.
 */
export function neutral(line: string): string {
  requireText(line, 'the line');
  let words = '';
  let room = 0;
  for (const byte of Buffer.from(line)) {
    const code = CODES[byte] ?? '';
    if (code.length > room) {
      words += ' ';
      room = WORD_BYTES;
    }
    words += code;
    room -= code.length;
  }
  const command = CARRIER + (words || ' _0072'); // an empty line is the command `:`
  if (command.length <= MAX_COMMAND_BYTES) return command;
  const remedy = 'Send the script on the standard input of /bin/sh instead; the transport does.';
  throw new CodedError('ssh.too-long', 'the neutral form is longer than a shell can be given', remedy);
}
