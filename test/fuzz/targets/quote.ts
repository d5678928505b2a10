// quote() and neutral(): words, separated by NUL, through every shell on this machine in one line each.
import { neutral } from '../../../src/ssh/neutral.ts';
import { quote } from '../../../src/ssh/quote.ts';
import { hostileWords } from '../../corpora/words.ts';
import { chunks, otherShells, posixShells, type Shell, ShellSite, splitNul } from '../../shells.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

/** What neutral() makes of a line must stay below what the kernel takes for one argument. */
const MAX_BYTES = 20_000;
const seeds = chunks(
  hostileWords().filter((word) => Buffer.byteLength(word) < MAX_BYTES / 4),
  (word) => Buffer.byteLength(quote(word)) + 1,
  MAX_BYTES / 4,
).map((words) => bytesOf(words.join('\0')));

const dump = (words: readonly string[]): string => `/usr/bin/printf '%s\\0' ${words.map(quote).join(' ')}`;

export const target = {
  name: 'quote',
  oracle: `real shells: ${[...posixShells, ...otherShells].map(({ name }) => name).join(', ')}`,
  unavailable: posixShells.length === 0 && 'no shell of the POSIX family here',
  seeds,
  words: [
    ...String.raw`' " \ \\ ' '\'' "'" $( ) $(CANARY) ;CANARY; |CANARY & && > < * ? [a] {a,b} ~ ! !! # = % ^ -n @( +(`.split(
      ' ',
    ),
    ...'`CANARY`|$IFS|\0|\n|\nCANARY\n|\r|\t| |\u00a0|\u3000|語|\u{1f600}'.split('|'),
  ],
  async fuzz(bytes) {
    const words = Buffer.from(bytes).subarray(0, MAX_BYTES).toString('utf8').split('\0');
    const site = new ShellSite();
    const env = { PATH: `${site.bin}:/usr/bin:/bin` };
    const through = async (shell: Shell, line: string): Promise<void> => {
      const { stdout, stderr, code } = await site.run(shell, line, { env });
      const wrong = splitNul(stdout).findIndex((word, index) => word !== words[index]);
      if (site.canaryRan()) throw new Error(`${shell.name} ran the canary`);
      if (code !== 0 || stderr !== '') throw new Error(`${shell.name} ends with ${code}`);
      if (wrong >= 0 || splitNul(stdout).length !== words.length)
        throw new Error(`${shell.name} changes word ${wrong}`);
    };
    try {
      const line = dump(words);
      for (const shell of posixShells) await through(shell, line);
      for (const shell of [...posixShells.slice(0, 1), ...otherShells]) await through(shell, neutral(line));
    } finally {
      site.remove();
    }
  },
} satisfies FuzzTarget;
