// Notebooks that depart from their format, that read in two ways, and whose code reaches the world: one for each entry of the guard's
// list, and one for each way to write it so that a search for the word misses it.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { NotebookRequest } from '../../../guards/notebook-import/notebook-look.ts';
import { REACH_ENTRIES } from '../../../guards/notebook-import/reaches.ts';
import type { Drill } from '../../proof.ts';

type Json = Readonly<Record<string, unknown>>;
type Request = Omit<NotebookRequest, 'root' | 'notebook'>;

const code = (source: string, more: Json = {}): Json => ({
  cell_type: 'code',
  execution_count: 1,
  metadata: {},
  outputs: [],
  source: source.split(/(?<=\n)/),
  ...more,
});
const notebook = (cells: unknown, more: Json = {}): Json => ({
  cells,
  metadata: {
    kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
    language_info: { name: 'python', version: '3.13.0' },
  },
  nbformat: 4,
  nbformat_minor: 4,
  ...more,
});

const LOAD = code('import pandas as pd\n\n%matplotlib inline\nframe = pd.read_csv("flights.csv")');
const PLOT = code('# eval and os.system are only words here\nframe.plot(title="eval")\nmodel.eval()');
const TEXT: Json = { cell_type: 'markdown', metadata: {}, source: ['# Flights\n', '`!ls` lists files'] };

function drill(
  id: string,
  fault: string,
  expects: string,
  content: Json | string,
  request: Request = {},
): Drill<NotebookRequest> {
  return {
    id,
    fault,
    expects: expects === 'allow' ? expects : `notebook-import.${expects}`,
    build: async (site) => {
      const root = site.directory;
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      await writeFile(join(root, 'flights.ipynb'), text, { mode: 0o600 });
      return { root, notebook: 'flights.ipynb', ...request };
    },
  };
}

/** A drill about one cell among innocent ones. */
const cell = (id: string, fault: string, expects: string, source: string, request: Request = {}) =>
  drill(id, fault, expects, notebook([TEXT, LOAD, code(source), PLOT]), request);

/** Python that uses an entry of the list. */
function usage(entry: string): string {
  const [, module] = /^(.*)\.\*$/.exec(entry) ?? [];
  if (module !== undefined) return `import ${module} as helper`;
  if (entry.startsWith('*.')) return `thing.${entry.slice(2)}(1)`;
  if (entry.endsWith('=')) return `load(x, ${entry}True)`;
  const [, from, name] = /^(.*)\.(\w+)$/.exec(entry) ?? [];
  return from === undefined ? `helper = [${entry}]` : `import ${from} as helper\nhelper.${name}(1)`;
}
/** Names the drill of an entry. */
export const idOfEntry = (entry: string): string =>
  `list-${entry
    .replace(/^_(?=[a-z])/, 'private-')
    .replace(/^\*/, 'any')
    .replace(/\.\*$/, '-module')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')}`
    .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replaceAll(/-+/g, '-');
const ofEntries = REACH_ENTRIES.map(([entry, kind]) =>
  cell(idOfEntry(entry), `code that uses ${entry}`, kind, usage(entry)),
);

const REMOVE = '!rm -rf /';
const TOKEN = `${'glpat'}-aB3dE6gH9jK2mN5pQ8sT`;
const shows = (data: Json): Json => ({
  outputs: [{ output_type: 'display_data', data, metadata: {} }],
});

const sound: readonly Drill<NotebookRequest>[] = [
  drill('sound', 'none: a notebook that loads and plots', 'allow', notebook([TEXT, LOAD, PLOT])),
  drill(
    'sound-with-ids',
    'none: the newest format',
    'allow',
    notebook(
      [
        { ...LOAD, id: 'load' },
        { ...PLOT, id: 'plot' },
      ],
      { nbformat_minor: 5 },
    ),
  ),
  cell(
    'not-at-a-statement',
    'none: lines that begin with % and !, in brackets and in a text',
    'allow',
    'x = (7\n%y)\ntext = """\n!ls\n%cd /\n%%bash\n"""\nz = x \\\n%y',
  ),
  cell(
    'harmless-magics',
    'none: magics that only set up figures, show help or measure',
    'allow',
    '%load_ext autoreload\n%autoreload 2\n%time frame.head()\nframe.head?\n%config InlineBackend.figure_format = "retina"',
  ),
  cell('timed-cell', 'none: a cell whose time is taken', 'allow', '%%time\nframe.sum()'),
  cell('read-getattr', 'none: getattr of a name that is written there', 'allow', 'getattr(frame, "size", 0)'),
  cell('acknowledged', 'none: a cell that somebody has read', 'allow', REMOVE, {
    acknowledged: [sha256Hex(REMOVE)],
  }),
  drill(
    'acknowledged-output',
    'none: a text in an output that somebody has read',
    'allow',
    notebook([LOAD, code('1', shows({ 'text/plain': TOKEN }))]),
    { acknowledged: [sha256Hex(TOKEN)] },
  ),
];

