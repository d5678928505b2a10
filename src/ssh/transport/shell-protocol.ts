// How a script gets to /bin/sh on a host, and how both sides know where its output begins and ends.
//
// The login shell is given one constant line; a nonce is its only variable. The shell that the line starts prints a
// begin mark that holds the nonce, and only then is anything of the request sent: a login file that replaces the shell
// (`exec zsh`), or a ForceCommand that reads standard input as a script, never prints the mark and never gets a byte.
// No mark means that nothing ran. The line has no backslash, no `!` and no newline, so every login shell reads it alike.

// IFS starts as a blank, a tab and a newline: a newline, which the line itself cannot hold, without a process to make one.
// Shells do not take it from their environment; in one that does (posh) no mark is found, and nothing runs.
const NEWLINE = `\${IFS#??}`;
const say = (mark: string): string => `echo "${NEWLINE}$0 ${mark}"`;

/** Returns the command line. `nonce` is 32 hex digits. */
export function startLine(nonce: string): string {
  // `read` takes one line and leaves the bytes behind it to the script. A line that was cut off runs nothing. The variable
  // is not named as one that a host may export: the program would get it.
  return `exec /bin/sh -c '${say('begin 1')}; ${say('begin 2')} >&2; IFS= read -r guardrails_line || guardrails_line=; case "$guardrails_line" in "") ${say('unread 1')};; *) eval "$guardrails_line"; set -- $?; ${say('end 1 $1')}; ${say('end 2 $1')} >&2;; esac' ${nonce}`;
}

const PLAIN = /^[ -~\n]*$/;

const CODES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9 ./_,:=@+-]/.test(String.fromCharCode(byte))
    ? String.fromCharCode(byte)
    : `\\0${byte.toString(8).padStart(3, '0')}`,
);

/**
 * Returns what the started shell is sent: one line that runs the script, and right behind it the input. The script is one
 * simple command, so it cannot leave the shell. If it did, no end mark would come, and the outcome would be unknown.
 */
export function scriptMessage(script: string, input: Buffer | undefined): Buffer {
  const unread = `{ ${say('unread 1')}; exit; }`;
  const before: string[] = [];
  let word = `'${script.replaceAll("'", `'"'"'`).replaceAll('\n', `'"${NEWLINE}"'`)}'`;
  if (!PLAIN.test(script)) {
    // `read` of some shells changes such bytes. printf(1) may be missing, or take no word as long as that.
    let codes = '';
    for (const byte of Buffer.from(script)) codes += CODES[byte];
    before.push(`guardrails_line=$(printf %b '${codes}') || ${unread}`);
    word = '"$guardrails_line"';
  }
  // Without input, children find an empty standard input. With input it is counted, so that the channel can stay open
  // to the end: no signal can be sent once standard input is closed. Where a login file left a PATH without head(1), the
  // command would read an empty input, and nothing would tell.
  if (input) before.push(`command -v head >/dev/null || ${unread}`);
  const run = input ? `head -c ${input.length} | eval ${word}` : `eval ${word} </dev/null`;
  // Where a backslash is another character (yash in a Shift_JIS locale), what is quoted would run.
  const line = `case '\\' in \\\\) ${[...before, say('go 1'), run].join('; ')};; *) ${unread};; esac\n`;
  return Buffer.concat([Buffer.from(line), input ?? Buffer.alloc(0)]);
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
