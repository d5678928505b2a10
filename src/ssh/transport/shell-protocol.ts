// How a script gets to /bin/sh on a host, and how both sides know where its output begins and ends.
//
// The login shell is given one constant line; a nonce is its only variable. The shell that the line starts prints a
// begin mark that holds the nonce, and only then is anything of the request sent: a login file that replaces the shell
// (`exec zsh`), or a ForceCommand that reads standard input as a script, never prints the mark and never gets a byte.
// No mark means that nothing ran. The line has no backslash, no `!` and no newline, so every login shell reads it alike.

/** Returns the command line. `nonce` is 32 hex digits. */
export function startLine(nonce: string): string {
  // `read` takes one line and leaves the bytes behind it to the script. A line that was cut off runs nothing, nor does one
  // that `printf %b` leaves as it was: there a backslash is another character (yash in a Shift_JIS locale).
  return `exec /bin/sh -c 'echo; echo "$0 begin 1"; echo >&2; echo "$0 begin 2" >&2; s=; IFS= read -r s || s=; t=$(printf %b "$s"); case "$t" in "$s") echo; echo "$0 unread 1";; *) eval " $t";; esac' ${nonce}`;
}

// Where a login file left a PATH without head(1), the command would read an empty input, and nothing would tell.
const requireHead = (nonce: string): string =>
  `command -v head >/dev/null || { printf '\\n%s unread 1\\n' ${nonce}; exit 0; }\n`;
// The script is one simple command, so it can neither leave the braces nor the shell. If it did, no end mark would
// come, and the outcome would be unknown.
const wrap = (command: string, nonce: string): string => `printf '\\n%s go 1\\n' ${nonce}
printf '\\n%s go 2\\n' ${nonce} >&2
${command}
c=$?
printf '\\n%s end 1 %s\\n' ${nonce} "$c"
printf '\\n%s end 2 %s\\n' ${nonce} "$c" >&2
exit 0
`;

const CODES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9 ./_,:=@+-]/.test(String.fromCharCode(byte))
    ? String.fromCharCode(byte)
    : `\\0${byte.toString(8).padStart(3, '0')}`,
);

/** Returns what the started shell is sent: the script as one line for `printf %b`, and right behind it the input. */
export function scriptMessage(script: string, input: Buffer | undefined, nonce: string): Buffer {
  // Without input, children find an empty standard input. With input it is counted, so that the channel can stay open
  // to the end: no signal can be sent once standard input is closed.
  const fed = input ? `head -c ${input.length} | {\n${script}\n}` : `{\n${script}\n} </dev/null`;
  let line = '';
  const text = (input ? requireHead(nonce) : '') + wrap(fed, nonce);
  for (const byte of Buffer.from(text)) line += CODES[byte];
  return Buffer.concat([Buffer.from(`${line}\n`), input ?? Buffer.alloc(0)]);
}

/** `begin`: our shell runs. `go`: the script runs. `end`: it has ended. `unread`: it never got its script. */
export interface Mark {
  readonly kind: 'begin' | 'go' | 'end' | 'unread';
  /** The stream that the mark was printed to; it arrives on another one where a login file redirects. */
  readonly stream: 1 | 2;
  readonly code: number | undefined;
}

const MARK = /^(?:(?:begin|go|unread) [12]|end [12] [0-9]{1,3})\n/;
/** Longest text behind the nonce: `end 1 255` and a newline. */
const LONGEST = 10;

/** Cuts one stream into marks and what stands between them, in time linear in its bytes however they are cut. */
export class MarkReader {
  readonly #prefix: Buffer;
  #pending: Buffer;

  constructor(nonce: string) {
    this.#prefix = Buffer.from(`\n${nonce} `);
    this.#pending = Buffer.alloc(0);
  }

  /** Calls `text` and `mark` in the order of the stream. What may be the start of a mark is held back. */
  push(chunk: Buffer, text: (bytes: Buffer) => void, mark: (mark: Mark) => void): void {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const at = rest.indexOf(this.#prefix);
      if (at < 0) break;
      const after = rest.subarray(at + this.#prefix.length);
      const [whole] = MARK.exec(after.toString('latin1', 0, LONGEST)) ?? [];
      if (whole === undefined && after.length < LONGEST) {
        if (at > 0) text(rest.subarray(0, at));
        this.#pending = Buffer.from(rest.subarray(at));
        return;
      }
      // Text of the program that looks like the start of a mark, and is none.
      const end = whole === undefined ? at + this.#prefix.length : at;
      if (end > 0) text(rest.subarray(0, end));
      if (whole !== undefined) {
        const [kind, stream, code] = whole.trimEnd().split(' ');
        mark({
          kind: kind as Mark['kind'],
          stream: stream === '1' ? 1 : 2,
          code: code === undefined ? undefined : Number(code),
        });
      }
      rest = whole === undefined ? after : after.subarray(whole.length);
    }
    const held = this.#heldBack(rest);
    if (held < rest.length) text(rest.subarray(0, rest.length - held));
    this.#pending = Buffer.from(rest.subarray(rest.length - held));
  }

  /** What is held back at the end of the stream: no mark after all. */
  flush(text: (bytes: Buffer) => void): void {
    if (this.#pending.length > 0) text(this.#pending);
    this.#pending = Buffer.alloc(0);
  }

  /** Length of the longest end of `bytes` that the prefix of a mark starts with. */
  #heldBack(bytes: Buffer): number {
    const from = Math.max(0, bytes.length - this.#prefix.length + 1);
    for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
      if (this.#prefix.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return bytes.length - at;
    }
    return 0;
  }
}
