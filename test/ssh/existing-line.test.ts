// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell syntax, not ours
// Lines that somebody else wrote: whatever is read as words, real shells read as the same words and run nothing else.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLine } from '../../src/ssh/existing-line.ts';
import { damaged } from '../fuzz/target.ts';
import { target } from '../fuzz/targets/existing-line.ts';
import { posixShells, ShellSite } from '../shells.ts';

const site = new ShellSite();
afterAll(() => site.remove());
const variables = { home: site.root, path: site.bin };

describe('a line is read when it', () => {
  it.each<[why: string, line: string, words: readonly string[]]>([
    [
      'has plain words',
      'uv --project wenv/x -p 3.14+gil a==1 9000:9100',
      ['uv', '--project', 'wenv/x', '-p', '3.14+gil', 'a==1', '9000:9100'],
    ],
    ['quotes', `uv 'a $(id)' "b  c" d'e'"f" ''`, ['uv', 'a $(id)', 'b  c', 'def', '']],
    [
      'names the home and PATH',
      'uv "$HOME"/x "$HOME/a b" "$PATH"',
      ['uv', `${site.root}/x`, `${site.root}/a b`, site.bin],
    ],
    ['sets variables', `A=1 B= C="x y" D='$Z' uv`, ['A=1', 'B=', 'C=x y', 'D=$Z', 'uv']],
    ['exports PATH first', 'export PATH="$HOME/bin:$PATH"; uv', [`PATH=${site.root}/bin:${site.bin}`, 'uv']],
    ['has blanks around', '  uv   x  ', ['uv', 'x']],
    ['is not ASCII in quotes', `uv 'é' "語"`, ['uv', 'é', '語']],
  ])('%s', async (_why, line, words) => {
    expect(await readLine(line, variables)).toEqual({ words });
  });
});

describe('a line is not read when it holds', () => {
  it.each([
    ['a command substitution', 'uv "$(id)"'],
    ['a command substitution', 'uv `id`'],
    ['a command substitution', 'uv "`id`"'],
    ['a process substitution', 'uv <(id)'],
    ['an arithmetic expansion', 'uv $((1+1))'],
    ['a variable outside double quotes', 'uv $HOME'],
    ['a variable other than HOME and PATH', 'uv "$X"id'],
    ['a variable other than HOME and PATH', 'uv "$1"'],
    ['a variable other than HOME and PATH', 'export PATH="x:$PATH"; uv "$PATH"'],
    ['a variable other than HOME and PATH', 'HOME=/x A="$HOME" uv'],
    ['what some shells take for a part of the variable', 'uv "$HOME[0]"'],
    ['what some shells take for a part of the variable', 'uv "$PATH:h"'],
    ['what some shells take for a part of the variable', 'uv "$HOMEé/x"'],
    ['a program that would read as an assignment', "''A=1 uv"],
    ['variable assignment', 'Aé=1 uv'],
    ['an expansion in braces', 'uv "${HOME:=x}"'],
    ["a string in $'...'", "uv $'a'"],
    ['a second command', 'uv; id'],
    ['a second command', 'uv;'],
    ['a second command', 'uv && id'],
    ['a second command', 'uv || id'],
    ['a second line', 'uv\nid'],
    ['a control character or an unusual blank', 'uv\rid'],
    ['a control character or an unusual blank', 'uv\u00a0id'],
    ['a control character or an unusual blank', "uv '\u202e'"],
    ['a command in the background', 'uv & id'],
    ['a pipeline', 'uv | id'],
    ['a redirection', 'uv > x'],
    ['herestring redirect', 'uv <<< x'],
    ['a comment', 'uv # x'],
    ['a reserved word', 'time uv'],
    ['an if', 'if a; then b; fi'],
    ['a character that shells interpret, outside quotes', 'uv *'],
    ['a character that shells interpret, outside quotes', 'uv {a,b}'],
    ['a character that shells interpret, outside quotes', 'uv ~/x'],
    ['a character that shells interpret, outside quotes', 'uv =ls'],
    ['a character that shells interpret, outside quotes', 'uv a\\;b'],
    ['a character that shells interpret, outside quotes', 'uv é'],
    ['a character that shells interpret, in double quotes', 'uv "a\\"b"'],
    ['a character that shells interpret, in double quotes', 'uv "a\\b"'],
    ['a character that shells interpret, in double quotes', 'uv "!x"'],
    ['declaration command', 'export LD_PRELOAD=x; uv'],
    ['declaration command', 'export PATH="x" LD_PRELOAD=y; uv'],
    ['declaration command', 'declare PATH=x; uv'],
    ['variable assignment', 'A+=1 uv'],
    ['subshell', '(uv)'],
    ['negated command', '! uv'],
    ['test command', '[ uv ]'],
    ['function definition', 'uv() { id; }'],
    ['array', 'A=(x) uv'],
    ['no command', ''],
    ['no command', 'export PATH=x;'],
    ['a syntax error', 'uv "a'],
    ['a syntax error', 'uv )'],
    ['more than 2048 characters', `uv ${'a'.repeat(2_048)}`],
  ])('%s: %j', async (unread, line) => {
    expect(await readLine(line, variables)).toEqual({ unread });
  });
});

