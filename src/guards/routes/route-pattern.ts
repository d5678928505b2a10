// What a route of a web framework matches, read from its own spelling, as far as two routes have to be compared.

export const FRAMEWORKS = ['starlette', 'flask', 'tornado', 'express', 'streamlit'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** One part of a path: a text, any one part, any number of parts, or a mixture that is not compared with texts. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  /** `of` where it takes nothing but that. */
  | { readonly kind: 'one'; readonly of?: keyof typeof NARROW }
  | { readonly kind: 'rest' | 'mixed' };

/** What parameters take that do not take every text, in the words of Starlette and Flask. */
const NARROW = {
  int: /^\d+$/,
  float: /^\d+(?:\.\d+)?$/,
  uuid: /^[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}$/i,
};
const NARROW_WORD = /^[{<](?:\w+:)?(int|float|uuid)(?::\w+)?[}>]$/;
/** And as Tornado's regular expressions. */
const DIGITS = /(?:\\d|\[0-9\])\+\)$/;

/** Stands for any one character, as a bare dot does in a regular expression. No route holds it. */
const ANY = '\0';

/** How a framework spells a parameter for one part, and one for all that remains. */
const PARAMETERS: Readonly<Record<Framework, { readonly one?: RegExp; readonly rest?: RegExp }>> = {
  // {id}, {id:int}; {path:path}
  starlette: { one: /^\{\w+(?::(?!path\})\w+)?\}$/, rest: /^\{\w+:path\}$/ },
  // <id>, <int:id>, <string(length=2):id>; <path:rest>
  flask: { one: /^<(?:(?!path:)\w+(?:\([^()<>]*\))?:)?\w+>$/, rest: /^<path:\w+>$/ },
  // Routes are regular expressions.
  tornado: {
    one: /^\((?:\?P<\w+>)?(?:\[\^\/\][+*]|\\w\+|\\d\+|\[[\w-]+\]\+)\)$/,
    rest: /^\((?:\?P<\w+>)?\.[*+]\)$/,
  },
  // :id; *rest, as Express 5 wants it
  express: { one: /^:\w+$/, rest: /^\*\w+$/ },
  streamlit: {},
};
const TEXT = /^[\w.~!$&',;=:@%-]*$/;
/** Of more parts, or of more than one that takes all that remains, nobody can tell what a route matches. */
const MAX_PARTS = 32;

/** Returns the parts of a route; `undefined` where the framework would not read it so. */
export function readRoute(path: string, framework: Framework): readonly Segment[] | undefined {
  const { one, rest } = PARAMETERS[framework];
  const bare = framework === 'tornado' ? path.replace(/\$$/, '') : path;
  if (!bare.startsWith('/')) return undefined;
  // A slash inside parentheses belongs to a regular expression: ([^/]+).
  const parts = bare.slice(1).match(/(?:\([^()]*\)|[^/])+|(?<=^|\/)(?=\/|$)/g) ?? [''];
  // Express takes a slash at the end for none.
  if (framework === 'express' && parts.length > 1 && parts.at(-1) === '') parts.pop();
  const read = parts.map((text): Segment => {
    if (rest?.test(text)) return { kind: 'rest' };
    if (one?.test(text)) {
      const word = framework === 'tornado' ? DIGITS.test(text) && 'int' : NARROW_WORD.exec(text)?.[1];
      return word ? { kind: 'one', of: word as keyof typeof NARROW } : { kind: 'one' };
    }
    const plain = plainText(text, framework);
    return plain === undefined ? { kind: 'mixed' } : { kind: 'text', text: plain };
  });
  const isClear = read.length <= MAX_PARTS && read.filter(({ kind }) => kind === 'rest').length <= 1;
  return isClear ? read : undefined;
}

/** Returns what a part without a parameter matches, in one spelling; `undefined` where it is no plain text. */
function plainText(text: string, framework: Framework): string | undefined {
  if (framework === 'tornado') {
    const plain = text.replaceAll(/\\?\./g, (dot) => (dot === '.' ? ANY : '.'));
    return TEXT.test(plain.replaceAll(ANY, '')) && !/^[.\0]{1,2}$/.test(plain) ? plain : undefined;
  }
  if (!TEXT.test(text) || (framework === 'express' && text.includes(':'))) return undefined;
  return framework === 'express' ? text.toLowerCase() : text; // /Login and /login are one to it
}

const isSame = (earlier: string, later: string): boolean =>
  earlier === later ||
  (earlier.includes(ANY) &&
    earlier.length === later.length &&
    Array.from(earlier).every((letter, at) => letter === ANY || letter === later[at]));

/** Whether all that `later` matches in one part is matched by `earlier`. */
function coversPart(earlier: Segment | undefined, later: Segment | undefined): boolean {
  if (!earlier || !later || later.kind === 'rest') return false;
  if (earlier.kind === 'text') return later.kind === 'text' && isSame(earlier.text, later.text);
  if (earlier.kind !== 'one') return false;
  if (later.kind === 'text')
    return earlier.of === undefined ? later.text !== '' : NARROW[earlier.of].test(later.text);
  if (later.kind !== 'one') return earlier.of === undefined;
  return (
    earlier.of === undefined || earlier.of === later.of || (earlier.of === 'float' && later.of === 'int')
  );
}

/** Whether a route can match another path than its own text, so that another route can lie behind it. */
export const isWide = (parts: readonly Segment[] | undefined): boolean =>
  parts?.some((part) => part.kind !== 'text' || part.text.includes(ANY)) === true;

/** Whether everything that `later` matches is matched by `earlier` as well. */
export function covers(earlier: readonly Segment[], later: readonly Segment[]): boolean {
  const rest = earlier.findIndex(({ kind }) => kind === 'rest');
  if (rest < 0)
    return earlier.length === later.length && earlier.every((part, at) => coversPart(part, later[at]));
  // It takes one part or more, whatever they are; what stands behind it ends the route.
  const beyond = later.length - earlier.length;
  return (
    beyond >= 0 &&
    earlier.every((part, at) => at === rest || coversPart(part, later[at < rest ? at : at + beyond]))
  );
}
