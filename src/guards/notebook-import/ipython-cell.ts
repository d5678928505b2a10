// What IPython makes of a cell before Python sees it (IPython.core.inputtransformer2). Its escapes are found where a statement
// starts, not at starts of lines: a line that begins with `%` in a string or in brackets is Python. What is left is Python
// with as many lines. Where this reading and the grammar's differ, the grammar meets an escape, and the cell is not readable.

/** A name that is given to a cell's escape. `shell` starts a program; `magic` is any other that is not known to be harmless. */
export type EscapeKind = 'shell' | 'magic';

export interface Escape {
  readonly kind: EscapeKind;
  /** From 1. */
  readonly line: number;
}

export type CellReading =
  | { readonly unreadable: string }
  /** `python` has the lines of the cell, its escapes replaced. */
  | { readonly python: string; readonly escapes: readonly Escape[] };

// Controls but tab, line feed and form feed; separators that look like line ends; what turns the direction of writing.
const HIDDEN = /(?![\t\n\f])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/** PEP 263: in a cell nobody obeys it, in the file that the cell becomes everybody does. */
const CODING = /^(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+/;
/** IPython takes these prompts off a cell whose first or second line has one. */
const PROMPT = /^(?:[^\n]*\n)?(?:>>>|\.\.\.(?= |$|\n)|In \[\d+\]:|\s*\.{3,}:)/;

const SHELLS: ReadonlySet<string> = new Set(
  `! !! sx system bash sh script cmd perl ruby pypy python python2 python3 pip conda mamba micromamba uv`.split(
    ' ',
  ),
);
/** Magics whose line may say nothing but this, and that then leave the rest of the cell Python. */
export const CELL_PYTHON: ReadonlyMap<string, RegExp> = new Map([
  ['time', /^$/],
  ['capture', /^(?:--no-\w+ |\w+)*$/],
  ['timeit', /^(?:-[nr] ?\d+ ?)*$/],
]);
/** Magics of a line that are harmless as long as they say this. */
export const LINE_HARMLESS: ReadonlyMap<string, RegExp> = new Map([
  ['matplotlib', /^(?:inline|notebook|widget|ipympl|agg)?$/],
  ['load_ext', /^autoreload$/],
  ['autoreload', /^[0-3]?$/],
  ['config', /^InlineBackend\.\w+ ?= ?(?:True|False|\d+|'\w+'|"\w+")$/],
  ['who', /^$/],
  ['whos', /^$/],
]);
/** Magics of a line whose rest is Python. */
export const LINE_PYTHON: ReadonlySet<string> = new Set(['time', 'timeit']);

const MAY_ESCAPE = /^[ \t]*[!%?]|=[ \t]*[!%]|\?[ \t]*$/m;
const ESCAPE = /^([ \t]*)(!!?|%%?|\?)(.*)$/s;
/** One target, and on its right a command or a magic: `a[0] = !ls`, `a: int = %pwd`. */
const ASSIGNED = /^[ \t]*[^=!%#'"]*(?<![=!<>])=[ \t]*([!%])(.*)$/s;
const HELP = /^[ \t]*(?:\?{1,2}[\w.]+|[\w.]+\?{1,2})[ \t]*$/;

const linesOf = (text: string): number => text.match(/\n/g)?.length ?? 0;

/** Takes off what IPython does: the indentation of the first line that holds something. */
function dedented(source: string): string {
  const [indentation = ''] = /^[ \t]+(?=\S)/.exec(source.replace(/^(?:[ \t]*\n)+/, '')) ?? [];
  if (indentation === '') return source;
  return source
    .split('\n')
    .map((line) => (line.startsWith(indentation) ? line.slice(indentation.length) : line))
    .join('\n');
}

const TOKEN = /#[^\n]*|"""|'''|["']|\\\n|[([{]|[)\]}]|\n/g;
const END_OF_STRING: Readonly<Record<string, RegExp>> = {
  '"""': /(?:[^\\"]|\\[\s\S]|"(?!""))*(?:"""|$)/y,
  "'''": /(?:[^\\']|\\[\s\S]|'(?!''))*(?:'''|$)/y,
  '"': /(?:[^\\"\n]|\\[\s\S])*(?:"|$|(?=\n))/y,
  "'": /(?:[^\\'\n]|\\[\s\S])*(?:'|$|(?=\n))/y,
};

/** Returns where the logical line that starts at `from` ends: not in a string, not in brackets, not after a backslash. */
function endOfLogicalLine(code: string, from: number): number {
  let depth = 0;
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(code); match; match = TOKEN.exec(code)) {
    const [token] = match;
    const end = END_OF_STRING[token];
    if (end) {
      end.lastIndex = TOKEN.lastIndex;
      end.exec(code);
      TOKEN.lastIndex = Math.max(TOKEN.lastIndex, end.lastIndex);
    } else if (token === '\n') {
      if (depth === 0) return TOKEN.lastIndex;
    } else if ('([{'.includes(token)) depth += 1;
    else if (')]}'.includes(token)) depth = Math.max(0, depth - 1);
  }
  return code.length;
}

/** Where an escape ends: it goes on after a backslash, and knows neither strings nor brackets. */
function endOfEscape(code: string, from: number): number {
  const end = /(?:[^\\\n]|\\[\s\S])*(?:\n|$)/y;
  end.lastIndex = from;
  end.exec(code);
  return Math.max(end.lastIndex, from + 1);
}

/** Whether a text is a logical line of its own, so that it hides nothing of what follows it. */
const isOneLine = (text: string): boolean =>
  !/\n|"""|'''|\\$/.test(text) && endOfLogicalLine(`${text}\n\n`, 0) === text.length + 1;

/** The escape that a magic is, or the Python that stands in its place. */
function magic(name: string, rest: string): EscapeKind | { readonly python: string } {
  if (SHELLS.has(name)) return 'shell';
  if (LINE_HARMLESS.get(name)?.test(rest.trim())) return { python: 'pass' };
  if (LINE_PYTHON.has(name) && !/^\s*-/.test(rest) && isOneLine(rest))
    return { python: rest.trim() || 'pass' };
  return 'magic';
}

/** What a logical line is, if it is no Python. */
function escapeOf(line: string): EscapeKind | { readonly python: string } | undefined {
  if (HELP.test(line)) return { python: 'pass' };
  const [, , sign = '', text = ''] = ESCAPE.exec(line) ?? [];
  if (sign.startsWith('!')) return 'shell';
  if (sign === '%') {
    const [, name = '', rest = ''] = /^(!!?|\w*)(.*)$/s.exec(text) ?? [];
    return magic(name, rest);
  }
  if (sign !== '') return 'magic';
  const [, assigned] = ASSIGNED.exec(line) ?? [];
  return assigned === undefined ? undefined : assigned === '!' ? 'shell' : 'magic';
}

/** Replaces what is no Python in a cell without a magic of the whole cell. */
function withoutEscapes(code: string, before: number): { python: string; escapes: readonly Escape[] } {
  if (!MAY_ESCAPE.test(code)) return { python: code, escapes: [] };
  const escapes: Escape[] = [];
  let python = '';
  let line = before;
  for (let at = 0, end = 0; at < code.length; at = end) {
    end = endOfEscape(code, at);
    let part = code.slice(at, end);
    const found = escapeOf(part.replace(/\n$/, ''));
    if (found === undefined) {
      end = endOfLogicalLine(code, at);
      part = code.slice(at, end);
      python += part;
    } else {
      const [indentation = ''] = /^[ \t]*/.exec(part) ?? [];
      if (typeof found === 'string') escapes.push({ kind: found, line: line + 1 });
      python += `${indentation}${typeof found === 'string' ? 'pass' : found.python}${'\n'.repeat(linesOf(part))}`;
    }
    line += linesOf(part);
  }
  return { python, escapes };
}

/** Reads a code cell as IPython does. */
export function readCell(source: string): CellReading {
  const text = source.replaceAll('\r\n', '\n');
  if (HIDDEN.test(text)) return { unreadable: 'a control or a direction mark that no editor shows' };
  if (CODING.test(text)) return { unreadable: 'a declaration of an encoding' };
  const code = dedented(text);
  if (PROMPT.test(code.replace(/^(?:[ \t]*\n)+/, '')))
    return { unreadable: 'prompts, which IPython takes off' };
  // The magic of a cell, and what it leaves may begin with another.
  let from = 0;
  let line = 0;
  for (;;) {
    const [whole = '', blank = '', name = '', rest = ''] =
      /^((?:[ \t]*\n)*)%%(!|\w*)([^\n]*)(?:\n|$)/.exec(code.slice(from)) ?? [];
    if (whole === '') break;
    const blanks = linesOf(blank);
    if (!CELL_PYTHON.get(name)?.test(rest.trim()))
      return {
        python: '',
        escapes: [{ kind: SHELLS.has(name) ? 'shell' : 'magic', line: line + blanks + 1 }],
      };
    from += whole.length;
    line += blanks + 1;
  }
  const { python, escapes } = withoutEscapes(code.slice(from), line);
  return { python: '\n'.repeat(line) + python, escapes };
}
