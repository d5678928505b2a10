// An operator's line for a tool: whatever is accepted, real shells must cut into the same words; whatever they would
// do more with is refused. And what counts as a version or a requirement, as Python's own packaging library sees it.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FragmentFault } from '../../src/ssh/fragments/fault.ts';
import { parseTool } from '../../src/ssh/fragments/program.ts';
import { parseModule, parsePythonVersion, parseRequirement } from '../../src/ssh/fragments/python.ts';
import { meaningOf } from '../../src/ssh/fragments/word.ts';
import { hostileWords } from '../corpora/words.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { posixShells, ShellSite, splitNul } from '../shells.ts';

const site = new ShellSite();
afterAll(() => site.remove());

function accepted(line: string): readonly string[] | undefined {
  try {
    return parseTool(line).map((word) => meaningOf(word, site.root));
  } catch (error) {
    if (error instanceof FragmentFault) return undefined;
    throw error;
  }
}

/** What each shell makes of the line as arguments. */
async function asShellsRead(lines: readonly string[]): Promise<Map<string, string[][]>> {
  const found = new Map<string, string[][]>();
  for (const shell of posixShells) {
    const script = `/usr/bin/printf '%s\\0' ${lines.join(" '' ")} ''`; // an empty word ends a line
    const { stdout, stderr } = await site.run(shell, script);
    expect(stderr).toBe('');
    const words = splitNul(stdout);
    const cut: string[][] = [[]];
    for (const word of words) {
      if (word === '') cut.push([]);
      else cut.at(-1)?.push(word);
    }
    found.set(shell.name, cut.slice(0, -1));
  }
  return found;
}

describe('parseTool', () => {
  it.each([
    ['uv', ['uv']],
    ['uv --offline  --cache-dir=/var/c', ['uv', '--offline', '--cache-dir=/var/c']],
    [`"/opt/my tools/uv" 'a b'`, ['/opt/my tools/uv', 'a b']],
    ['~/.local/bin/uv', [`${site.root}/.local/bin/uv`]],
    [`nice -n 5 uv`, ['nice', '-n', '5', 'uv']],
    [`nice '"a" $(x)' "it's"`, ['nice', '"a" $(x)', "it's"]],
    [`env 'A=$(x)' uv`, ['env', 'A=$(x)', 'uv']],
  ])('reads %j', (line, words) => {
    expect(accepted(line)).toEqual(words);
  });

  it.each([
    '',
    ' ',
    ' uv',
    'uv\n',
    'uv\tx',
    'uv;id',
    'uv $x',
    'uv `x`',
    'uv "$x"',
    'uv "\\x"',
    'uv "!x"',
    'uv \\x',
    "uv 'x",
    'uv "x',
    'uv *',
    'uv [a]',
    'uv {a,b}',
    'uv # x',
    'uv ~root',
    'uv ~',
    'uv !x',
    'uv >x',
    'uv &',
    'uv (x)',
    'uv é',
    'uv\u00a0x',
    'uv\u3000x',
    'A=1 uv',
    '-uv',
    '+uv',
    '%1',
    'eval x',
    "'' uv",
    'uv\0',
  ])('refuses %j', (line) => {
    expect(accepted(line)).toBeUndefined();
  });

  it('agrees with every shell on what it accepts, over the corpus and random lines', async () => {
    const piece = fc.constantFrom(
      'uv',
      'a',
      '-x',
      '--k=v',
      '~/b',
      '/c d',
      "'",
      '"',
      ' ',
      '  ',
      '$',
      '\\',
      '`',
      ';',
      '=',
      '%',
      '@',
      ':',
      '^',
      '+',
    );
    const random = fc.sample(
      fc.array(piece, { maxLength: 9 }).map((pieces) => `uv ${pieces.join('')}`),
      8_000,
    );
    const lines = [...hostileWords().map((word) => `uv ${word}`), ...random].filter((line) => {
      const words = accepted(line);
      return words !== undefined && !words.includes('');
    });
    expect(lines.length).toBeGreaterThan(500);
    for (let at = 0; at < lines.length; at += 800) {
      const part = lines.slice(at, at + 800);
      for (const [name, read] of await asShellsRead(part)) expect(read, name).toEqual(part.map(accepted));
    }
    expect(site.canaryRan()).toBe(false);
  });
});

