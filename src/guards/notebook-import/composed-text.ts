// The text that an expression of Python puts together of constants: what is written in parts is judged as a whole.
import type { Node } from 'web-tree-sitter';

/** Stands in a text for what nobody knows before the program runs. No cell may hold it. */
export const UNKNOWN = '\0';

/** Where a text may be put together: one look at the tree for each. */
export const COMPOSED =
  /(?<=["'][)\s]*)[+%/]|\+(?=[(\s]*[A-Za-z]{0,2}["'])|["'](?=[\s\\]*[A-Za-z]{0,2}["'])|\b(?:join|joinpath|format|chr|sep|curdir)\b|\b(?:[fF][rR]?|[rR][fF])["']/g;

const COMPOSES: ReadonlySet<string> = new Set(['binary_operator', 'concatenated_string', 'call', 'string']);
const CONSTANTS: ReadonlyMap<string, string> = new Map([
  ['os.sep', '/'],
  ['os.path.sep', '/'],
  ['os.curdir', '.'],
  ['os.path.curdir', '.'],
]);
/** What puts paths together of its arguments. */
export const JOINS: ReadonlySet<string> = new Set(['os.path.join', 'pathlib.Path', 'pathlib.PurePath']);

export const partsOf = (node: Node | null): readonly Node[] =>
  (node?.namedChildren ?? []).filter((child): child is Node => child !== null && child.type !== 'comment');
/**
 * Longest text that is put together: a path has no more (PATH_MAX of limits.h), and a locator shows at its start where it leads.
 * A few words of `format` in each other stand for more than memory holds.
 */
const MAX_TEXT = 4_096;

/** Joins texts, as far as {@link MAX_TEXT} goes. */
function joinedBy(between: string, parts: readonly string[]): string {
  let text = parts[0] ?? '';
  for (const part of parts.slice(1)) {
    if (text.length >= MAX_TEXT) break;
    text += between + part;
  }
  return text.slice(0, MAX_TEXT);
}

const joined = (paths: readonly string[]): string => joinedBy('/', paths).replaceAll(/\/+/g, '/');

/** The expression at a place of {@link COMPOSED}. */
export function composedAt(node: Node | null): Node | undefined {
  let at = node;
  for (let up = 0; at && !COMPOSES.has(at.type) && up < 4; up += 1) at = at.parent;
  const whole = at?.type === 'string' && at.parent?.type === 'concatenated_string' ? at.parent : at;
  return whole && COMPOSES.has(whole.type) ? whole : undefined;
}

/** Returns what tells the text of expressions of one tree; `fullName` says what a dotted name stands for. */
export function textReader(fullName: (node: Node) => string | undefined): (node: Node | null) => string {
  const known = new Map<number, string>(); // or each of many parts in a row would be read with all before it
  const ofAll = (nodes: readonly (Node | null)[]): readonly string[] => nodes.map(of);

  function of(node: Node | null): string {
    if (!node) return UNKNOWN;
    const text = known.get(node.id) ?? read(node);
    known.set(node.id, text);
    return text;
  }

  function read(node: Node): string {
    switch (node.type) {
      case 'string_content':
      case 'integer':
        return node.text;
      case 'string':
      case 'concatenated_string':
      case 'parenthesized_expression': {
        const inner = partsOf(node).filter(({ type }) => type !== 'string_start' && type !== 'string_end');
        return joinedBy('', ofAll(inner));
      }
      case 'interpolation':
        return of(node.childForFieldName('expression'));
      case 'binary_operator':
        return readOperator(node);
      case 'call':
        return readCall(node);
      case 'identifier':
      case 'attribute':
        return CONSTANTS.get(fullName(node) ?? '') ?? UNKNOWN;
      default:
        return UNKNOWN;
    }
  }

  function filled(text: string, hole: RegExp, given: readonly (Node | null)[]): string {
    let next = 0;
    let room = MAX_TEXT;
    const full = text.replaceAll(hole, (all: string, at: string) => {
      if (all === '%%') return '%';
      const part = room > 0 ? of(given[/^\d+$/.test(at) ? Number(at) : next++] ?? null) : '';
      room -= part.length;
      return part;
    });
    return full.slice(0, MAX_TEXT);
  }

  function readOperator(node: Node): string {
    const right = node.childForFieldName('right');
    const text = of(node.childForFieldName('left'));
    switch (node.childForFieldName('operator')?.text) {
      case '+':
        return joinedBy('', [text, of(right)]);
      case '/':
        return joined([text, of(right)]);
      case '%':
        return filled(text, /%[-#0 +.\d]*([a-zA-Z%])/g, right?.type === 'tuple' ? partsOf(right) : [right]);
      default:
        return UNKNOWN;
    }
  }

  function readCall(node: Node): string {
    const called = node.childForFieldName('function');
    const given = partsOf(node.childForFieldName('arguments'));
    const [first = null] = given;
    if (called && JOINS.has(fullName(called) ?? '')) return joined(ofAll(given));
    if (called?.type === 'identifier') {
      const text = of(first);
      if (called.text === 'str') return text;
      const code = Number(text.replaceAll('_', '') || Number.NaN);
      const isLetter = Number.isInteger(code) && code >= 0 && code <= 0x10_ffff; // chr('1.5') is none
      return called.text === 'chr' && isLetter ? String.fromCodePoint(code) : UNKNOWN;
    }
    const method = called?.childForFieldName('attribute')?.text;
    if (method !== 'format' && method !== 'join' && method !== 'joinpath') return UNKNOWN;
    const text = of(called?.childForFieldName('object') ?? null);
    if (method === 'joinpath') return joined([text, ...ofAll(given)]);
    if (method === 'format') return filled(text, /\{(\d*)\}/g, given);
    const isSpelled = first?.type === 'list' || first?.type === 'tuple';
    return isSpelled ? joinedBy(text, ofAll(partsOf(first))) : UNKNOWN;
  }

  return of;
}
