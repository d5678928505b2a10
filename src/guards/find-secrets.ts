// Finds secrets in text by shape, or by the name beside them. A reference (`${KEY}`, `{{ key }}`, os.environ["KEY"]), a mark of a
// redaction, a plain word and a sentence are none: a guard that refuses each of them is soon not asked any more.
import { ANY_PREFIXED, GUESSED_SHAPES, INNER_SHAPES, PREFIXED_SHAPES, type Shape } from './secret-shapes.ts';

export interface Found {
  readonly shape: string;
  /** From 1. */
  readonly line: number;
}

/** Names that say secret, or the ends of them. */
const NAME =
  'pass(?:word|wd|phrase)|secret(?:[_-]?key)?|token|credentials?|(?:api|access|private|account|auth|encryption|signing)[_-]?key|auth';
/** Such a name, what assigns, and one value, quoted or bare. */
const ASSIGNMENT = new RegExp(
  String.raw`(${NAME})\b["'\]]{0,3}\s{0,8}(?:=>|:=|[=:])\s{0,8}(?:[rbfu]{0,2}["'\`]([^"'\`\n]{1,512})["'\`]|([^\s"'\`,;&|)}\]]{1,512})([^\n]{0,40}))`,
  'gi',
);
const NAME_AT_END = new RegExp(`(?:${NAME})$`, 'i');
/** The longest of them, `encryption_key`. */
const NAME_LENGTH = 14;
/** Most characters between a name and what assigns. */
const GAP = 11;
/** By the last two letters of a name, in either case: what ends otherwise is none. */
const ENDS_NAME = new Uint8Array(128 * 128);
for (const end of ['rd', 'wd', 'se', 'et', 'ey', 'en', 'al', 'ls', 'th'])
  for (const letter of [end.charCodeAt(0), end.charCodeAt(0) - 32])
    for (const last of [end.charCodeAt(1), end.charCodeAt(1) - 32]) ENDS_NAME[letter * 128 + last] = 1;