const python = (code: string, ...args: string[]): string =>
  (spawnSync('python3', ['-c', code, ...args]).stdout ?? '').toString();
const noPackaging = python('import packaging; print("here")') !== 'here\n';
if (noPackaging && requiresReal) throw new Error('install python3-packaging');

describe('the name of a program', () => {
  // Read their arguments once, and mean what the program of that name means.
  const same = new Set([
    '[',
    'echo',
    'false',
    'kill',
    'printf',
    'pwd',
    'realpath',
    'rename',
    'rm',
    'sleep',
    'test',
    'true',
  ]);
  const LIST: Readonly<Record<string, string>> = {
    bash: 'compgen -b',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: zsh's own syntax
    zsh: 'print -l ${(k)builtins}',
    ksh93: 'builtin',
    busybox: 'help',
  };

  it.each(posixShells.filter(({ name }) => name in LIST).map((shell) => [shell.name, shell] as const))(
    'is refused when %s would interpret it itself',
    async (name, shell) => {
      const { stdout } = await site.run(shell, LIST[name] ?? '');
      const builtins = stdout
        .toString()
        .split(/\s+/)
        .filter((word) => /^(?:[a-z.[]+|:)$/.test(word));
      expect(builtins.length).toBeGreaterThan(20);
      expect(builtins.filter((word) => accepted(word) && !same.has(word))).toEqual([]);
    },
  );
});

describe('Python', () => {
  const REQUIREMENTS = [
    'dask',
    'dask[distributed]',
    'numba==0.61.2',
    'a.b-c_d>=1,<2',
    'x[a,b]~=1.4',
    'y===1.0',
    'z!=1.*',
  ];

  it(
    'requirements are what packaging takes for one (needs python3-packaging)',
    leftOut(noPackaging && 'no python3-packaging'),
    () => {
      const code =
        'import sys; from packaging.requirements import Requirement as R; print([R(a).name for a in sys.argv[1:]])';
      expect(python(code, ...REQUIREMENTS)).toBe("['dask', 'dask', 'numba', 'a.b-c_d', 'x', 'y', 'z']\n");
      for (const text of REQUIREMENTS) expect(parseRequirement(text).text).toBe(text);
    },
  );

  it.each([
    '-r/etc/passwd',
    '--index-url=x',
    'a b',
    'a;b',
    'a @ https://x',
    '/a.whl',
    './a',
    'a\n',
    '',
    'a[',
    'a==',
    '=1',
    'é',
    'a==-x',
    'a-',
  ])('%j is no requirement', (text) => {
    expect(() => parseRequirement(text)).toThrow(expect.objectContaining({ code: 'ssh.requirement' }));
  });

  it.each([
    '3',
    '3.12',
    '3.12.1',
    '3.13t',
    '3.14.0rc1',
    'cpython',
    'cpython@3.12',
    'pypy3.10',
    'python3.12',
    'cpython-3.12.1-linux-x86_64-gnu',
    '>=3.11',
    '>=3.11,<3.14',
    '==3.12.*',
    '~=3.12',
  ])('%s is a version', (text) => {
    expect(parsePythonVersion(text).text).toBe(text);
  });

  it.each([
    '',
    '-3.12',
    '--help',
    '3.12 ',
    '3.12\n',
    '3.12;id',
    '/usr/bin/python3',
    '$(x)',
    '3.12 --x',
    '>=',
    'cpython-',
    '٣.12',
  ])('%j is no version', (text) => {
    expect(() => parsePythonVersion(text)).toThrow(expect.objectContaining({ code: 'ssh.python-version' }));
  });

  it.each(['', '-m', 'a.', '.a', 'a..b', 'a b', 'a-b', '1a', 'a;b', 'a/b', 'é', 'a\n'])(
    '%j is no module',
    (text) => {
      expect(() => parseModule(text)).toThrow(expect.objectContaining({ code: 'ssh.module' }));
    },
  );

  it('takes no longer for a long refusal than for a short one times its length', () => {
    const slow = [
      'a'.repeat(100_000),
      `${'a-'.repeat(500)}!`,
      `a${'[a,a'.repeat(200)}`,
      `a${'==1.*'.repeat(190)}!`,
    ];
    for (const text of slow) expect(() => parseRequirement(text)).toThrow(FragmentFault);
  });
});
