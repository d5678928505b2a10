// The words of a command as they arrive: text, or a typed path. The first word of a command has rules of its own,
// because a shell looks at it before it looks for a program.
import * as z from 'zod';
import { FragmentFault, requireText } from './fault.ts';
import { RemotePath } from './remote-path.ts';
import { literal, type Word } from './word.ts';

/** Literal text, or a path whose `~/` means the remote home directory. Literal text is never expanded. */
export type Argument = string | { readonly path: string };

/** Longest text of one slot, in UTF-16 units. Nothing longer fits the command (see `MAX_COMMAND_BYTES`). */
const MAX_TEXT = 131_072;

export const text: z.ZodType<string> = z.string().max(MAX_TEXT);
export const someText: z.ZodType<string> = z.string().min(1).max(MAX_TEXT);
/** Text by name. A record alone would lose the name `__proto__` without a word. */
export const textByName: z.ZodType<Readonly<Record<string, string>>> = z
  .unknown()
  .refine((value) => typeof value !== 'object' || value === null || !Object.hasOwn(value, '__proto__'))
  .pipe(z.record(text, text));
const argument: z.ZodType<Argument> = z.union([text, z.strictObject({ path: someText })]);
/** A program and its arguments. */
export const argumentVector: z.ZodType<readonly Argument[]> = z.array(argument).min(1).max(4_096);

// Names that some shell interprets instead of looking for a program, quoted or not. Those that exist as programs
// with the same meaning (echo, printf, test, kill, true ...) read their arguments once and are not listed.
export const SHELL_BUILTINS: ReadonlySet<string> = new Set(
  `. : [[ alias autoload bg bind bindkey break builtin bye caller case cd chdir command compadd
   comparguments compcall compctl compdescribe compfiles compgen compgroups complete compopt compound
   compquote compset comptags comptry compvalues continue coproc declare dirs disable disown echotc echoti
   emulate enable enum eval exec exit export fc fg float functions getln getopts global hash help hist
   history if integer jobs let limit local log logout mapfile nameref newgrp noglob popd print private pushd
   pushln r read readarray readonly redirect rehash return sched set setopt shift shopt source stop suspend
   times trap ttyctl type typeset ulimit umask unalias unfunction unhash unlimit unset unsetopt vared wait
   whence where which zcompile zformat zle zmodload zparseopts zregexparse zstyle`.split(/\s+/),
);

/** How a tool is called: its words, or one line of them as an operator writes it (see {@link parseTool}). */
export type Tool = string | readonly Argument[];
export const tool: z.ZodType<Tool> = z.union([someText, argumentVector]);

/**
 * Returns the words of an argument.
 *
 * @throws FragmentFault `ssh.nul`, `ssh.lone-surrogate`, and for a path as {@link RemotePath.parse}.
 */
export function parseArgument(argument: Argument, slot: string): Word {
  if (typeof argument !== 'string') return RemotePath.parse(argument.path, slot).word;
  requireText(argument, slot);
  return literal(argument);
}

/**
 * Returns the words of a program and its arguments.
 *
 * @throws FragmentFault as {@link parseArgument}, and `ssh.option-like-program`, `ssh.assignment-like-program`,
 * `ssh.shell-builtin`.
 */
export function parseArgv(argv: readonly Argument[], slot: string): readonly Word[] {
  const words = argv.map((argument, index) => parseArgument(argument, `${slot}[${index}]`));
  const name = words[0]?.text ?? '';
  if (/^[-+%~]|^$/.test(name)) throw new FragmentFault('option-like-program', `${slot}[0]`);
  if (name.includes('=')) throw new FragmentFault('assignment-like-program', `${slot}[0]`);
  if (SHELL_BUILTINS.has(name)) throw new FragmentFault('shell-builtin', `${slot}[0]`);
  return words;
}

// One word of an operator's line. Outside quotes: what no shell gives a meaning ("=" only behind a bare letter, since
// zsh expands =ls and ''=ls). "..." holds nothing that expands.
const TOOL_WORD = /(~(?=\/))?((?:[\w%+,./:@-]|(?<=[\w-])=|'[^']*'|"[^"$`\\!]*")+)(?: +|$)/y;

/**
 * Returns the words of a tool. A line is cut at blanks; quotes group, `~/` at the start of a word is the remote home,
 * and every other character that some shell might interpret is refused, never passed on.
 *
 * @throws FragmentFault `ssh.tool-syntax`, and as {@link parseArgv}.
 */
export function parseTool(tool: Tool, slot = 'the tool'): readonly Word[] {
  if (typeof tool !== 'string') return parseArgv(tool, slot);
  requireText(tool, slot);
  const words: Argument[] = [];
  TOOL_WORD.lastIndex = 0;
  while (TOOL_WORD.lastIndex < tool.length || words.length === 0) {
    const [, home, word] = TOOL_WORD.exec(tool) ?? [];
    if (word === undefined || /\p{Cc}/u.test(word)) throw new FragmentFault('tool-syntax', slot);
    const text = word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2');
    words.push(home === undefined ? text : { path: `~${text}` });
  }
  return parseArgv(words, slot);
}
