// What a strict reader must say of a text, by two readers that are not ours: momoa, which keeps how each token was
// written, and JSON.parse, which must agree with it.
import { parse, type ValueNode } from '@humanwhocodes/momoa';

type Path = readonly (string | number)[];

interface OracleRules {
  readonly maxDepth: number;
  readonly fractionAt: (path: Path) => boolean;
}

class Refused extends Error {}

function read(node: ValueNode, text: string, path: Path, rules: OracleRules): unknown {
  const inside = (value: ValueNode, step: string | number): unknown =>
    read(value, text, [...path, step], rules);
  if ((node.type === 'Array' || node.type === 'Object') && path.length >= rules.maxDepth) throw new Refused();
  switch (node.type) {
    case 'Null':
      return null;
    case 'Boolean':
      return node.value;
    case 'String':
      if (node.value.isWellFormed()) return node.value;
      throw new Refused();
    case 'Number': {
      const token = text.slice(...(node.range ?? [0, 0]));
      const fraction = rules.fractionAt(path);
      if (
        fraction ? Number.isFinite(node.value) : /^-?\d+$/.test(token) && Number.isSafeInteger(node.value)
      ) {
        return node.value;
      }
      throw new Refused();
    }
    case 'Array':
      return node.elements.map(({ value }, index) => inside(value, index));
    case 'Object': {
      const object: Record<string, unknown> = {};
      for (const { name, value } of node.members) {
        const key = name.type === 'String' ? name.value : name.name;
        if (!key.isWellFormed() || key === '__proto__' || Object.hasOwn(object, key)) throw new Refused();
        object[key] = inside(value, key);
      }
      return object;
    }
    default:
      throw new Refused();
  }
}

/** Returns the value of a text, or undefined where it has to be refused. */
export function oracleRead(text: string, rules: OracleRules): unknown {
  if (!text.isWellFormed() || text.startsWith('\ufeff')) return undefined;
  try {
    const value = read(parse(text, { mode: 'json', ranges: true }).body, text, [], rules);
    JSON.parse(text);
    return value;
  } catch {
    return undefined; // all that either throws means that the text is none
  }
}
