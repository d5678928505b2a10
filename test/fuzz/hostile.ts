// What a hostile pickle is, and the words that all of them are written with.
import {
  type Changes,
  doubles,
  dtype,
  forest,
  GOOD_NODES,
  NODE_FIELDS,
  type Node,
  nodeBytes,
  type TreeChanges,
  tree,
  treeEstimator,
} from './model-writer.ts';
import { joined, op, type Py, pickle, type Token, tokensOf } from './pickle-writer.ts';

export interface Hostile {
  readonly family: 'names' | 'opcodes' | 'structure' | 'state';
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  /** True when loading it in CPython runs its payload. */
  readonly live?: true;
}

export const global = (module: string, name: string): Py => ({ global: [module, name] });
export const stream = (...tokens: (Token | string)[]): Uint8Array =>
  joined(tokens.map((token) => (typeof token === 'string' ? op(token) : token)));
export const state = (what: string, code: string, value: Py): Hostile => ({
  family: 'state',
  what,
  bytes: pickle(value),
  code,
});
export const shared = (value: Py, uses: (get: Token) => Token[]): Py => ({
  raw: [...tokensOf(value), op('q', 0), ...uses(op('h', 0))],
});
export const inTree = (what: string, code: string, changes: TreeChanges): Hostile =>
  state(what, code, treeEstimator({ tree_: tree(changes) }));
export const inNodes = (what: string, code: string, index: number, change: Partial<Node>): Hostile =>
  inTree(what, code, { nodes: GOOD_NODES.map((node, i) => (i === index ? { ...node, ...change } : node)) });
export const inForest = (what: string, code: string, changes: Changes): Hostile =>
  state(what, code, forest(changes));
export const bytes5 = nodeBytes(GOOD_NODES);
export const values5 = doubles([1, 2, 3, 4, 5]);
export const single = treeEstimator();
export const proto = (version: number): Token => op(0x80, version);
export const fieldNames: readonly Py[] = NODE_FIELDS.map(([name]) => name);
export const fieldEntries = NODE_FIELDS.map(([name, type, at]): [Py, Py] => [name, { tuple: [type, at] }]);
/** The state of the node dtype, one item of which is another. */
export const nodeState = (index: number, item: Py): Py =>
  dtype('V64', {
    tuple: ([3, '|', null, { tuple: fieldNames }, { dict: fieldEntries }, 64, 1, 16] as Py[]).with(
      index,
      item,
    ),
  });
