// The parser that reads lines of shell and cells of Python: tree-sitter, as WebAssembly. It is started once for all of
// them: started twice at the same time it keeps the second instance, and languages of the first fail in that.
import { readFile } from 'node:fs/promises';
import type { Parser, Query } from 'web-tree-sitter';

/** Where each grammar is. By name in full: what may be loaded is read from the text of this module. */
const FILES = {
  bash: () => import.meta.resolve('tree-sitter-bash/tree-sitter-bash.wasm'),
  python: () => import.meta.resolve('tree-sitter-python/tree-sitter-python.wasm'),
};

type Name = keyof typeof FILES;
type TreeSitter = typeof import('web-tree-sitter');

/** What parses one language, and makes queries over its trees. */
export interface Grammar {
  readonly parser: Parser;
  readonly query: (source: string) => Query;
}

const made = new Map<string, Promise<unknown>>();

/** What is made once. What failed is not kept: a file that could not be read now may be read the next time. */
function once<T>(name: string, make: () => Promise<T>): Promise<T> {
  const known = made.get(name) as Promise<T> | undefined;
  if (known) return known;
  const making = make();
  made.set(name, making);
  making.catch(() => made.delete(name));
  return making;
}

async function start(): Promise<TreeSitter> {
  const treeSitter = await import('web-tree-sitter');
  await treeSitter.Parser.init();
  return treeSitter;
}

async function load(name: Name): Promise<Grammar> {
  const { Parser, Language, Query } = await once('start', start);
  const language = await Language.load(await readFile(new URL(FILES[name]())));
  return { parser: new Parser().setLanguage(language), query: (source) => new Query(language, source) };
}

/** Returns the grammar of a language, loaded when it is first asked for: most processes never ask. */
export function grammarOf(name: Name): Promise<Grammar> {
  return once(name, () => load(name));
}
