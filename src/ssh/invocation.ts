// What every recipe comes down to: one simple command, with variables before it. There is no other shape. A recipe
// that needs a shell's control flow runs a constant script by `/bin/sh -c` and passes its values as arguments, so
// that no dynamic byte is ever part of a script.
import type { ParsedPrefix } from './fragments/prefix.ts';
import { secretReader } from './fragments/secret.ts';
import { type Encoder, literal, meaningOf, renderWord, type Word } from './fragments/word.ts';

// Where PATH is unset or empty, a colon at the end would mean the working directory.
const PATH_OR_DEFAULT = 'PATH:-/usr/bin:/bin';

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

/** Returns what `${...}` and `$...` expand to for a parser that takes the text between the braces as a name. */
export function variablesOf({ home, path }: Surroundings): Readonly<Record<string, string>> {
  return { HOME: home, PATH: path, [PATH_OR_DEFAULT]: path };
}

/** A constant, a word, or several of them. */
export type Part = string | Word | readonly Part[];

/** Returns constants and words as words. */
export function words(...parts: readonly Part[]): readonly Word[] {
  return parts.flatMap((part) => {
    if (typeof part === 'string') return literal(part);
    return 'text' in part ? part : words(...part);
  });
}

/** Returns the words that run a constant script with arguments. `source` must not depend on the request. */
export function constantScript(source: string, ...parts: readonly Part[]): readonly Word[] {
  return words('/bin/sh', '-c', source, 'sh', ...parts);
}

function line({ prefix, argv }: Invocation, spell: (word: Word) => string, path: string): readonly string[] {
  const { env, secrets, pathPrepend, wrapper } = prefix;
  return [
    ...(pathPrepend.length > 0 ? [`PATH=${pathPrepend.map(spell).join(':')}:${path}`] : []),
    ...env.map(([name, value]) => `${name}=${spell(value)}`),
    ...[...secretReader(secrets), ...wrapper, ...argv].map(spell),
  ];
}

/** Returns the command as one line of POSIX sh (a newline inside quotes aside). */
export function renderInvocation(invocation: Invocation, encode: Encoder): string {
  return line(invocation, (word) => renderWord(word, encode), `"\${${PATH_OR_DEFAULT}}"`).join(' ');
}

/** Returns the words that a parser must find in the rendered line, variables included. */
export function wordsOf(invocation: Invocation, { home, path }: Surroundings): readonly string[] {
  return line(invocation, (word) => meaningOf(word, home), path);
}
