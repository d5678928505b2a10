// Reads a command line that somebody else wrote, by a grammar of bash (tree-sitter) and a list of what may be in it: an
// optional `export PATH=...;`, then one simple command of plain and quoted words, in which "$HOME" and "$PATH" are the
// only expansions. Everything else is named and not read. A splitter is no judge of such lines: it takes `"$(id)"`, a
// second line, braces and `"$X"id` for plain words.
import type { Node } from 'web-tree-sitter';
import { grammarOf } from '../grammar/grammar.ts';

/** The words of the line, or the first construct in it that is not read. */
export type LineReading = { readonly words: readonly string[] } | { readonly unread: string };

/** Some rules of the grammar take quadratic time, so the length is bounded: `a=(` over and over is the worst known. */
const MAX_LINE = 2_048;

// What no shell gives a meaning outside quotes. "=" not in front: zsh expands =ls.
const BARE = /^[\w./:@%+,-][\w./:@%+,=-]*$/;
// What no shell gives a meaning between double quotes.
const DOUBLE_QUOTED = /^[^"$`\\!]*$/;
// What may stand behind a variable between double quotes: zsh takes [0] and :h for a part of the variable, and a letter of
// another alphabet for one of its name.
const AFTER_VARIABLE = /^:?(?:$|[/$ ])/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Controls, and characters that a terminal shows as a blank or not at all.
const HIDDEN = /(?! )[\p{Cc}\p{Cf}\p{Z}]|\p{Cs}/u;

// Of POSIX XCU 2.4, bash, ksh and zsh: no programs where they stand first and bare.
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `always case coproc do done elif else end esac fi for foreach function if in nocorrect repeat select then time
   until while`.split(/\s+/),
);

/** How a construct is called where the name that the grammar gives it would not help. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['command_substitution', 'a command substitution'],
  ['process_substitution', 'a process substitution'],
  ['arithmetic_expansion', 'an arithmetic expansion'],
  ['simple_expansion', 'a variable outside double quotes'],
  ['expansion', 'an expansion in braces'],
  ['ansi_c_string', "a string in $'...'"],
  ['translated_string', 'a string in $"..."'],
  ['redirected_statement', 'a redirection'],
  ['list', 'a second command'],
  [';', 'a second command'],
  ['&', 'a command in the background'],
  ['pipeline', 'a pipeline'],
  ['if_statement', 'an if'],
  ['comment', 'a comment'],
]);

class Unread extends Error {
  constructor(construct: string) {
    super(NAMES.get(construct) ?? construct.replaceAll('_', ' '));
  }
}

/**
 * Returns the words of a line of POSIX sh, variables before the program included.
 *
 * @param variables what `"$HOME"` and `"$PATH"` stand for.
 */
export async function readLine(
  line: string,
  variables: { readonly home: string; readonly path: string },
): Promise<LineReading> {
  if (line.length > MAX_LINE) return { unread: `more than ${MAX_LINE} characters` };
  if (line.includes('\n')) return { unread: 'a second line' };
  if (HIDDEN.test(line)) return { unread: 'a control character or an unusual blank' };
  const { parser } = await grammarOf('bash');
  const tree = parser.parse(line);
  if (!tree) throw new Error('the parser gave up');
  try {
    if (tree.rootNode.hasError) return { unread: 'a syntax error' };
    return {
      words: new Line(line, new Map(Object.entries({ HOME: variables.home, PATH: variables.path }))).words(
        tree.rootNode,
      ),
    };
  } catch (error) {
    if (error instanceof Unread) return { unread: error.message };
    throw error;
  } finally {
    tree.delete();
  }
}

/** One line and its reading. Each method takes a node of the tree and throws {@link Unread} for what is not listed. */
class Line {
  readonly #text: string;
  readonly #variables: Map<string, string>;

  constructor(text: string, variables: Map<string, string>) {
    this.#text = text;
    this.#variables = variables;
  }

