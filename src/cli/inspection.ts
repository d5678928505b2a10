// What `guardrails model inspect` prints: in its first line what the file is and whether it would load, then what the
// stream is made of.
import type { ModelInspection } from '../capacity/forest/inspect.ts';

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What the file is, as far as it is known. */
function identity({ bytes, format, writer, description }: ModelInspection): string {
  const known = [format ?? 'no pickle'];
  if (writer !== undefined) known.push(`scikit-learn ${writer}`);
  if (description !== undefined) {
    const { estimator, holder, at, steps, features, outputs, estimators, nodes } = description;
    const where = at === '' ? '' : ` at ${at} of a ${holder}`;
    const around = steps.length === 0 ? '' : ` within ${steps.join(', ')}`;
    known.push(`${estimator}${around}${where}`, plural(features, 'feature'), plural(outputs, 'output'));
    known.push(plural(estimators, 'tree'), plural(nodes, 'node'));
  }
  return [...known, plural(bytes, 'byte')].join(', ');
}

/** The first line. */
function verdict(inspection: ModelInspection): string {
  const { reason, description } = inspection;
  if (description === undefined)
    return `${identity(inspection)}: would not load: ${reason?.code}, ${reason?.reason}. ${reason?.remedy}`;
  const { beside } = description;
  const ignored = beside.length === 0 ? '' : `; not applied: ${beside.join(', ')}`;
  return `${identity(inspection)}: would load${ignored}`;
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  const lines = rows.map(([left = '', ...rest]) => `  ${left.padEnd(18)} ${rest.join('  ')}`);
  return [title, ...lines].join('\n');
}

/** Returns the inspection as lines for people. */
export function describeInspection(inspection: ModelInspection): string {
  const { opcodes, globals, refusals } = inspection;
  return [
    verdict(inspection),
    table(
      'opcodes',
      opcodes.map(([name, count]) => [name, `${count}`]),
    ),
    table(
      'globals',
      globals.map(({ name, offset, times, allowed }) => [
        `byte ${offset}`,
        allowed ? 'allowed' : 'REFUSED',
        name,
        `x${times}`,
      ]),
    ),
    table(
      'refusals',
      refusals.map(({ offset, code, reason }) => [`byte ${offset}`, code, reason]),
    ),
  ].join('\n');
}