/** What some shell gives a meaning, and what a reader may take for it. */
const TOKENS = [
  ...`$'x' $"x" ~ ~/ ~+ {a,b} {1..3} { } ! !! * ? [a] [ ] <(id) <<<x <<E $((1)) $[1] \`CANARY\` $(CANARY) "$(CANARY)" A=1 A= A+=1
  A[0]=1 =uv = env exec command time if then do function - -- \\ ; ;; & && | |& > 2>x >&2 1< # % ^ @ @(a) !(a) , . : / + ' " '' ""
  $ $$ $HOME \${HOME} "$HOME" "$PATH" "$HOME[0]" "$HOME:h" "$PATH:h" "$HOME:$PATH" "$HOMEé/x" "$HOMEx" "$HOME#x" "$PATH:/x" ":h" "[0]"
  $PATH ( ) () 1 é 語 ª １ IFS=x PATH=x HOME=x "a\\b" "!" "\`" "$" '\\' '!' %s`.split(/\s+/),
  ...' |  | #|A=1 |A=1 B= |\n|\r|\t|\u00a0|\u0085|\u2028|\u202e|\u200b|\ufeff|\\\n|command |env '.split('|'),
  '\0',
];
const SEEDS = ['uv a', 'A=1 uv "b c"', 'export PATH="$HOME/x:$PATH"; uv', `uv d'e'"$HOME/f"`, 'uv 2'];

/** Each token at each place of each seed, and in the place of each character. */
const mutants: ReadonlySet<string> = new Set(
  SEEDS.flatMap((seed) =>
    Array.from({ length: seed.length + 1 }, (_, at) => at).flatMap((at) =>
      TOKENS.flatMap((token) => [0, 1].map((cut) => seed.slice(0, at) + token + seed.slice(at + cut))),
    ),
  ),
);

describe('what is read as words', () => {
  const read: { readonly line: string; readonly words: readonly string[] }[] = [];
  const program = (words: readonly string[]): number =>
    words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  beforeAll(async () => {
    for (const line of mutants) {
      const reading = await readLine(line, variables);
      if ('words' in reading && reading.words[program(reading.words)] === 'uv')
        read.push({ line, ...reading });
    }
  }, 120_000);

  it('is a good part of what it could be', () => expect(read.length).toBeGreaterThan(1_000));

  // In one process of each shell. posh has no built-in command that prints words as they are.
  it.each(posixShells.filter(({ name }) => name !== 'posh').map((shell) => [shell.name, shell] as const))(
    'is what %s gives the program, and nothing else runs',
    { timeout: 60_000 },
    async (name, shell) => {
      const print = name === 'mksh' ? 'print -nr --' : 'printf %s';
      const lines = read.map(
        ({ line }) =>
          `HOME='${site.root}' PATH='${site.bin}'; eval '${line.replaceAll("'", String.raw`'\''`)}'; ${print} @@`,
      );
      const script = `uv() { for word in "$@"; do ${print} "<$word>"; done; }\n${lines.join('\n')}\n`;
      const [path, ...options] = shell.argv;
      const { stdout, stderr } = await site.spawn(path, options, { stdin: script });
      const found = stdout.toString().split('@@').slice(0, -1);
      expect(stderr).toBe('');
      const meant = read.map(({ words }) =>
        words
          .slice(program(words) + 1)
          .map((word) => `<${word}>`)
          .join(''),
      );
      expect(found.map((words, index) => [read[index]?.line, words])).toEqual(
        meant.map((words, index) => [read[index]?.line, words]),
      );
      expect(site.canaryRan()).toBe(false);
    },
  );
});

it('a damaged line is read as shells read it, or not at all', { timeout: 120_000 }, async () => {
  for (const seed of target.seeds) await target.fuzz(seed);
  const property = fc.asyncProperty(damaged(target), (bytes) => target.fuzz(bytes));
  await expect(fc.assert(property, { numRuns: 300 })).resolves.toBeUndefined();
});