  words(program: Node): readonly string[] {
    this.#requireBlanks(program, this.#text.length);
    const [first, ...rest] = program.children;
    if (first?.type !== 'declaration_command') return this.#statement(program.children);
    const [semicolon, ...statement] = rest;
    if (semicolon?.type !== ';') throw new Unread(semicolon?.type ?? 'no command');
    return [...this.#exportedPath(first), ...this.#statement(statement)];
  }

  #statement([command, ...more]: readonly Node[]): readonly string[] {
    if (command?.type !== 'command') throw new Unread(command?.type ?? 'no command');
    if (more[0]) throw new Unread(more[0].type === 'command' ? 'list' : more[0].type);
    this.#requireBlanks(command);
    const name = command.children.findIndex(({ type }) => type === 'command_name');
    const [word, ...others] = command.children[name]?.children ?? [];
    if (!word || others.length > 0) throw new Unread('no program');
    if (word.type === 'word' && RESERVED_WORDS.has(word.text)) throw new Unread('a reserved word');
    const assignments = command.children.slice(0, name).map((child) => this.#assignment(child));
    const program = this.#word(word);
    if (program.includes('=')) throw new Unread('a program that would read as an assignment'); // ''A=1
    return [...assignments, program, ...command.children.slice(name + 1).map((child) => this.#word(child))];
  }

  /** `export PATH=...`, the one declaration that is known to mean what a variable before the command means. */
  #exportedPath(node: Node): readonly string[] {
    this.#requireBlanks(node);
    const [keyword, assignment, ...more] = node.children;
    const isPath = assignment?.children[0]?.text === 'PATH';
    if (keyword?.type !== 'export' || !assignment || !isPath || more.length > 0) throw new Unread(node.type);
    return [this.#assignment(assignment)];
  }

  #assignment(node: Node): string {
    const [name, equals, value, ...more] = node.children;
    const isPlain =
      node.type === 'variable_assignment' && name?.type === 'variable_name' && equals?.type === '=';
    if (!isPlain || !NAME.test(name.text) || more.length > 0) throw new Unread(node.type);
    this.#requireAdjacent(node);
    const assignment = `${name.text}=${value ? this.#word(value) : ''}`;
    this.#variables.delete(name.text); // whether what follows sees the new value depends on the shell
    return assignment;
  }

  #word(node: Node): string {
    const { type, text } = node;
    if (type === 'word' || type === 'number') {
      if (!BARE.test(text)) throw new Unread('a character that shells interpret, outside quotes');
      return text;
    }
    if (type === 'raw_string') return text.slice(1, -1);
    if (type === 'string') return this.#doubleQuoted(node);
    if (type !== 'concatenation') throw new Unread(type);
    this.#requireAdjacent(node);
    return node.children.map((child) => this.#word(child)).join('');
  }

  #doubleQuoted(node: Node): string {
    let [at, meaning] = [node.startIndex + 1, ''];
    const upTo = (end: number): void => {
      // The text of the line and not that of the nodes: the grammar leaves blanks out.
      const text = this.#text.slice(at, end);
      if (!DOUBLE_QUOTED.test(text)) throw new Unread('a character that shells interpret, in double quotes');
      meaning += text;
    };
    for (const child of node.children.slice(1, -1)) {
      if (child.type === 'string_content') continue;
      if (child.type !== 'simple_expansion') throw new Unread(child.type);
      const value = this.#variables.get(child.text.slice(1)); // gone where the line itself sets it
      if (value === undefined) throw new Unread('a variable other than HOME and PATH');
      upTo(child.startIndex);
      meaning += value;
      at = child.endIndex;
      if (!AFTER_VARIABLE.test(this.#text.slice(at, node.endIndex - 1)))
        throw new Unread('what some shells take for a part of the variable');
    }
    upTo(node.endIndex - 1);
    return meaning;
  }

  /** Between the children of a node there are blanks and nothing else. */
  #requireBlanks(node: Node, end: number = node.endIndex): void {
    let at = node.startIndex;
    for (const child of [...node.children, { startIndex: end, endIndex: end }]) {
      if (/[^ ]/.test(this.#text.slice(at, child.startIndex)))
        throw new Unread('what no rule of the grammar covers');
      at = child.endIndex;
    }
  }

  #requireAdjacent(node: Node): void {
    let at = node.startIndex;
    for (const child of node.children) {
      if (child.startIndex !== at) throw new Unread('what no rule of the grammar covers');
      at = child.endIndex;
    }
    if (at !== node.endIndex) throw new Unread('what no rule of the grammar covers');
  }
}
