// The neutral carrier, in every login shell on this machine, POSIX or not.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { neutral } from '../../src/ssh/neutral.ts';
import { quote } from '../../src/ssh/quote.ts';
import { hostileWords } from '../corpora/words.ts';
import { chunks, otherShells, posixShells, ShellSite, splitNul } from '../shells.ts';

const words = hostileWords();
const site = new ShellSite();
afterAll(() => site.remove());

const env = { PATH: `${site.bin}:/usr/bin:/bin` };
const dump = (list: readonly string[]): string => `/usr/bin/printf '%s\\0' ${list.map(quote).join(' ')}`;
const cost = (word: string): number => 5 * (Buffer.byteLength(quote(word)) + 1);

describe('non-POSIX login shells', () => {
  it('are why it exists: a well-quoted word runs code there', async () => {
    for (const shell of otherShells) {
      await site.run(shell, dump(["\\';CANARY;\\'"]), { env });
      await site.run(shell, dump(['a\nCANARY\nb']), { env });
      await site.run(shell, dump(["a';CANARY;'"]), { env });
      if (shell.name !== 'rc') expect(site.canaryRan(), shell.name).toBe(true);
    }
    site.canaryRan();
  });
});

describe.each([...posixShells, ...otherShells].map((shell) => [shell.name, shell] as const))(
  '%s',
  (_, shell) => {
    it('gives every word back', async () => {
      const out: string[] = [];
      for (const part of chunks(words, cost, 110_000)) {
        const { stdout, stderr, code } = await site.run(shell, neutral(dump(part)), { env });
        expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
        out.push(...splitNul(stdout));
      }
      expect(out).toEqual(words);
      expect(site.canaryRan()).toBe(false);
    });

    it.each([
      ['a line that starts with a hyphen', '-x 2>/dev/null; echo $?', '127\n'],
      ['an empty line', '', ''],
      ['a newline at the end', 'echo a\n', 'a\n'],
      ['two lines', 'echo a\necho b', 'a\nb\n'],
      ['a here-document', 'cat <<E\na\nE', 'a\n'],
      ['a line that looks encoded', "printf %s '_0101'", '_0101'],
      ['standard input for the program', 'cat', 'from stdin'],
      ['an exit code', '(exit 7); echo $?', '7\n'],
    ])('runs %s', async (_why, line, expected) => {
      const { stdout } = await site.run(shell, neutral(line), { env, stdin: 'from stdin' });
      expect(stdout.toString()).toBe(expected);
    });

    it('gives random words back', async () => {
      const word = fc
        .string({ unit: 'binary', maxLength: 12 })
        .map((text) => text.replaceAll('\0', "'"))
        .filter((text) => text.isWellFormed());
      await fc.assert(
        fc.asyncProperty(fc.array(word, { minLength: 200, maxLength: 300, size: 'max' }), async (list) => {
          const { stdout } = await site.run(shell, neutral(dump(list)), { env });
          expect(splitNul(stdout)).toEqual(list);
        }),
        { numRuns: 8 },
      );
      expect(site.canaryRan()).toBe(false);
    });

    it('takes the longest line that fits', async () => {
      const word = 'a'.repeat(120_000);
      const { stdout } = await site.run(shell, neutral(dump([word])), { env });
      expect(splitNul(stdout)).toEqual([word]);
    });
  },
);