const formats: readonly Drill<NotebookRequest>[] = [
  drill('cells-not-a-list', 'cells that are no list', 'malformed', notebook('not-a-list')),
  drill('cell-not-an-object', 'a cell that is a text', 'malformed', notebook([LOAD, 'print(1)'])),
  drill('unknown-key', 'a key that the format does not know', 'malformed', notebook([LOAD], { run: true })),
  drill('unknown-cell', 'a cell of an unknown type', 'malformed', notebook([{ ...LOAD, cell_type: 'sql' }])),
  drill('id-too-early', 'an id in a format that has none', 'malformed', notebook([{ ...LOAD, id: 'a' }])),
  drill(
    'id-missing',
    'no id in a format that wants one',
    'malformed',
    notebook([LOAD], { nbformat_minor: 5 }),
  ),
  drill('source-of-numbers', 'a source that is no text', 'malformed', notebook([{ ...LOAD, source: [1] }])),
  drill(
    'output-unknown',
    'an output of an unknown type',
    'malformed',
    notebook([code('1', { outputs: [{ output_type: 'run' }] })]),
  ),
  drill('not-an-object', 'a list in place of a notebook', 'malformed', '[]'),
  drill('version-99', 'a format of the future', 'unsupported', notebook([LOAD], { nbformat: 99 })),
  drill(
    'version-3',
    'a format of the past',
    'unsupported',
    '{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}',
  ),
  drill(
    'minor-6',
    'a minor version that is not known',
    'unsupported',
    notebook([LOAD], { nbformat_minor: 6 }),
  ),
  drill('not-json', 'half a notebook', 'not-strict-json', JSON.stringify(notebook([LOAD])).slice(0, -9)),
  drill(
    'duplicate-key',
    'a source that is given twice',
    'not-strict-json',
    JSON.stringify(notebook([LOAD])).replace('"source"', '"source":["!ls"],"source"'),
  ),
  drill(
    'duplicate-id',
    'two cells with one id',
    'duplicate-id',
    notebook(
      [
        { ...LOAD, id: 'a' },
        { ...PLOT, id: 'a' },
      ],
      { nbformat_minor: 5 },
    ),
  ),
  drill(
    'another-language',
    'a notebook of R',
    'not-python',
    notebook([code('x <- 1')], { metadata: { language_info: { name: 'R' } } }),
  ),
  drill(
    'another-kernel',
    'a kernel of bash that calls its language Python in one place only',
    'not-python',
    notebook([LOAD], {
      metadata: {
        kernelspec: { display_name: 'b', language: 'bash', name: 'b' },
        language_info: { name: 'python' },
      },
    }),
  ),
  drill('no-code', 'a notebook that runs nothing', 'no-code', notebook([TEXT, code(' \n')])),
  drill('too-long', 'a cell that is too long', 'too-much', notebook([code(`#${'x'.repeat(65_536)}`)])),
  drill('too-many', 'too many cells', 'too-much', notebook(Array.from({ length: 10_001 }, () => code('1')))),
  drill(
    'too-dense',
    'more words than are looked at',
    'too-much',
    notebook(Array.from({ length: 5 }, () => code('a\n'.repeat(32_000)))),
  ),
  drill(
    'too-many-imports',
    'more imports than are looked at',
    'too-much',
    notebook([code('import x\n'.repeat(5_001))]),
  ),
  {
    id: 'linked',
    fault: 'a notebook that is a link',
    expects: 'notebook-import.untrusted',
    build: async (site) => {
      const root = site.directory;
      await mkdir(join(root, 'shelf'), { mode: 0o700 });
      await writeFile(join(root, 'shelf/a.ipynb'), JSON.stringify(notebook([LOAD])), { mode: 0o600 });
      await symlink('shelf/a.ipynb', join(root, 'a.ipynb'));
      return { root, notebook: 'a.ipynb' };
    },
  },
];

