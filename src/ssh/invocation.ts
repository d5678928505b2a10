// What every recipe comes down to: one simple command, with variables before it. There is no other shape. A recipe
// that needs a shell's control flow runs a constant script by `/bin/sh -c` and passes its values as arguments, so
// that no dynamic byte is ever part of a script.
import type { ParsedPrefix } from './fragments/prefix.ts';
import { type Encoder, meaningOf, renderWord, type Word } from './fragments/word.ts';

export interface Invocation {
  readonly prefix: ParsedPrefix;
  /** Program and arguments, without the wrapper. */
  readonly argv: readonly Word[];
}

/** What the two variables stand for when a command is read back. No real value looks like these. */
export interface Surroundings {
  readonly home: string;
  readonly path: string;
}

/** Returns the command as one line of POSIX sh (a newline inside quotes aside). */
export function renderInvocation({ prefix, argv }: Invocation, encode: Encoder): string {
  const { env, pathPrepend, wrapper } = prefix;
  const directories = pathPrepend.map((word) => renderWord(word, encode)).join(':');
  return [
    ...(pathPrepend.length > 0 ? [`PATH=${directories}:"$PATH"`] : []),
    ...env.map(([name, value]) => `${name}=${encode(value)}`),
    ...[...wrapper, ...argv].map((word) => renderWord(word, encode)),
  ].join(' ');
}

/** Returns the words that a parser must find in the rendered line, variables included. */
export function wordsOf({ prefix, argv }: Invocation, { home, path }: Surroundings): readonly string[] {
  const { env, pathPrepend, wrapper } = prefix;
  const directories = pathPrepend.map((word) => meaningOf(word, home)).join(':');
  return [
    ...(pathPrepend.length > 0 ? [`PATH=${directories}:${path}`] : []),
    ...env.map(([name, value]) => `${name}=${value}`),
    ...[...wrapper, ...argv].map((word) => meaningOf(word, home)),
  ];
}
