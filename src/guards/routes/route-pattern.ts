// What a route of a web framework matches, read from its own spelling, as far as two routes have to be compared.

export const FRAMEWORKS = ['starlette', 'flask', 'tornado', 'express', 'streamlit'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** One part of a path: a text, any one part, any number of parts, or a mixture that is not compared with texts. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' | 'rest' | 'mixed' };

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

/** Returns the parts of a route; `undefined` where the framework would not read it so. */
export function readRoute(path: string, framework: Framework): readonly Segment[] | undefined {
  const { one, rest } = PARAMETERS[framework];
  const bare = framework === 'tornado' ? path.replace(/\$$/, '') : path;
  if (!bare.startsWith('/')) return undefined;
  // A slash inside parentheses belongs to a regular expression: ([^/]+).
  const parts = bare.slice(1).match(/(?:\([^()]*\)|[^/])+|(?<=^|\/)(?=\/|$)/g) ?? [''];
  return parts.map((text): Segment => {
    if (rest?.test(text)) return { kind: 'rest' };
    if (one?.test(text)) return { kind: 'one' };
    return TEXT.test(text) && !(framework === 'express' && text.includes(':'))
      ? { kind: 'text', text }
      : { kind: 'mixed' };
  });
}

/** Whether everything that `later` matches is matched by `earlier` as well. */
export function covers(earlier: readonly Segment[], later: readonly Segment[]): boolean {
  for (const [index, part] of earlier.entries()) {
    if (part.kind === 'rest') return index === earlier.length - 1 && index < later.length;
    const other = later[index];
    if (!other || other.kind === 'rest' || part.kind === 'mixed') return false;
    const text = other.kind === 'text' ? other.text : undefined;
    const same = part.kind === 'text' ? text === part.text : text !== ''; // a parameter is one character at least
    if (!same) return false;
  }
  return earlier.length === later.length;
}
