// Judges the Python of a notebook: words of the list are found in its text, and the syntax tree says what each of them is there: a name,
// an attribute, an argument, or nothing but a comment. That costs a look at the tree for each such word, and not for each node.
import type { Node, Parser, Query, Tree } from 'web-tree-sitter';
import { grammarOf } from '../../grammar/grammar.ts';
import { COMPOSED, composedAt, JOINS, partsOf, textReader, UNKNOWN } from './composed-text.ts';
import { LOOK_AT_STRING, literalReach, moduleOf, type ReachKind, reaches } from './reaches.ts';

export interface Reach {
  readonly kind: ReachKind;
  /** In the words of our list, never of the notebook. */
  readonly what: string;
  /** From 1. */
  readonly line: number;
}

/** PEP 695. The grammar takes `type(a).b = c` for one. */
const TYPE_ALIAS = /^type[ \t]+[A-Za-z_]\w*[ \t]*[[=]/;

const MAY_BE_FOREIGN = /\bprint\b(?! *\()|\b(?:exec|type)\b/;

/** Statements of Python 2, and aliases of types, for which the grammar takes more than CPython does. */
const FOREIGN = '[(print_statement) (exec_statement) (type_alias_statement)] @it';

let foreign: Query | undefined; // compiled once

/** Words as CPython might see them: what is not ASCII belongs to the word, and NFKC says which it is. */
const WORD = /[\w\u0080-\uffff]+/g;
const plain = (word: string): string => {
  for (let at = 0; at < word.length; at += 1) if (word.charCodeAt(at) > 127) return word.normalize('NFKC');
  return word;
};
const dotted = (node: Node | null): string | undefined => {
  const text = node?.text.replaceAll(/\s|\\\n/g, '').normalize('NFKC');
  return text !== undefined && /^[\w.]+$/.test(text) ? text : undefined;
};

const LITERAL = /^([a-zA-Z]*)(?:"""|'''|"|')([\s\S]*?)(?:"""|'''|"|')$/;

type Found = Pick<Reach, 'kind' | 'what'>;
const foundAs = (kind: ReachKind | undefined, what: string): Found | undefined => kind && { kind, what };
const foundInModule = (full: string): Found | undefined => {
  const module = moduleOf(full);
  return module === undefined ? undefined : foundAs(reaches.modules.get(module), module);
};
const isField = (parent: Node, field: string, node: Node): boolean =>
  parent.childForFieldName(field)?.id === node.id;

interface Called {
  readonly call: Node;
  readonly name: Node;
  readonly given: readonly Node[];
}

/** The dotted name that a word is the last part of. */
const wholeName = (node: Node): Node =>
  node.parent?.type === 'attribute' && isField(node.parent, 'attribute', node) ? node.parent : node;

function calledBy(node: Node): Called | undefined {
  const name = wholeName(node);
  const call = name.parent;
  if (call?.type !== 'call' || !isField(call, 'function', name)) return undefined;
  return { call, name, given: partsOf(call.childForFieldName('arguments')) };
}

const NUMPY_LOAD = 'numpy.load';
/** `numpy.load(file, mode, True)`: the third argument is the one that allows pickles, and a star may bring it. */
const allowsPickle = (given: readonly Node[]): boolean =>
  given.some(({ type }) => type.endsWith('_splat')) ||
  given.filter(({ type }) => type !== 'keyword_argument').length > 2;

/** Levels of a tree. To find a node, and what is around it, takes a step for each, so that a deep tree takes their square. */
const MAX_DEPTH = 128;

function isDeep(tree: Tree): boolean {
  const cursor = tree.walk();
  try {
    for (let depth = 0; ; ) {
      if (cursor.gotoFirstChild()) {
        depth += 1;
        if (depth > MAX_DEPTH) return true;
      } else
        while (!cursor.gotoNextSibling()) {
          if (!cursor.gotoParent()) return false;
          depth -= 1;
        }
    }
  } finally {
    cursor.delete();
  }
}

/** A parsed cell. */
interface Cell {
  readonly code: string;
  readonly tree: Tree;
}

/** The Python of one notebook, cell by cell: names that one cell gives to a module are known in every other. */
export class Program {
  readonly #parser: Parser;
  readonly #foreign: Query;
  readonly #cells: Cell[] = [];
  /** Names of the notebook, and what they stand for in full. */
  readonly #stands = new Map<string, string>();

  /** `from module import *`. */
  readonly #stars: (Reach & { readonly cell: number })[] = [];
  /** Names that stand for something of the list: words to look for, beside the list's own. */
  readonly #watched = new Set<string>(['query', 'Path', 'PurePath']);
  readonly #text = textReader((node) => {
    const { full, imported } = this.#full(dotted(node) ?? '');
    return imported ? full : undefined;
  });

  private constructor(parser: Parser, foreign: Query) {
    this.#parser = parser;
    this.#foreign = foreign;
  }

  static async open(): Promise<Program> {
    const { parser, query } = await grammarOf('python');
    foreign ??= query(FOREIGN);
    return new Program(parser, foreign);
  }

  /** Adds a cell and returns its number, from 0; or says why it cannot be read. */
  add(code: string): number | { readonly unreadable: string } {
    const tree = this.#parser.parse(code);
    if (!tree) throw new Error('the parser gave up');
    this.#cells.push({ code, tree });
    if (tree.rootNode.hasError) return { unreadable: 'a syntax error' };
    if (isDeep(tree)) return { unreadable: 'an expression of very many levels' };
    const found = MAY_BE_FOREIGN.test(code) ? this.#foreign.captures(tree.rootNode) : [];
    if (found.some(({ node }) => node.type !== 'type_alias_statement' || !TYPE_ALIAS.test(node.text)))
      return { unreadable: 'a statement of another Python' };
    this.#learn({ code, tree }, this.#cells.length - 1);
    return this.#cells.length - 1;
  }

  /** Frees the trees, which lie outside the heap. */
  close(): void {
    for (const { tree } of this.#cells.splice(0)) tree.delete();
  }

  /** Tells what a cell reaches, as it is found. Asked when all cells are there. */
  *reachesOf(number: number): Generator<Reach> {
    const cell = this.#cells[number];
    if (!cell) throw new RangeError('no such cell');
    const told = new Set<string>();
    for (const found of [
      this.#stars.filter(({ cell: at }) => at === number),
      this.#ofWords(cell),
      this.#ofLiterals(cell),
      this.#ofComposed(cell),
    ])
      for (const { kind, what, line } of found) {
        const name = `${line} ${what}`;
        if (!told.has(name)) yield { kind, what, line };
        told.add(name);
      }
  }

  *#ofWords({ code, tree }: Cell): Generator<Reach> {
    for (const { 0: word, index } of code.matchAll(WORD)) {
      const name = plain(word);
      if (!reaches.words.has(name) && !this.#watched.has(name)) continue;
      const node = tree.rootNode.descendantForIndex(index, index + word.length);
      if (node?.type !== 'identifier') continue;
      const found = this.#judge(node, name);
      const { full } = this.#full(dotted(wholeName(node)) ?? '');
      if (found || full === NUMPY_LOAD) this.#learnAlias(node, found?.what ?? full);
      if (!found) continue;
      yield { ...found, line: node.startPosition.row + 1 };
    }
  }

  *#ofLiterals({ code, tree }: Cell): Generator<Reach> {
    for (const { index } of code.matchAll(LOOK_AT_STRING)) {
      let node = tree.rootNode.descendantForIndex(index, index + 1);
      while (node && node.type !== 'string') node = node.parent;
      // A text that stands alone is a comment.
      if (!node || node.parent?.type === 'expression_statement') continue;
      const [, prefix = '', text = ''] = LITERAL.exec(node.text) ?? [];
      const found = literalReach(prefix, text);
      if (found) yield { ...found, line: node.startPosition.row + 1 };
    }
  }

  *#ofComposed({ code, tree }: Cell): Generator<Reach> {
    const judged = new Set<number>();
    for (const { index } of code.matchAll(COMPOSED)) {
      const node = composedAt(tree.rootNode.descendantForIndex(index, index + 1));
      if (!node || judged.has(node.id)) continue;
      judged.add(node.id);
      const found = literalReach('r', this.#text(node)); // the letters of each part were looked at
      if (found) yield { ...found, line: node.startPosition.row + 1 };
    }
  }

  /** `e = eval` gives it another name. */
  #learnAlias(node: Node, what: string): void {
    const value = wholeName(node);
    const holder = value.parent;
    if (holder?.type !== 'assignment' || !isField(holder, 'right', value)) return;
    const name = dotted(holder.childForFieldName('left'));
    if (name !== undefined && !name.includes('.'))
      this.#learnName(name, what.startsWith('.') ? `?${what}` : what);
  }

  /** Reads the imports of a cell. The tree says where they are, and what stands there has one form only. */
  #learn({ code, tree }: Cell, cell: number): void {
    for (const { index } of code.matchAll(/\bimport\b/g)) {
      const node = tree.rootNode.descendantForIndex(index, index + 6);
      const statement = node?.type === 'import' ? node.parent : null;
      if (!statement) continue;
      const text = statement.text.replaceAll(/#[^\n]*|\\\n|[()]/g, ' ').normalize('NFKC');
      const [, from, names = ''] = /^(?:from\s*(\S+)\s*)?import\s*([\s\S]*)$/.exec(text) ?? [];
      for (const item of names.split(',')) {
        const [name = '', , alias] = item.trim().split(/\s+/);
        if (name === '*') this.#takeAll(from ?? '', { cell, line: statement.startPosition.row + 1 });
        else if (from !== undefined) this.#learnName(alias ?? name, `${from}.${name}`);
        else
          this.#learnName(
            alias ?? name.replace(/\..*/, ''),
            alias === undefined ? name.replace(/\..*/, '') : name,
          );
      }
    }
  }

  #learnName(name: string, full: string): void {
    this.#stands.set(name, full);
    const last = full.slice(full.lastIndexOf('.') + 1);
    if (
      reaches.names.has(full) ||
      full === NUMPY_LOAD ||
      JOINS.has(full) ||
      moduleOf(full) !== undefined ||
      (last !== full && reaches.attributes.has(last))
    )
      this.#watched.add(name);
  }

  /** All names of a module that has some of the list. A module that is on it is found by its name. */
  #takeAll(module: string, place: { readonly cell: number; readonly line: number }): void {
    const [, kind] = [...reaches.names].find(([entry]) => entry.startsWith(`${module}.`)) ?? [];
    if (kind) this.#stars.push({ ...place, kind, what: `${module}.*` });
  }

  /** The full name of what a dotted name of the notebook stands for, and whether an import says so. */
  #full(name: string): { readonly full: string; readonly imported: boolean } {
    const [first = '', ...rest] = name.split('.');
    const stands = this.#stands.get(first);
    return { full: [stands ?? first, ...rest].join('.'), imported: stands !== undefined };
  }

  #judge(node: Node, name: string): Found | undefined {
    const called = calledBy(node);
    const known = called && this.#judgeCall(called, name);
    if (known) return known;
    const { parent } = node;
    if (parent?.type === 'keyword_argument' && isField(parent, 'name', node))
      return foundAs(reaches.keywords.get(name), `${name}=`);
    if (parent?.type === 'attribute' && isField(parent, 'attribute', node))
      return (
        this.#judgeAttribute(dotted(parent.childForFieldName('object')), name) ??
        this.#judgeModuleBehind(parent, name)
      );
    if (parent?.type === 'keyword_pattern') return foundAs(reaches.attributes.get(name), `.${name}`);
    if (parent?.type === 'dotted_name') {
      const statement = parent.parent?.type === 'aliased_import' ? parent.parent.parent : parent.parent;
      // Any part of a dotted name speaks for all of it: `from requests.api import *` names the module first.
      if (statement?.type.startsWith('import_')) return this.#judgeImport(parent, statement);
    }
    return this.#judgeName(node, name);
  }

  /** What a call reaches by its arguments. */
  #judgeCall({ call, name, given }: Called, last: string): Found | undefined {
    const { full } = this.#full(dotted(name) ?? '');
    if (full === NUMPY_LOAD && allowsPickle(given)) return foundAs('deserialisation', 'allow_pickle=');
    if (JOINS.has(full)) return literalReach('r', this.#text(call));
    if (name.type === 'attribute' && (last === 'query' || last === 'eval') && this.#asksPandas(given, last))
      return foundAs('dynamic-code', `.${last} of a text that may call by @`);
    return undefined;
  }

  /** `frame.query("@os.system('ls')")` calls what the notebook holds; a bare `@name` is a value. */
  #asksPandas(given: readonly Node[], name: string): boolean {
    const asked = given.find(({ type, text }) => type !== 'keyword_argument' || /^expr\s*=/.test(text));
    if (!asked) return false;
    const text = this.#text(asked.type === 'keyword_argument' ? asked.childForFieldName('value') : asked);
    if (text === UNKNOWN) return name === 'eval'; // trees and tables have a query as well
    return text.includes(UNKNOWN) || /@\s*\w+\s*[.([]|__/u.test(text);
  }

  #judgeName(node: Node, name: string): Found | undefined {
    const { full, imported } = this.#full(name);
    if (full === 'getattr') return this.#judgeGetattr(node);
    const known = foundAs(reaches.names.get(full), full) ?? (imported ? foundInModule(full) : undefined);
    if (known || !full.includes('.')) return known;
    const last = full.slice(full.lastIndexOf('.') + 1);
    return foundAs(reaches.attributes.get(last), `.${last}`);
  }

  #judgeAttribute(object: string | undefined, name: string): Found | undefined {
    const { full, imported } = this.#full(`${object ?? ''}.${name}`);
    const known = foundAs(reaches.names.get(full), full) ?? (imported ? foundInModule(full) : undefined);
    return known ?? foundAs(reaches.attributes.get(name), `.${name}`);
  }

  /** `json.codecs.builtins` is the module, `numpy.trace(x)` a function of that name. */
  #judgeModuleBehind(attribute: Node, name: string): Found | undefined {
    const { imported } = this.#full(dotted(attribute) ?? '');
    return imported && !calledBy(attribute) ? foundAs(reaches.modules.get(name), name) : undefined;
  }

  #judgeImport(name: Node, statement: Node): Found | undefined {
    const own = dotted(name);
    const module = statement.childForFieldName('module_name');
    if (own === undefined) return undefined;
    if (!module || module.id === name.id) return foundInModule(own);
    const full = `${dotted(module) ?? ''}.${own}`;
    return (
      foundAs(reaches.names.get(full), full) ??
      foundInModule(full) ??
      foundAs(reaches.attributes.get(own), `.${own}`)
    );
  }

  /** `getattr(x, "name")` is `x.name`; with anything else in place of the name it may be whatever there is. */
  #judgeGetattr(node: Node): Found | undefined {
    const call = node.parent?.type === 'call' && isField(node.parent, 'function', node) ? node.parent : null;
    const [object, name] = call?.childForFieldName('arguments')?.namedChildren ?? [];
    const [, attribute] = /^(?:"|')(\w+)(?:"|')$/.exec(name?.type === 'string' ? name.text : '') ?? [];
    if (attribute === undefined)
      return { kind: 'dynamic-code', what: 'getattr of a name that is not written there' };
    return this.#judgeAttribute(dotted(object ?? null), attribute);
  }
}