const REFERENCE =
  /[${}<>]|%\(|^%|^\*|^@|\b(?:env|environ|getenv|process|config|settings|vault|secrets?|os)[.[(]/i;
const PLACEHOLDER =
  /^(?:null|none|nil|undefined|true|false|yes|no|redacted|removed|hidden|masked|placeholder|example|sample|dummy|fake|test|todo|tbd|changeme|change[_-]me|replace[_-]?me|secret|password|passwd|token|x{3,}|\.{3,}|-+|_+|(?:your|my|the|some|a|insert)[_ -].*|.*[_-]here)$/i;

/** A file or a page, which holds the secret perhaps, and is none. */
const PLACE = /^(?:(?:~|\.{1,2})?\/[\w.-]+(?:\/|$)|https?:\/\/)/;

/** Whether a text could not be a word, a name or a version: letters and digits mixed, or many kinds of characters. */
function isNoWord(value: string): boolean {
  if (REFERENCE.test(value) || PLACEHOLDER.test(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\w\s.-]/].filter((kind) => kind.test(value)).length;
  return kinds >= 2 && (/\d/.test(value) || kinds >= 3);
}

/** Keys that begin with "sk-" have a long run without a dash; words of people are joined by dashes. */
const hasLongRun = (value: string): boolean =>
  (value.match(/[A-Za-z0-9_]{12,}/g) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));

const GUESS: Readonly<Record<string, (value: string) => boolean>> = {
  'model-api-key': hasLongRun,
  authorization: isNoWord,
  'url-password': (value) => !REFERENCE.test(value) && !PLACEHOLDER.test(value),
};

/** Names of code stand beside names of secrets all the time: `token = next_token`, `auth: requireAuth`. */
const IDENTIFIER = /^!*[A-Za-z_$][\w$]*(?:[.:].*)?$/;

function isAssigned([, name = '', quoted, bare, rest = '']: RegExpMatchArray): boolean {
  const value = quoted ?? bare ?? '';
  if (value.length < 6 || REFERENCE.test(value) || PLACEHOLDER.test(value) || PLACE.test(value)) return false;
  if (quoted !== undefined) {
    if (/\s/.test(quoted)) return false; // a sentence, a label
    return isNoWord(quoted) || (/pass/i.test(name) && /\d|[^\w.-]/.test(quoted));
  }
  if (/^\s+[a-z]{2,}\b/i.test(rest) && !/\d/.test(value)) return false; // prose goes on
  if (/[([]/.test(value)) return false; // a call, a field
  const isName = IDENTIFIER.test(value) && (value.match(/\d/g) ?? []).length < 2; // Uint8Array
  return isNoWord(value) && !isName;
}

/** What a secret of a provider is at least: so many of these characters without a gap. */
const LONG = 15;
const OF_WORDS = new Uint8Array(65_536);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+/=~:@?&%-')
  OF_WORDS[character.charCodeAt(0)] = 1;

/** The long words of a text in one string, and where each lay: a small part of most texts, looked at once for each shape. */
function longWords(text: string): { readonly joined: string; readonly placeOf: (at: number) => number } {
  const words: string[] = [];
  const starts: number[] = [];
  const places: number[] = [];
  let length = 0;
  // A loop over characters, of which a long word holds every fifteenth: a pattern for this takes ten times as long.
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (OF_WORDS[text.charCodeAt(at)] !== 1) continue;
    let from = at;
    while (from > 0 && OF_WORDS[text.charCodeAt(from - 1)] === 1) from -= 1;
    while (at + 1 < text.length && OF_WORDS[text.charCodeAt(at + 1)] === 1) at += 1;
    if (at + 1 - from < LONG) continue;
    words.push(text.slice(from, at + 1));
    starts.push(length);
    places.push(from);
    length += at + 2 - from;
  }
  const placeOf = (at: number): number => {
    let word = 0;
    for (let end = starts.length; end - word > 1; ) {
      const middle = (word + end) >> 1;
      if ((starts[middle] ?? 0) <= at) word = middle;
      else end = middle;
    }
    return (places[word] ?? 0) + at - (starts[word] ?? 0);
  };
  return { joined: words.join('\n'), placeOf };
}

const NAME_BEFORE = /\/[\w.-]{0,64}$/;

/** `/token=abc/` is a directory of a partition. */
const isPartition = (text: string, at: number): boolean =>
  NAME_BEFORE.test(text.slice(Math.max(0, at - 65), at));

const mayBeIn =
  (text: string) =>
  ({ has }: Shape): boolean =>
    has.length === 0 || has.some((word) => text.includes(word));

/** What may stand between a name and what assigns: blanks, quotes, a bracket; and whatever is not ASCII. */
const isGap = (code: number): boolean =>
  code <= 32 || code === 34 || code === 39 || code === 93 || code > 126;

/**
 * Whether a name that says secret stands before any `=` or `:`. Those are few: to go back from each is five times as fast as to
 * look for names.
 */
function mayAssign(text: string): boolean {
  for (const sign of '=:')
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      let end = at;
      while (end > at - GAP && end > 0 && isGap(text.charCodeAt(end - 1))) end -= 1;
      const last = text.charCodeAt(end - 1);
      if (last > 127 || ENDS_NAME[text.charCodeAt(end - 2) * 128 + last] !== 1) continue;
      if (NAME_AT_END.test(text.slice(Math.max(0, end - NAME_LENGTH), end))) return true;
    }
  return false;
}

/** Returns what looks like a secret in a text, in the order of lines. Never the text itself. */
export function findSecrets(text: string): readonly Found[] {
  const starts: { readonly shape: string; readonly at: number }[] = [];
  const { joined, placeOf } = longWords(text);
  if (ANY_PREFIXED.test(joined))
    for (const { name, pattern } of PREFIXED_SHAPES.values())
      for (const { index } of joined.matchAll(pattern)) starts.push({ shape: name, at: placeOf(index) });
  for (const { name, pattern } of [...INNER_SHAPES.values()].filter(mayBeIn(text)))
    for (const { index } of text.matchAll(pattern)) starts.push({ shape: name, at: index });
  for (const { name, pattern } of [...GUESSED_SHAPES.values()].filter(mayBeIn(text)))
    for (const match of text.matchAll(pattern))
      if (GUESS[name]?.(match[1] ?? '')) starts.push({ shape: name, at: match.index });
  if (mayAssign(text))
    for (const match of text.matchAll(ASSIGNMENT))
      if (isAssigned(match) && !isPartition(text, match.index))
        starts.push({ shape: 'assignment', at: match.index });
  starts.sort((a, b) => a.at - b.at);
  // One pass over the text counts the lines of all of them.
  let line = 1;
  let from = 0;
  return starts.map(({ shape, at }) => {
    for (let next = text.indexOf('\n', from); next >= 0 && next < at; next = text.indexOf('\n', from)) {
      line += 1;
      from = next + 1;
    }
    return { shape, line };
  });
}