const unreadable: readonly Drill<NotebookRequest>[] = [
  cell('syntax-error', 'code that is no Python', 'unreadable', 'x = = 1'),
  cell('half-a-bracket', 'a bracket that nobody closes', 'unreadable', 'x = (1'),
  cell(
    'lone-return',
    'a carriage return that ends a comment for Python alone',
    'unreadable',
    '# x\rexec("1")',
  ),
  cell('nul', 'a NUL', 'unreadable', 'x = "a\0b"'),
  cell('line-separator', 'a separator that looks like the end of a line', 'unreadable', '# x\u2028exec("1")'),
  cell('direction', 'a mark that turns the direction of writing', 'unreadable', 'x = "a\u202eb"'),
  cell('escape-character', 'an escape of terminals', 'unreadable', '# \u001b[2K'),
  cell('coding', 'a declaration of an encoding', 'unreadable', '# -*- coding: utf-7 -*-\nx = 1'),
  cell('python-2-print', 'a statement of Python 2', 'unreadable', 'print "x"'),
  cell('python-2-exec', 'exec as a statement', 'unreadable', 'exec "x"'),
  cell('type-target', 'an assignment that a grammar takes for a type', 'unreadable', 'type(a).b = c'),
  cell('prompt', 'prompts, which IPython takes off', 'unreadable', '>>> x = 1'),
  cell('numbered-prompt', 'a prompt that Python takes for an annotation', 'unreadable', 'In [1]: x = 1'),
  cell('autocall', 'a call without brackets', 'unreadable', '/print 1'),
  cell('quoting-call', 'a call that quotes its words', 'unreadable', ',print a b'),
  cell('magic-after-semicolon', 'a magic where IPython sees none', 'unreadable', 'x = 1; %ls'),
];

const shells: readonly Drill<NotebookRequest>[] = [
  cell('remove-all', 'a command of the system', 'shell', REMOVE),
  cell('captured', 'a command whose output is kept', 'shell', 'files = !ls'),
  cell('captured-item', 'a command whose output goes into a list', 'shell', 'a[0] = !ls'),
  cell('captured-typed', 'a command whose output has a type', 'shell', 'a: list = !ls'),
  cell('twice', 'a command by two marks', 'shell', '!!ls'),
  cell('indented', 'a command in a block', 'shell', 'if frame.empty:\n    !ls\n    x = 1'),
  cell('indented-cell', 'a command in a cell that is indented as a whole', 'shell', '  \n    x = 1\n    !ls'),
  cell('after-text', 'a command after a text of many lines', 'shell', 'x = """\n(\n"""\n!ls'),
  cell('after-comment', 'a command after a comment with a quote', 'shell', "# don't\n!ls"),
  cell(
    'hidden-by-time',
    'a command behind an unfinished text, which IPython measures',
    'unreadable',
    '%time """\n!ls\n"""',
  ),
  cell('bash-cell', 'a cell of bash', 'shell', '%%bash\nrm -rf /'),
  cell('script-cell', 'a cell for any interpreter', 'shell', '%%script sh\nrm -rf /'),
  cell('blank-before-magic', 'a cell of sh after empty lines', 'shell', '\n\n%%sh\nls'),
  cell('timed-bash', 'a cell of bash whose time is taken', 'shell', '%%time\n%%bash\nls'),
  cell('system-magic', 'a command by a magic', 'shell', '%system rm -rf /'),
  cell('install', 'an installation', 'shell', '%pip install left-pad'),
  cell('popen', 'a command by popen', 'shell', 'import os\nos.popen("ls")'),
  cell(
    'renamed-module',
    'a command by a module under another name',
    'shell',
    'import os as o\no.system("ls")',
  ),
  cell('taken-name', 'a command by a name that was taken out', 'shell', 'from os import system as s'),
  cell('all-names', 'all names of a module', 'shell', 'from os import *'),
  cell(
    'pickles-by-place',
    'an argument that allows pickles, by its place',
    'deserialisation',
    'import numpy as np\nnp.load("x.npy", None, True)',
  ),
  ...[
    ['dictionary', 'spelled in a dictionary', 'np.load("x.npy", **{"allow_pickle": True})'],
    ['star', 'that a star may bring', 'np.load(*given)'],
    ['two-stars', 'that two stars may bring', 'np.load("x.npy", **given)'],
    ['assigned', 'of the function under another name', 'get = np.load\nget("x.npy", None, True)'],
  ].map(([id, how, call]) =>
    cell(
      `pickles-by-${id}`,
      `an argument that allows pickles, ${how}`,
      'deserialisation',
      `import numpy as np\n${call}`,
    ),
  ),
  cell(
    'behind-module',
    'a module by way of another',
    'dynamic-code',
    'import json\nb = json.codecs.builtins',
  ),
  cell('by-pattern', 'a command by a pattern', 'shell', 'match os:\n    case object(system=run): run("ls")'),
  cell('no-pickles', 'none: arrays without pickles', 'allow', 'import numpy as np\nnp.load("x.npy", "r")'),
  cell(
    'all-names-below',
    'all names of a module below one of the list',
    'network',
    'from requests.api import *',
  ),
  cell('by-getattr', 'a command by getattr', 'shell', 'getattr(os, "system")("ls")'),
  drill(
    'two-cells',
    'an import that somebody has read, and its use in a cell that nobody has',
    'shell',
    notebook([code('from subprocess import run as go'), code('go(["ls"])')]),
    { acknowledged: [sha256Hex('from subprocess import run as go')] },
  ),
  drill(
    'two-cells-assigned',
    'a name that a cell gave to eval, used in another',
    'dynamic-code',
    notebook([code('e = eval'), code('e("1")')]),
    { acknowledged: [sha256Hex('e = eval')] },
  ),
  cell('changed-since', 'a cell that changed after somebody had read it', 'shell', `${REMOVE}tmp`, {
    acknowledged: [sha256Hex(REMOVE)],
  }),
];

