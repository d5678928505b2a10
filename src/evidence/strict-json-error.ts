// The error of the strict JSON reader: what is wrong and where, and nothing of the text itself.
import { CodedError } from './coded-error.ts';

const REMEDY =
  'Write the text again with a plain JSON encoder: UTF-8, each key once, integers without a point.';

/** Where in a text something is wrong. */
export interface JsonPlace {
  readonly text: string;
  /** Index in UTF-16 units. */
  readonly at: number;
}

/** Where a text is no strict JSON. Repeats none of the text. */
export class StrictJsonError extends CodedError {
  /** The name that the caller gave the text, if any. */
  readonly file: string | undefined;
  /** From 1, lines ended by U+000A, columns in UTF-16 units; 0 where no position applies. */
  readonly line: number;
  readonly column: number;

  constructor(code: string, why: string, file?: string, place?: JsonPlace) {
    const [line, column] = place ? lineAndColumn(place) : [0, 0];
    const where = [
      ...(file === undefined ? [] : [JSON.stringify(file)]), // a name may hold control characters
      ...(place ? [`line ${line}, column ${column}`] : []),
    ].join(', ');
    super(code, where === '' ? why : `${why} (${where})`, REMEDY);
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

function lineAndColumn({ text, at }: JsonPlace): readonly [line: number, column: number] {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', start)) {
    line++;
    start = next + 1;
  }
  return [line, at - start + 1];
}
