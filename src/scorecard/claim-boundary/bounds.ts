// How much Markdown is read. The reader of it takes time in the square of some things and a call for each level of nesting, so
// they are counted before it begins: far more than people write is refused.

/** Longest document, in bytes. */
export const MAX_TEXT: number = 131_072;

interface Bound {
  readonly what: string;
  readonly most: number;
  readonly pattern: RegExp;
}

const BOUNDS: readonly Bound[] = [
  { what: 'lines', most: 2_048, pattern: /\r\n?|\n/g },
  // What may open or close something: brackets, emphasis, HTML, links that are written out, items of lists.
  {
    what: 'marks',
    most: 1_024,
    pattern: /[[\]*_~!<>#@]|:\/\/|www\.|mailto:|xmpp:|(?:^|[ \t])(?:[-+]|\d{1,9}[.)])(?=[ \t\r\n])/gim,
  },
  { what: 'cells and pieces of code', most: 16_384, pattern: /[|`]/g },
  // An end is looked for from each beginning, to the end of the text.
  { what: 'comments', most: 256, pattern: /<[!?]/g },
  // Blanks and marks of quotes and lists at the beginning of a line: as deep as that it can be nested.
  { what: 'levels of nesting', most: 0, pattern: /^(?:[ \t>]|(?:[-+*]|\d{1,9}[.)])(?=[ \t])){65}/gm },
];

/** Says of what a document holds more than is read; `undefined` when it can be read. */
export function tooMuchIn(text: string): string | undefined {
  for (const { what, most, pattern } of BOUNDS) {
    if ((text.match(pattern)?.length ?? 0) > most) return what;
  }
  return undefined;
}