const codes: readonly Drill<NotebookRequest>[] = [
  cell('eval-decorator', 'exec as a decorator, which is no call', 'dynamic-code', '@exec\nclass a: pass'),
  cell('eval-in-f-string', 'eval in a text', 'dynamic-code', 'x = f"{eval(y):{eval(z)}}"'),
  cell('eval-fullwidth', 'eval in letters of full width', 'dynamic-code', '\uff45\uff56\uff41\uff4c("1")'),
  cell(
    'eval-mathematical',
    'eval in mathematical letters',
    'dynamic-code',
    '\u{1d41e}\u{1d42f}\u{1d41a}\u{1d425}("1")',
  ),
  cell('eval-passed', 'eval as an argument', 'dynamic-code', 'list(map(eval, lines))'),
  cell('eval-timed', 'exec whose time is taken', 'dynamic-code', '%time exec(x)'),
  cell('eval-in-block', 'eval in a function', 'dynamic-code', 'def f(x):\n    return [eval(y) for y in x]'),
  cell(
    'getattr-joined',
    'getattr of a name that is put together',
    'dynamic-code',
    'getattr(os, "sys" + "tem")("ls")',
  ),
  cell(
    'getattr-adjacent',
    'getattr of a name in two parts',
    'dynamic-code',
    'getattr(os, "sys" "tem")("ls")',
  ),
  cell('getattr-renamed', 'getattr under another name', 'dynamic-code', 'g = getattr'),
  cell('query-call', 'a call in a query', 'dynamic-code', 'frame.query("@os.system(\'ls\')")'),
  cell('query-dunder', 'a name between underscores in a query', 'dynamic-code', 'frame.query("a.__class__")'),
  cell('query-named', 'a query by its argument', 'dynamic-code', 'frame.query(inplace=True, expr="@f(1)")'),
  cell('query-composed', 'a query of parts that nobody knows', 'dynamic-code', 'frame.query(f"{x} > 1")'),
  cell('eval-unknown', 'an expression that nobody knows', 'dynamic-code', 'frame.eval(x)'),
  cell(
    'query-plain',
    'none: queries of columns and values, and one of a tree',
    'allow',
    'frame.query("delay > @limit")\nframe.eval("a = b + c")\ntree.query(points, k=3)',
  ),
  cell(
    'very-deep',
    'an expression of very many levels, which would take the square of them',
    'unreadable',
    `x = ${'a + '.repeat(200)}a`,
  ),
  cell('hidden-letters', 'a path whose letters are numbers', 'dynamic-code', 'open("\\x2fetc")'),
  cell('unknown-magic', 'a magic that is not known', 'magic', '%store x'),
  cell('magic-assigned', 'a magic whose answer is kept', 'magic', 'x = %pwd'),
  cell('write-cell', 'a cell that becomes a file', 'magic', '%%writefile a.py\nx = 1'),
  cell('javascript-cell', 'a cell of JavaScript', 'magic', '%%javascript\nalert(1)'),
  cell('late-cell-magic', 'a magic of a cell in its second line', 'magic', 'x = 1\n%%html'),
];

