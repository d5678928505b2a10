// One word for a POSIX shell. Single quotes are the only form that every shell, position, nesting depth and locale
// tried reads alike: backslash styles lose their backslash to a double-byte character in GBK or Shift_JIS, and
// $'...' is code to dash. A shorter form for words that look safe would be a second rule to prove, and there is none. One
// exception is known: to yash in a Shift_JIS locale the backslash of `'\''` quotes nothing.
import { CodedError } from '../evidence/coded-error.ts';
import { requireText } from './fragments/fault.ts';

const QUOTE_IN_QUOTES = String.raw`'\''`;

/**
 * Returns `word` as one single-quoted shell word, each `'` in it as `'\''` (POSIX XCU 2.2.2). Quote the whole word
 * at once: two quoted pieces side by side are one quote character to zsh with `rc_quotes`.
 *
 * @throws CodedError `ssh.not-a-string`, `ssh.nul`, `ssh.lone-surrogate`.
 */
export function quote(word: string): string {
  // JSON-typed callers: an array or an object with toString would otherwise restructure the command.
  if (typeof word !== 'string') {
    const remedy = 'Pass each word as a string of its own.';
    throw new CodedError('ssh.not-a-string', 'the word is not a string', remedy);
  }
  requireText(word, 'the word');
  return `'${word.includes("'") ? word.replaceAll("'", QUOTE_IN_QUOTES) : word}'`;
}
