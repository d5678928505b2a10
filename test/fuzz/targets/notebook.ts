// The format of a notebook beside nbformat's own schemas, as Debian ships them: what one takes, the other takes.
import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { readCell } from '../../../src/guards/notebook-import/ipython-cell.ts';
import { readNotebook } from '../../../src/guards/notebook-import/notebook-format.ts';
import { requiresReal } from '../../left-out.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const SCHEMAS = '/usr/lib/python3/dist-packages/nbformat/v4';
const isHere = existsSync(SCHEMAS);
if (!isHere && requiresReal) throw new Error('install python3-nbformat');

const compiled = new Map<number, ValidateFunction>();
function schemaOf(minor: number): ValidateFunction {
  const known = compiled.get(minor);
  if (known) return known;
  const text = readFileSync(`${SCHEMAS}/nbformat.v4.${minor}.schema.json`, 'utf8');
  // Draft 4, but nothing that ajv takes otherwise; a pattern is meant for engines without the flag v.
  const { $schema: _draft, ...schema } = JSON.parse(text.replace('a-zA-Z0-9-_', 'a-zA-Z0-9_-')) as {
    $schema: string;
  };
  const validate = new Ajv({ strict: false }).compile(schema);
  compiled.set(minor, validate);
  return validate;
}

const output = [
  { output_type: 'stream', name: 'stdout', text: ['a\n', 'b'] },
  { output_type: 'error', ename: 'E', evalue: '', traceback: ['x'] },
  {
    output_type: 'execute_result',
    execution_count: 1,
    metadata: {},
    data: { 'text/plain': 'x', 'application/json': {} },
  },
  {
    output_type: 'display_data',
    metadata: {},
    data: { 'image/png': ['a', 'b'], 'application/vnd.x+json': [1] },
  },
];
const cells = [
  {
    cell_type: 'code',
    execution_count: 1,
    metadata: { scrolled: 'auto', collapsed: true, tags: ['a'] },
    outputs: output,
    source: ['x = 1\n', '!ls'],
  },
  {
    cell_type: 'markdown',
    metadata: { name: 'n' },
    source: '# x',
    attachments: { 'a.png': { 'image/png': 'x' } },
  },
  { cell_type: 'raw', metadata: { format: 'text/html' }, source: '' },
];
const metadata = {
  kernelspec: { name: 'python3', display_name: 'P', language: 'python' },
  language_info: { name: 'python', codemirror_mode: { name: 'x' } },
  orig_nbformat: 4,
  title: 't',
  authors: [{ name: 'a' }],
};

export const target = {
  name: 'notebook',
  oracle: "nbformat's schemas, by ajv",
  seeds: [
    { cells, metadata, nbformat: 4, nbformat_minor: 4 },
    { cells, metadata: {}, nbformat: 4, nbformat_minor: 0 },
    {
      cells: cells.map((cell, index) => ({ id: `c-${index}_`, ...cell })),
      metadata,
      nbformat: 4,
      nbformat_minor: 5,
    },
  ].map((notebook) => bytesOf(JSON.stringify(notebook))),
  words: [
    ...'{ } [ ] : , " 0 -1 1.5 null true false "" {} [] "id":"a", "source":[] "x":1, code markdown raw stream error auto metadata outputs'.split(
      ' ',
    ),
    ...'text/plain application/json application/x+json attachments "tags":["a","a"], "name":"", execution_count nbformat_minor 5 99'.split(
      ' ',
    ),
  ],
  unavailable: isHere ? false : 'install python3-nbformat',
  fuzz(bytes) {
    let json: unknown;
    try {
      json = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch {
      readCell(Buffer.from(bytes).toString('utf8')); // promises an answer on any text
      return;
    }
    const ours = 'notebook' in readNotebook(json);
    const { nbformat_minor: minor } = (json ?? {}) as { readonly nbformat_minor?: unknown };
    const isVersion = [0, 1, 2, 3, 4, 5].includes(minor as number);
    const theirs = isVersion && schemaOf(minor as number)(json);
    if (ours !== theirs) throw new Error(ours ? 'the schema refuses it' : 'the schema takes it');
  },
} satisfies FuzzTarget;
