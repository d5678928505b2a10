// How much a file of tests asserts, read from its syntax and without running it: for each test the calls of `expect` and its
// like in its body, those in the helpers that it calls among them. A body that was emptied asserts nothing.
import { tsPlugin } from '@sveltejs/acorn-typescript';
import { Parser } from 'acorn';

/** What one file of tests holds: see the list of tests. */
export interface Counted {
  readonly tests: number;
  readonly assertions: number;
  /** Line of the first test that asserts nothing, or leaves others out. */
  readonly emptyAt?: number | undefined;
}

/** An import from a file beside the test. */
export interface Imported {
  /** As it is written: relative to the file. */
  readonly from: string;
  readonly name: string;
}

/** A node of the syntax tree; TypeScript has more kinds of them than acorn's types name. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const TypeScript = Parser.extend(tsPlugin());
const DECLARES: ReadonlySet<string> = new Set(['it', 'test']);
const GROUPS: ReadonlySet<string> = new Set(['describe', 'suite']);
const ASSERTS: ReadonlySet<string> = new Set(['expect', 'assert', 'expectTypeOf', 'assertType']);

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

function childrenOf(node: Node): readonly Node[] {
  const found: Node[] = [];
  for (const key in node) {
    const value = node[key];
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) for (const each of value) if (isNode(each)) found.push(each);
  }
  return found;
}

/** Every node below this one, itself included, in the order of the text. */
function below(node: Node): readonly Node[] {
  const found: Node[] = [];
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    found.push(next);
    const children = childrenOf(next);
    for (let n = children.length - 1; n >= 0; n--) waiting.push(children[n] as Node);
  }
  return found;
}

const child = (node: Node, key: string): Node | undefined => {
  const value = node[key];
  return isNode(value) ? value : undefined;
};
const nameOf = (node: Node | undefined): string => (typeof node?.['name'] === 'string' ? node['name'] : '');

/** The names of `a.b(c).d`, left to right. */
function namesOf(callee: Node | undefined): readonly string[] {
  if (callee?.type === 'Identifier') return [nameOf(callee)];
  if (callee?.type === 'CallExpression') return namesOf(child(callee, 'callee'));
  if (callee?.type === 'TaggedTemplateExpression') return namesOf(child(callee, 'tag'));
  if (callee?.type !== 'MemberExpression') return [];
  return [...namesOf(child(callee, 'object')), nameOf(child(callee, 'property'))];
}

const isFunction = (node: Node | undefined): node is Node =>
  node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression';

/** The functions of a file by their names: what a test may call. */
function helpersOf(nodes: readonly Node[]): ReadonlyMap<string, Node> {
  const helpers = new Map<string, Node>();
  for (const node of nodes) {
    const [named, value] =
      node.type === 'FunctionDeclaration'
        ? [child(node, 'id'), node]
        : node.type === 'VariableDeclarator'
          ? [child(node, 'id'), child(node, 'init')]
          : [child(node, 'key'), child(node, 'value')];
    if (nameOf(named) !== '' && value && (value === node || isFunction(value)))
      helpers.set(nameOf(named), value);
  }
  return helpers;
}

/** A call by name or by a member of a name. */
interface Call {
  readonly first: string;
  readonly last: string;
}

/** The calls below each node that was asked about: a helper is asked about by each test that calls it. */
type Calls = WeakMap<Node, readonly Call[]>;

function callsBelow(node: Node, known: Calls): readonly Call[] {
  const before = known.get(node);
  if (before) return before;
  const calls = below(node).flatMap(({ type, callee }): readonly Call[] => {
    if (type !== 'CallExpression' || !isNode(callee)) return [];
    // `expect(x).toBe(y)` is counted at its `expect(x)`, `expect.fail()` and `fc.assert()` where they are called.
    if (callee.type !== 'Identifier' && child(callee, 'object')?.type !== 'Identifier') return [];
    const names = namesOf(callee);
    return [{ first: names[0] ?? '', last: names.at(-1) ?? '' }];
  });
  known.set(node, calls);
  return calls;
}

const argumentsOf = (node: Node): readonly Node[] =>
  Array.isArray(node['arguments']) ? node['arguments'].filter(isNode) : [];

/** Whether `a.b(c)` calls `b` with `value` as it is written. */
function asks(callee: Node | undefined, name: string, value: boolean): boolean {
  if (callee?.type === 'MemberExpression') return asks(child(callee, 'object'), name, value);
  if (callee?.type !== 'CallExpression') return false;
  const inner = child(callee, 'callee');
  const isThis =
    nameOf(inner && child(inner, 'property')) === name && argumentsOf(callee)[0]?.['value'] === value;
  return isThis || asks(inner, name, value);
}

