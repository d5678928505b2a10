// One word of a command: what it means, and how a shell is told. The two are kept side by side so that the guard
// can compare them through a parser that is not ours.

/** Turns text into one shell word. The guard's mutants pass broken ones. */
export type Encoder = (text: string) => string;

/** Literal text, or a path under the home directory of the remote account, which only its shell can name. */
export interface Word {
  readonly text: string;
  /** `text` is relative to the home directory; empty for that directory itself. */
  readonly underHome: boolean;
}

export function literal(text: string): Word {
  return { text, underHome: false };
}

/** Returns the word as shell source. `~` would stay literal inside quotes, so the home directory is `"$HOME"`. */
export function renderWord({ text, underHome }: Word, encode: Encoder): string {
  if (!underHome) return encode(text);
  return text === '' ? '"$HOME"' : `"$HOME"/${encode(text)}`;
}

/** Returns what a program receives for the word where the home directory is `home`. */
export function meaningOf({ text, underHome }: Word, home: string): string {
  if (!underHome) return text;
  return text === '' ? home : `${home}/${text}`;
}
