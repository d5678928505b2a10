// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell syntax, not ours
// Lines that somebody else wrote: whatever is read as words, real shells read as the same words and run nothing else.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readLine } from '../../src/ssh/existing-line.ts';
import { damaged } from '../fuzz/target.ts';
import { target } from '../fuzz/targets/existing-line.ts';
import { posixShells, ShellSite, splitNul } from '../shells.ts';

const site = new ShellSite();
afterAll(() => site.remove());
site.program('uv', `/usr/bin/printf '%s\\0' "\${0##*/}" "$@"`);
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

it('what is read as words is what real shells give the program, and nothing else runs', {
  timeout: 120_000,
}, async () => {
  const pieces = [
    [
      'uv',
      'x',
      '--a=b',
      "'q $(CANARY)'",
      '"d q"',
      '"$HOME"',
      '$HOME',
      '"$PATH:x"',
      ' ',
      ' ',
      ' ',
      'A=1',
      ';',
      '&',
    ],
    [
      'CANARY',
      '$(CANARY)',
      '`CANARY`',
      '"$(CANARY)"',
      '\n',
      '{a,b}',
      '*',
      '~',
      '\\',
      "'",
      '"',
      '#',
      '=',
      '>',
      '|',
      '!',
    ],
    [
      'export PATH=',
      'é',
      '"',
      "'",
      '<<E',
      '${X}',
      "$'a'",
      '(',
      ')',
      '%',
      '+',
      '1',
      '[',
      ']',
      '\t',
      '^',
      '/',
      '-',
      '.',
    ],
  ].flat();
  const line = fc
    .array(fc.constantFrom(...pieces), { maxLength: 12 })
    .map((chosen) => `uv ${chosen.join('')}`);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      const reading = await readLine(text, variables);
      if ('unread' in reading || accepted > 150) return;
      accepted += 1;
      for (const shell of posixShells.slice(0, 3)) {
        const { stdout } = await site.run(shell, text);
        expect([shell.name, ...splitNul(stdout)], text).toEqual([shell.name, ...reading.words]);
      }
    }),
    { numRuns: 2_500 },
  );
  expect(site.canaryRan()).toBe(false);
  expect(accepted).toBeGreaterThan(50);
});

it('a damaged line is read as shells read it, or not at all', { timeout: 120_000 }, async () => {
  for (const seed of target.seeds) await target.fuzz(seed);
  const property = fc.asyncProperty(damaged(target), (bytes) => target.fuzz(bytes));
  await expect(fc.assert(property, { numRuns: 300 })).resolves.toBeUndefined();
});
