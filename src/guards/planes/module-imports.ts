// What one ES module loads, read from its syntax tree (acorn). Whatever could load a module that the text does not name is
// reported, because nobody can say where that edge leads.
import type { AnyNode, Node, Program } from 'acorn';

export interface ModuleImports {
  /** What import, export from, import() and import.meta.resolve() name as a literal. */
  readonly specifiers: readonly string[];
  /** Line of the first import() or import.meta.resolve() of something that is no literal. */
  readonly computedAt?: number;
  /** Line of the first eval, Function(), require, process.getBuiltinModule() and the like. */
  readonly hiddenAt?: number;
}

/** Members of `process` that load code past the module loader. */
export const LOADERS: ReadonlySet<string> = new Set([
  'getBuiltinModule',
  'binding',
  '_linkedBinding',
  'dlopen',
  'mainModule',
]);

/** As ECMAScript counts lines. */
const LINE_END = /\r\n?|[\n\u2028\u2029]/;

const literal = (node: AnyNode | undefined): string | undefined => {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  const [only] = node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis : [];
  return only?.value.cooked ?? undefined;
};

const isNamed = (node: AnyNode, ...names: readonly string[]): boolean =>
  node.type === 'Identifier' && names.includes(node.name);

/** The name of a member, or `undefined` when it is computed when the code runs. */
function memberName(node: AnyNode & { type: 'MemberExpression' }): string | undefined {
  if (node.computed) return literal(node.property);
  return node.property.type === 'Identifier' ? node.property.name : undefined;
}

function isHidden(node: AnyNode): boolean {
  if (isNamed(node, 'eval', 'require')) return true;
  if (node.type === 'NewExpression' || node.type === 'CallExpression')
    return isNamed(node.callee, 'Function');
  if (node.type !== 'MemberExpression' || !isNamed(node.object, 'process')) return false;
  const name = memberName(node);
  return name === undefined || LOADERS.has(name);
}

/** What a node loads: a literal, `null` for something else, `undefined` when it loads nothing. */
function loadedBy(node: AnyNode): string | null | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return literal(node.source) ?? null;
    case 'ExportNamedDeclaration':
      return node.source ? (literal(node.source) ?? null) : undefined;
    case 'CallExpression': {
      const { callee } = node;
      if (callee.type !== 'MemberExpression' || callee.object.type !== 'MetaProperty') return undefined;
      return memberName(callee) === 'resolve' ? (literal(node.arguments[0]) ?? null) : undefined;
    }
    default:
      return undefined;
  }
}

/** Reads one module. @throws SyntaxError, RangeError: it is no ES module, or nested too deeply to be read. */
export async function readImports(source: string): Promise<ModuleImports> {
  // Loaded with the first module: who asks other guards needs no parser.
  const [{ parse }, { full }] = await Promise.all([import('acorn'), import('acorn-walk')]);
  const tree: Program = parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const specifiers: string[] = [];
  let computedAt: number | undefined;
  let hiddenAt: number | undefined;
  const lineOf = ({ start }: Node): number => source.slice(0, start).split(LINE_END).length;
  full(tree, (visited) => {
    const node = visited as AnyNode;
    const loaded = loadedBy(node);
    if (typeof loaded === 'string') specifiers.push(loaded);
    if (loaded === null) computedAt ??= lineOf(node);
    if (isHidden(node)) hiddenAt ??= lineOf(node);
  });
  return {
    specifiers,
    ...(computedAt === undefined ? {} : { computedAt }),
    ...(hiddenAt === undefined ? {} : { hiddenAt }),
  };
}
