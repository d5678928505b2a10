// quote(), judged by every POSIX-family shell on this machine: byte for byte, in each position a word can take.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quote } from '../../src/ssh/quote.ts';
import { hostileWords } from '../corpora/words.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { chunks, posixShells, type Shell, ShellSite, splitNul } from '../shells.ts';
import { missing } from './support.ts';

const DUMP = `/usr/bin/printf '%s\\0'`;
const words = hostileWords();
const site = new ShellSite();
afterAll(() => site.remove());

/** Runs one script per part of the list and returns all words that came out. */
async function through(
  shell: Shell,
  list: readonly string[],
  scriptOf: (part: readonly string[]) => string,
  growth = 1,
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const out: string[] = [];
  for (const part of chunks(list, (word) => growth * (Buffer.byteLength(quote(word)) + 8))) {
    const { stdout, stderr, code } = await site.run(shell, scriptOf(part), { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    out.push(...splitNul(stdout));
  }
  return out;
}

const asArguments = (part: readonly string[]): string => `${DUMP} ${part.map(quote).join(' ')}`;

/** A word that can be the name of a file in a directory. */
const isName = (word: string): boolean =>
  !word.includes('/') && !['', '.', '..'].includes(word) && Buffer.byteLength(word) < 256;

/** What no quoting changes: the shell's own names, beside jobs. The guard refuses those as programs. */
const OWN = new Set([':', '-', '[', '[[', 'CANARY', 'fc', 'r']);
const COMMANDS = words.filter((word) => isName(word) && !word.startsWith('%') && !OWN.has(word));

/** A directory in which each of them is a command; no shell changes it, so they share it. */
function commands(): string {
  const bin = join(site.root, 'commands');
  if (!existsSync(bin)) {
    site.directory('commands');
    for (const name of COMMANDS) symlinkSync('/usr/bin/printf', join(bin, name));
  }
  return bin;
}

let directories = 0;
const freshDirectory = (): string => {
  directories += 1;
  return site.directory(`d${directories}`);
};

describe('the corpus', () => {
  it('is large, and its canary can sing', async () => {
    expect(words.length).toBeGreaterThan(600);
    for (const shell of posixShells) {
      await site.run(shell, `${DUMP} '${"a';CANARY;'"}'`);
      expect(site.canaryRan(), shell.name).toBe(true);
    }
  });
});

describe.each(posixShells.map((shell) => [shell.name, shell] as const))('%s reads back', (_name, shell) => {
  it('every word as an argument', async () => {
    expect(await through(shell, words, asArguments)).toEqual(words);
    expect(site.canaryRan()).toBe(false);
  });

  it('every word behind the text of an option', async () => {
    const options = await through(
      shell,
      words,
      (part) => `${DUMP} ${part.map((w) => `--k=${quote(w)}/t`).join(' ')}`,
    );
    expect(options).toEqual(words.map((word) => `--k=${word}/t`));
    expect(site.canaryRan()).toBe(false);
  });

  it('every word as the value of a variable of the command', async () => {
    const values = await through(shell, words, (part) => {
      return `${part.map((word, index) => `X${index}=${quote(word)}`).join(' ')} /usr/bin/env -0`;
    });
    const named = values.filter((entry) => /^X\d+=/.test(entry)).map((entry) => entry.replace(/^X\d+=/, ''));
    expect(named.sort()).toEqual([...words].sort());
    expect(site.canaryRan()).toBe(false);
  });

  it('every word as the value of a variable of the shell', async () => {
    const values = await through(shell, words, (part) => {
      const names = part.map((_, index) => `"$X${index}"`);
      return `${part.map((word, index) => `X${index}=${quote(word)}`).join('\n')}\n${DUMP} ${names.join(' ')}`;
    });
    expect(values).toEqual(words);
    expect(site.canaryRan()).toBe(false);
  });

  it('every name as the target of a redirection', async () => {
    const names = words.filter(isName);
    const cwd = freshDirectory();
    for (const part of chunks(names, (word) => Buffer.byteLength(quote(word)) + 8)) {
      const { stderr, code } = await site.run(shell, part.map((word) => `: >${quote(word)}`).join('\n'), {
        cwd,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    expect(readdirSync(cwd).sort()).toEqual([...names].sort());
    expect(site.canaryRan()).toBe(false);
  });

  it('every name as the command itself', async () => {
    const env = { PATH: `${commands()}:${site.bin}` };
    const out: string[] = [];
    const indexed = COMMANDS.map((word, index) => ({ word, index }));
    for (const part of chunks(indexed, ({ word }) => Buffer.byteLength(quote(word)) + 16)) {
      const script = part.map(({ word, index }) => `${quote(word)} '%s\\0' ${index}`).join('\n');
      const { stdout, stderr } = await site.run(shell, script, { env });
      expect(stderr).toBe('');
      out.push(...splitNul(stdout));
    }
    expect(out.map((index) => COMMANDS[Number(index)])).toEqual(COMMANDS);
    expect(site.canaryRan()).toBe(false);
  });

  it('every word through two and three shells', async () => {
    const inner = shell.argv.join(' ');
    const nested = (script: string): string => `${inner} -c ${quote(script)}`;
    const env = { PATH: `${site.bin}:/usr/bin:/bin` };
    const run = async (levels: number): Promise<string[]> => {
      const out: string[] = [];
      for (const part of chunks(words, (word) => 4 ** levels * (Buffer.byteLength(quote(word)) + 8))) {
        let script = asArguments(part);
        for (let level = 1; level < levels; level += 1) script = nested(script);
        const { stdout, stderr } = await site.run(shell, script, { env });
        expect(stderr).toBe('');
        out.push(...splitNul(stdout));
      }
      return out;
    };
    const short = words.filter((word) => word.length < 400);
    expect(await run(2)).toEqual(words);
    expect(short.length).toBeGreaterThan(600);
    expect(await run(3)).toEqual(words);
    expect(site.canaryRan()).toBe(false);
  });
});

const hostileCharacter = fc.oneof(
  fc.constantFrom(...Array.from(`'"\\$\`!;&|<>(){}[]*?~#=%^-+@:, \n\t\r`)),
  fc.constantFrom('CANARY', "'\\''", '$(CANARY)', ';CANARY;', '語', '\u3000', '\u{1f600}'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
);
const randomWord = fc
  .array(hostileCharacter, { maxLength: 12 })
  .map((pieces) => pieces.join('').replaceAll('\0', ''))
  .filter((word) => word.isWellFormed());

/** Words in, words out, in one script; `growth` is how much longer the position makes a word. */
interface Position {
  readonly growth: number;
  scriptOf(part: readonly string[], shell: Shell): string;
}

const POSITIONS: Readonly<Record<string, Position>> = {
  argument: { growth: 1, scriptOf: asArguments },
  'value of a variable': {
    growth: 1.5,
    scriptOf: (part) => {
      const set = part.map((word, index) => `X${index}=${quote(word)}`).join('\n');
      return `${set}\n${DUMP} ${part.map((_, index) => `"$X${index}"`).join(' ')}`;
    },
  },
  'argument of an inner shell': {
    growth: 4,
    scriptOf: (part, { argv }) => `${argv.join(' ')} -c ${quote(asArguments(part))}`,
  },
};

describe('random words', () => {
  it.each(Object.entries(POSITIONS))('come back from every shell as %s', async (_name, position) => {
    let count = 0;
    const env = { PATH: `${site.bin}:/usr/bin:/bin` };
    const batch = fc.array(randomWord, { minLength: 500, maxLength: 900, size: 'max' });
    await fc.assert(
      fc.asyncProperty(batch, async (list) => {
        for (const shell of posixShells) {
          expect(
            await through(shell, list, (part) => position.scriptOf(part, shell), position.growth, env),
          ).toEqual(list);
        }
        count += list.length;
      }),
      { numRuns: 12 },
    );
    // Three positions: over 20,000 words in each shell.
    expect(count).toBeGreaterThan(6_000);
    expect(site.canaryRan()).toBe(false);
  });
});

const LEGACY = [
  { locale: 'zh_CN.GBK', language: 'zh_CN', charmap: 'GBK' },
  { locale: 'zh_CN.GB18030', language: 'zh_CN', charmap: 'GB18030' },
  { locale: 'ja_JP.SJIS', language: 'ja_JP', charmap: 'SHIFT_JIS' },
  { locale: 'zh_TW.BIG5', language: 'zh_TW', charmap: 'BIG5' },
];

/** Where the C libraries find the locales that are compiled here. */
const LOCALES = join(site.root, 'locales');

/** A character of four bytes that is one of a great many alike. Compiling GB18030 with all of them takes four times as long. */
const ALIKE = /^<U[0-9A-F]+>.*(?:\/x[0-9a-f]{2}){4} +(?:<|HANGUL SYLLABLE)/;

/**
 * Compiles what decides how bytes become characters: the class of each, and which of the C library's converters reads them.
 * The orders of sorting, which take most of the time, decide nothing about a word that is quoted.
 */
function compileLocale({ locale, language, charmap }: (typeof LEGACY)[number]): void {
  const [classes, characters] = [join(LOCALES, `${locale}.classes`), join(LOCALES, `${locale}.charmap`)];
  writeFileSync(classes, `comment_char %\nescape_char /\nLC_CTYPE\ncopy "${language}"\nEND LC_CTYPE\n`);
  const lines = gunzipSync(readFileSync(`/usr/share/i18n/charmaps/${charmap}.gz`))
    .toString('latin1')
    .split('\n');
  writeFileSync(characters, lines.filter((line) => !ALIKE.test(line)).join('\n'), 'latin1');
  spawnSync('localedef', ['-c', '-i', classes, '-f', characters, join(LOCALES, locale)]);
  expect(existsSync(join(LOCALES, locale)), locale).toBe(true);
}

const noLocales = missing('localedef') || (!existsSync('/usr/share/i18n/charmaps') && !requiresReal);

describe(
  'double-byte locales (needs localedef and its charmaps)',
  leftOut(noLocales && 'no localedef, or no charmaps'),
  () => {
    beforeAll(() => {
      site.directory('locales');
      for (const each of LEGACY) compileLocale(each);
    });
    const inLocale = (locale: string): Record<string, string> => ({ LOCPATH: LOCALES, LC_ALL: locale });
    // yash refuses to read bytes that its locale cannot decode, so there is nothing to compare.
    const shells = posixShells.filter(({ name }) => name !== 'yash');

    it.each(LEGACY.map(({ locale }) => locale))('%s: every word comes back', async (locale) => {
      for (const shell of shells) {
        const out: string[] = [];
        for (const part of chunks(words, (word) => Buffer.byteLength(quote(word)) + 8)) {
          const { stdout } = await site.run(shell, asArguments(part), { env: inLocale(locale) });
          out.push(...splitNul(stdout));
        }
        expect(out, shell.name).toEqual(words);
      }
      expect(site.canaryRan()).toBe(false);
    });

    it(
      'are where a backslash in front of ";" is lost, so that no form of ours relies on one',
      leftOut(!posixShells.some(({ name }) => name === 'bash') && 'no bash here'),
      async () => {
        const bash = { name: 'bash', argv: ['bash'] } as const;
        await site.run(bash, `${DUMP} 語\\;CANARY`, { env: inLocale('zh_CN.GBK') });
        expect(site.canaryRan()).toBe(true);
      },
    );
  },
);
