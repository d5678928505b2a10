// Guards the import of a notebook, whose cells become stages that run on workers: against one that departs from its format, that is
// read in two ways, or whose code starts programs, runs text, loads pickles, goes to the network or leaves its directory. It is
// a heuristic: it knows names and shapes, and proves what it saw.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { distrust } from '../../files/rules.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { type Notebook, sourceOf } from './notebook-format.ts';
import {
  type FindingKind,
  type NotebookFacts,
  type NotebookRequest,
  observeNotebook,
} from './notebook-look.ts';

const notebookRequest: z.ZodType<NotebookRequest> = z.strictObject({
  root: path,
  notebook: path,
  acknowledged: z.array(hex64).max(10_000).optional(),
});

const EXPORT = 'Open the notebook in Jupyter and save it again, as format 4.5.';
const READ = 'Take it out, or read the whole cell and acknowledge the SHA-256 of its source.';

/** A rule about what the notebook says. One that could not be read is refused by the rules before. */
const says = (
  code: string,
  remedy: string,
  wrong: (notebook: Notebook, facts: NotebookFacts) => string | false,
): Rule<NotebookFacts> => ({
  code,
  remedy,
  refuses: (facts) => facts.reading.kind === 'read' && wrong(facts.reading.notebook, facts),
});

/** A rule about what was found in cells and that nobody acknowledged. */
const blocking = (kind: FindingKind, does: string, remedy: string = READ): Rule<NotebookFacts> => ({
  code: `notebook-import.${kind}`,
  remedy,
  refuses: ({ findings }) => {
    const open = findings.filter((finding) => finding.kind === kind && !finding.acknowledged);
    const [first] = open;
    if (!first) return false;
    const place =
      first.cell === 0
        ? 'outside its cells'
        : first.line === 0
          ? `beside the source of cell ${first.cell}`
          : `cell ${first.cell}, line ${first.line}`;
    return `the notebook ${does} in ${open.length} ${open.length === 1 ? 'place' : 'places'}, first ${first.what}: ${place}`;
  },
});

const PYTHON = /^i?python3?$/i;

const notebookRules: readonly Rule<NotebookFacts>[] = [
  {
    code: 'notebook-import.untrusted',
    remedy:
      'Keep the notebook as a regular file without links, writable by this user and root only, below a root that is.',
    refuses: ({ file }) => distrust(file),
  },
  {
    code: 'notebook-import.not-strict-json',
    remedy: EXPORT,
    refuses: ({ reading }) => reading.kind === 'not-json' && `the notebook is no strict JSON: ${reading.why}`,
  },
  {
    code: 'notebook-import.unsupported',
    remedy: EXPORT,
    refuses: ({ reading }) =>
      reading.kind === 'unsupported' && 'the notebook is of another format than 4.0 to 4.5',
  },
  {
    code: 'notebook-import.malformed',
    remedy: EXPORT,
    refuses: ({ reading }) =>
      reading.kind === 'malformed' && `the notebook departs from its format: ${reading.why}`,
  },
  says('notebook-import.duplicate-id', EXPORT, ({ cells }) => {
    const ids = cells.flatMap(({ id }) => (id === undefined ? [] : [id]));
    return new Set(ids).size < ids.length && 'two cells have one id';
  }),
  says(
    'notebook-import.not-python',
    'Import notebooks of Python only.',
    ({ metadata: { kernelspec, language_info: info } }) =>
      [kernelspec?.language, info?.name].some(
        (name) => name !== undefined && !(typeof name === 'string' && PYTHON.test(name)),
      ) && 'the notebook is written for another language than Python',
  ),
  says(
    'notebook-import.no-code',
    'Name a notebook that has something to run.',
    ({ cells }) =>
      cells.every((cell) => cell.cell_type !== 'code' || sourceOf(cell).trim() === '') &&
      'no cell holds code',
  ),
  {
    code: 'notebook-import.too-much',
    remedy: 'Split the notebook, or move code into modules.',
    refuses: ({ withinBounds }) => !withinBounds && 'the notebook holds more code than is looked at',
  },
  {
    code: 'notebook-import.unreadable',
    remedy: 'Write the cell so that it can be read in one way only.',
    refuses: ({ unreadable: [first] }) =>
      first !== undefined && `cell ${first.cell} cannot be read: ${first.why}`,
  },
  blocking('shell', 'starts programs'),
  blocking('dynamic-code', 'runs text as code, or names what does'),
  blocking('deserialisation', 'loads objects that can run code'),
  blocking('network', 'goes to the network'),
  blocking('escaping-path', 'leaves its directory'),
  blocking('magic', 'uses what IPython alone knows'),
  blocking(
    'secret',
    'shows what looks like a secret',
    'Take the secret out and count it as leaked: revoke it. What is none can be acknowledged by the SHA-256 of the text that holds it.',
  ),
];

/** A cell as it was judged. */
export interface VerifiedCell {
  readonly kind: 'code' | 'markdown' | 'raw';
  readonly source: string;
}

/** A notebook in which nothing open was found: by a heuristic, which knows names and shapes and nothing beyond them. */
export interface VerifiedNotebook {
  /** SHA-256 of the file, lowercase hex. */
  readonly digest: string;
  readonly cells: readonly VerifiedCell[];
  /** What was found in texts that the request acknowledged. */
  readonly acknowledged: number;
}

/** Grants a {@link VerifiedNotebook}: the cells that were judged. */
export const notebookImport: Guard<NotebookRequest, VerifiedNotebook> = defineHouseGuard({
  id: 'notebook-import',
  dimension: 'architecture_runtime_guardrails',
  request: notebookRequest,
  observe: observeNotebook,
  rules: notebookRules,
  grant: ({ file: { digest }, reading, findings }) => {
    if (reading.kind !== 'read' || digest === undefined) throw new TypeError('a grant needs a notebook');
    const cells = reading.notebook.cells.map((cell) => ({ kind: cell.cell_type, source: sourceOf(cell) }));
    return deepFreeze({ digest, cells, acknowledged: findings.length });
  },
  subject: ({ file: { digest } }) => ({
    kind: 'notebook',
    name: 'judged by a heuristic, which proves what it saw',
    ...(digest === undefined ? {} : { digest: `sha256:${digest}` }),
  }),
  method: ({ file }) => file.method,
});
