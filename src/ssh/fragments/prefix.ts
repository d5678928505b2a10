// What may stand before a command: variables, directories for PATH and a wrapper program. It replaces a prefix in
// free text, which is code by nature: pasted before `if` it is a syntax error, pasted before anything it runs.
import * as z from 'zod';
import { FragmentFault, requireText } from './fault.ts';
import { type Argument, argumentVector, parseArgv, someText, text, textByName } from './program.ts';
import { RemotePath } from './remote-path.ts';
import { parseResolver, type Resolver, resolver } from './resolver.ts';
import type { Word } from './word.ts';

export interface Prefix {
  /** Variables for the command only. Not for secrets: they would show in the command line. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Where uv looks for packages and whom it trusts. */
  readonly resolver?: Resolver | undefined;
  /** Names of variables whose values come on standard input, one line each, in this order. See {@link Secret}. */
  readonly secrets?: readonly string[] | undefined;
  /** Directories that go before PATH, first one first. */
  readonly pathPrepend?: readonly string[] | undefined;
  /** A program that runs the command, such as `nice -n 5`. */
  readonly wrapper?: readonly Argument[] | undefined;
}

export const prefix: z.ZodType<Prefix> = z.strictObject({
  env: textByName.optional(),
  resolver: resolver.optional(),
  secrets: z.array(text).max(64).optional(),
  pathPrepend: z.array(someText).max(64).optional(),
  wrapper: argumentVector.optional(),
});

/** Variables with which a value becomes code or changes how the command itself is read, and why. */
export const RESERVED_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['PATH', 'has a slot of its own'],
  ['HOME', 'whether "$HOME" in the same command sees the new value depends on the shell'],
  ['IFS', 'splits words in old shells that import it'],
  ['ENV', 'names a file that POSIX shells run'],
  ['BASH_ENV', 'names a file that bash runs'],
  ['ZDOTDIR', 'says where zsh finds a file that it runs'],
  ['SHELLOPTS', 'sets options of bash before its first line'],
  ['BASHOPTS', 'sets options of bash before its first line'],
  ['PS4', 'is expanded, commands included, when a shell traces'],
  ['LD_PRELOAD', 'loads code into every program'],
  ['LD_AUDIT', 'loads code into every program'],
  ['UID', 'is read-only in bash'],
  ['EUID', 'is read-only in bash'],
  ['PPID', 'is read-only in POSIX shells'],
]);

/** A prefix, parsed. */
export interface ParsedPrefix {
  readonly env: readonly (readonly [name: string, value: Word])[];
  readonly secrets: readonly string[];
  readonly pathPrepend: readonly Word[];
  readonly wrapper: readonly Word[];
}

function parseName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new FragmentFault('environment-name', 'a variable');
  if (RESERVED_VARIABLES.has(name)) throw new FragmentFault('reserved-variable', 'a variable');
  return name;
}

function parseVariable(name: string, value: string): readonly [string, Word] {
  requireText(value, 'the value of a variable');
  return [parseName(name), { text: value, underHome: false }];
}

function parseDirectory(directory: string): Word {
  const { word } = RemotePath.parseAnchored(directory, 'a directory for PATH');
  if (word.text.includes(':')) throw new FragmentFault('path-colon', 'a directory for PATH');
  return word;
}

/**
 * @throws FragmentFault `ssh.environment-name`, `ssh.reserved-variable`, `ssh.path-colon`, `ssh.url`, and as paths and
 * programs do.
 */
export function parsePrefix({
  env = {},
  resolver,
  secrets = [],
  pathPrepend = [],
  wrapper,
}: Prefix = {}): ParsedPrefix {
  return {
    env: [
      ...parseResolver(resolver),
      ...Object.entries(env).map(([name, value]) => parseVariable(name, value)),
    ],
    secrets: secrets.map(parseName),
    pathPrepend: pathPrepend.map(parseDirectory),
    wrapper: wrapper ? parseArgv(wrapper, 'wrapper') : [],
  };
}