/** Whether a test or a group is left out for good. What depends on the machine is not. */
function isLeftOut(node: Node, names: readonly string[]): boolean {
  const callee = child(node, 'callee');
  if (names.includes('skip') || names.includes('todo')) return true;
  if (asks(callee, 'skipIf', true) || asks(callee, 'runIf', false)) return true;
  const options = argumentsOf(node).find(({ type }) => type === 'ObjectExpression');
  return (
    options !== undefined &&
    childrenOf(options).some((each) => {
      const key = child(each, 'key');
      const isSet = child(each, 'value')?.['value'] === true;
      return isSet && ['skip', 'todo'].includes(nameOf(key) || String(key?.['value']));
    })
  );
}

/** Whether a body ends before what follows, whatever happens: by a bare `return`, or by `context.skip()`. */
function endsEarly(body: Node): boolean {
  const block = child(body, 'body');
  if (block?.type !== 'BlockStatement') return false;
  return childrenOf(block).some((statement) => {
    if (statement.type === 'ReturnStatement') return !child(statement, 'argument');
    const call = child(statement, 'expression');
    if (call?.type !== 'CallExpression' || namesOf(child(call, 'callee')).at(-1) !== 'skip') return false;
    const [condition] = argumentsOf(call);
    return condition === undefined || (condition.type === 'Literal' && condition['value'] !== false);
  });
}

/** Counts the assertions below a node. `beside`: names of functions of other files that assert. */
function count(
  node: Node,
  helpers: ReadonlyMap<string, Node>,
  beside: ReadonlySet<string>,
  known: Calls,
  inside: ReadonlySet<string> = new Set(),
): number {
  let found = 0;
  for (const { first, last } of callsBelow(node, known)) {
    if (ASSERTS.has(first) || last === 'assert' || beside.has(first)) found++;
    else if (!inside.has(last)) {
      const helper = helpers.get(last);
      if (helper) found += count(helper, helpers, beside, known, new Set([...inside, last]));
    }
  }
  return found;
}

function parse(text: string): Node {
  return TypeScript.parse(text, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Node;
}

/** Returns the names of the functions of a helper file that assert. @throws SyntaxError of acorn. */
export function assertingHelpers(text: string): ReadonlySet<string> {
  const helpers = helpersOf(below(parse(text)));
  const known: Calls = new WeakMap();
  const asserting = [...helpers].filter(([, body]) => count(body, helpers, new Set(), known) > 0);
  return new Set(asserting.map(([name]) => name));
}

/** Returns the local names of imported functions that assert. */
function besideOf(program: Node, asserts: (imported: Imported) => boolean): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of childrenOf(program)) {
    const from = child(node, 'source')?.['value'];
    if (node.type !== 'ImportDeclaration' || typeof from !== 'string' || !from.startsWith('.')) continue;
    for (const each of childrenOf(node)) {
      const name = nameOf(child(each, 'imported'));
      if (name !== '' && asserts({ from, name })) names.add(nameOf(child(each, 'local')));
    }
  }
  return names;
}

/**
 * Returns what a file of tests holds. `asserts` says whether an imported function does.
 *
 * @throws SyntaxError of acorn.
 */
export function countAssertions(text: string, asserts: (imported: Imported) => boolean): Counted {
  const program = parse(text);
  const nodes = below(program);
  const helpers = helpersOf(nodes);
  const known: Calls = new WeakMap();
  const beside = besideOf(program, asserts);
  let tests = 0;
  let assertions = 0;
  let emptyAt: number | undefined;
  let leftOutUntil = 0; // the end of a group that is left out
  for (const node of nodes) {
    if (node.type !== 'CallExpression') continue;
    const [first = '', ...rest] = namesOf(child(node, 'callee'));
    const given = argumentsOf(node);
    const isTest = DECLARES.has(first) && !rest.includes('todo') && given.length >= 2;
    if (!isTest && !GROUPS.has(first)) continue;
    const isLeft = node.start < leftOutUntil || isLeftOut(node, rest);
    const lineOf = (): number => text.slice(0, node.start).split('\n').length;
    if (rest.includes('only')) emptyAt ??= lineOf(); // the others of the file are left out
    if (!isTest) {
      if (isLeft) leftOutUntil = Math.max(leftOutUntil, node.end);
      continue;
    }
    const body = given.find(isFunction) ?? helpers.get(nameOf(given.at(-1)));
    tests++;
    const asserted = body && !isLeft && !endsEarly(body) ? count(body, helpers, beside, known) : 0;
    assertions += asserted;
    if (asserted === 0) emptyAt ??= lineOf();
  }
  return { tests, assertions, ...(emptyAt === undefined ? {} : { emptyAt }) };
}
