// The reader of Markdown: it never fails, invents no word, and what it locks is read back. That no word of real documents is
// lost is for its own test: damaged Markdown hides words in many ways.
import { readBlocks } from '../../../src/scorecard/claim-boundary/blocks.ts';
import { parseStatements } from '../../../src/scorecard/claim-boundary/statements.ts';
import { writeStatements } from '../../../src/scorecard/claim-boundary/write-statements.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const WORD = /[a-z]{3,}/gi;

/** Marks, tags and addresses between letters go, so a word may stand in the source with something in between. */
function standsIn(word: string, source: string): boolean {
  let at = 0;
  for (const letter of word) {
    at = source.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

export const target = {
  name: 'public-text',
  oracle: 'the words of the source',
  seeds: [
    '# A\n<!-- claim: bind -->\n\nText with **weight** and [a link](there "titled").\n\n| a | b |\n|---|---|\n| c <!-- claim: x/y --> | d |\n',
    '- one\n  - two <!-- no-claim: limits -->\n\n    ```sh\n    code\n    ```\n\n> quoted\n> more\n\n![alternative](x)\n',
    '<!-- no-claim: title -->\n# B\n\n[^1] note\n\n[^1]: the note\n\nterm\n: html <b>bold</b>\n',
  ].map(bytesOf),
  words: [
    '<!-- claim: ',
    '-->',
    '<!--',
    '\n\n',
    '\n',
    '# ',
    '- ',
    '> ',
    '|',
    '|-|\n',
    '```',
    '`',
    '**',
    '[',
    '](',
    ')',
    '![',
    '[^1]',
    '<b>',
    '\\',
    '    ',
    '\t',
    '\0',
    '\ufeff',
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const { blocks } = readBlocks(text);
    if (!text.includes('&'))
      for (const block of blocks)
        for (const word of block.text.match(WORD) ?? [])
          if (!standsIn(word.toLowerCase(), text.toLowerCase()))
            throw new Error('a word that the source does not have');
    const read = parseStatements(Buffer.from(writeStatements([['README.md', text]])));
    if (read.length !== blocks.length) throw new Error('the lock has another number of blocks');
  },
} satisfies FuzzTarget;