const places: readonly Drill<NotebookRequest>[] = [
  cell('parent', 'a path with ..', 'escaping-path', 'open("../../etc/passwd")'),
  cell('parent-within', 'a path that goes down and up again', 'escaping-path', 'open("a/../../b")'),
  cell('parent-alone', 'a lone ..', 'escaping-path', 'os.path.join("..", "x")'),
  cell('absolute', 'an absolute path', 'escaping-path', 'open("/etc/passwd")'),
  cell('home', 'a path in a home', 'escaping-path', 'open("~/.ssh/id_ed25519")'),
  cell('raw', 'a path of Windows in a raw text', 'escaping-path', 'open(r"C:\\Users")'),
  cell('file-locator', 'a file by a locator', 'escaping-path', 'pd.read_csv("file:///etc/passwd")'),
  ...[
    ['added', 'of parts', 'open("/" + "etc/passwd")'],
    ['side-by-side', 'of parts side by side', 'open("/" "etc/passwd")'],
    ['parent-added', 'with .. of parts', 'open("." + "./x")'],
    ['chr', 'with the number of a letter', 'open(chr(0x2f) + "etc/passwd")'],
    ['percent', 'by %', 'open("%s%s" % ("/", "etc/passwd"))'],
    ['percent-one', 'by % of one', 'open("%setc/passwd" % "/")'],
    ['format', 'by format', 'open("{1}{0}".format("etc/passwd", "/"))'],
    ['join', 'by join', 'open("/".join(["", "etc", "passwd"]))'],
    ['nested', 'in an f-string', `open(f"{str('/')}etc/passwd")`],
    ['separator', 'after the separator of the system', 'import os\nopen(os.sep + "etc")'],
    ['here', 'with two names of here', 'import os\nopen(os.curdir + "." + "/x")'],
    ['os-join', 'by os.path.join', 'from os.path import join as j\nj("/", "etc")'],
    ['pathlib', 'by pathlib', 'from pathlib import Path as P\nP("/") / "etc"'],
    ['pathlib-parts', 'by pathlib, in parts', 'import pathlib\npathlib.Path("/", "etc")'],
    ['joinpath', 'by joinpath', 'from pathlib import PurePath\nPurePath("/").joinpath("etc")'],
  ].map(([id, how, source]) =>
    cell(`composed-${id}`, `a path out, put together ${how}`, 'escaping-path', `${source}`),
  ),
  cell('composed-locator', 'a locator of parts', 'network', 'pd.read_csv("http" + "s://" + host)'),
  cell(
    'composed-within',
    'none: names of files put together',
    'allow',
    'open("data/" + name + ".csv")\nopen("%s/%s" % (folder, name))\nopen("/".join(["a", "b"]))\nprint("=" * 9 + "/" + chr(x))',
  ),
  cell('f-string-path', 'a path whose end is computed', 'escaping-path', 'open(f"/etc/{name}")'),
  cell('download', 'data from the network', 'network', 'pd.read_csv("https://example.org/a.csv")'),
  cell('store', 'data from a store', 'network', 'pd.read_parquet("s3://bucket/a")'),
];

const secrets: readonly Drill<NotebookRequest>[] = [
  cell('secret-in-code', 'a token in code', 'secret', `client(token="${TOKEN}")`),
  drill('secret-in-text', 'a token in a text', 'secret', notebook([LOAD, { ...TEXT, source: TOKEN }])),
  drill(
    'secret-in-output',
    'a token in an output',
    'secret',
    notebook([code('1', shows({ 'text/plain': [TOKEN.slice(0, 9), TOKEN.slice(9)] }))]),
  ),
  drill(
    'secret-in-json',
    'a password in an output of JSON',
    'secret',
    notebook([code('1', shows({ 'application/json': { password: `${'Tr0ub4dor'}&3` } }))]),
  ),
  drill(
    'secret-in-metadata',
    'a token in the metadata',
    'secret',
    notebook([LOAD], { metadata: { note: TOKEN } }),
  ),
];

export const notebookImportDrills: readonly Drill<NotebookRequest>[] = [
  ...sound,
  ...formats,
  ...unreadable,
  ...shells,
  ...codes,
  ...places,
  ...secrets,
  ...ofEntries,
];
