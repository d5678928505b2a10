// The reading of cells beside IPython's own and CPython's parser, and the format beside nbformat's schemas, as Debian ships them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Program } from '../../../src/guards/notebook-import/find-reaches.ts';
import { readCell } from '../../../src/guards/notebook-import/ipython-cell.ts';
import { notebookImport } from '../../../src/guards/notebook-import/notebook-import.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { isGranted } from '../../../src/kernel/grants.ts';
import { memoryJournal } from '../../memory-journal.ts';
import { askPython } from './python.ts';

const code = (source: string): object => ({
  cell_type: 'code',
  execution_count: null,
  metadata: {},
  outputs: [],
  source,
});

/** A directory with one file in it, which `make` makes. */
async function placed(make: (file: string) => unknown): Promise<{ root: string; notebook: string }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'notebook-')));
  onTestFinished(() => rm(root, { recursive: true }));
  await make(join(root, 'a.ipynb'));
  return { root, notebook: 'a.ipynb' };
}
const written = (content: unknown) =>
  placed((file) =>
    writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 }),
  );

/** What is said of a cell: nothing (it may not be read), or whether it escapes from Python and what it reaches. */
async function read(
  source: string,
): Promise<{ readonly escapes: boolean; readonly what: readonly string[] } | undefined> {
  const reading = readCell(source);
  if ('unreadable' in reading) return undefined;
  const program = await Program.open();
  try {
    const number = program.add(reading.python);
    if (typeof number !== 'number') return undefined;
    return {
      escapes: reading.escapes.length > 0,
      what: [...program.reachesOf(number)].map(({ what }) => what),
    };
  } finally {
    program.close();
  }
}

// What IPython makes of each cell; whether CPython would then run it; and the names that it has there.
const ORACLE = `
import ast, json, sys, warnings
from IPython.core.inputtransformer2 import TransformerManager
warnings.simplefilter("ignore")
HARMLESS = ("time", "pinfo", "pinfo2", "matplotlib")
def look(cell):
    try: tree = compile(TransformerManager().transform_cell(cell), "c", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except Exception: return None
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    def escape(n):
        f = n.func
        if not (isinstance(f, ast.Attribute) and isinstance(f.value, ast.Call) and getattr(f.value.func, "id", "") == "get_ipython"): return False
        return f.attr in ("system", "getoutput") or (f.attr in ("run_cell_magic", "run_line_magic") and n.args and getattr(n.args[0], 'value', '') not in HARMLESS)
    return {"escapes": any(escape(n) for n in ast.walk(tree) if isinstance(n, ast.Call)), "names": sorted(names)}
print(json.dumps([look(cell) for cell in json.load(sys.stdin)]))`;
type Look = { readonly escapes: boolean; readonly names: readonly string[] } | null;

const fragments =
  `!ls|%cd x|%%bash|%sx|%time |"""|'''|"|'|(|)|[|]|{|}|\n|\n|\n|\\\n|\\| |  |\t|x = |x|eval(1)|eval|# |f"|f'''|rb"|{eval(1)}|;|,|?|:|if x:\n|` +
  `>>> |... |In [1]: |a, b = !ls|a = %pwd|not |lambda: |%|!|!!|%%|\f|\r\n|@|class a: pass|def f(): pass|\uff45\uff56\uff41\uff4c|1|:=|==|=`;
const cells = fc
  .array(fc.constantFrom(...fragments.split('|')), { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join(''));

describe('a cell', () => {
  it('that IPython takes for a command, or CPython for a call of eval, is never read as harmless', {
    timeout: 60_000,
  }, async ({ skip }) => {
    const sample = fc.sample(cells, { numRuns: 8_000, seed: 12 });
    const looks = askPython<readonly Look[]>(ORACLE, sample, ['IPython']);
    if (typeof looks === 'string') return skip(looks);
    const wrong: string[] = [];
    let [escaping, evaluating] = [0, 0];
    for (const [index, cell] of sample.entries()) {
      const look = looks[index];
      if (!look) continue; // does not run
      const ours = await read(cell);
      escaping += look.escapes ? 1 : 0;
      evaluating += look.names.includes('eval') ? 1 : 0;
      if (ours && look.escapes && !ours.escapes) wrong.push(cell);
      if (ours && look.names.includes('eval') && !ours.what.includes('eval') && !ours.escapes)
        wrong.push(cell);
    }
    expect(wrong).toEqual([]);
    expect(escaping).toBeGreaterThan(50);
    expect(evaluating).toBeGreaterThan(50);
  });
});

describe('the guard', () => {
  it('hands out the cells that it judged, frozen, and its record says that it is a heuristic', async () => {
    const journal = memoryJournal();
    const request = await written({ cells: [code('x = 1')], metadata: {}, nbformat: 4, nbformat_minor: 4 });
    const granted = await enforce(notebookImport, request, { journal });
    expect(granted.cells).toEqual([{ kind: 'code', source: 'x = 1' }]);
    expect(Object.isFrozen(granted.cells[0])).toBe(true);
    expect(isGranted(notebookImport, granted)).toBe(true);
    expect(journal.drafts[0]?.subject?.name).toContain('heuristic');
  });

  it('answers with a code on whatever lies there', async () => {
    const deep = `{"cells":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const states: readonly (readonly [Promise<{ root: string; notebook: string }>, string])[] = [
      [placed((file) => execFileSync('mkfifo', [file])), 'notebook-import.untrusted'],
      [
        placed((file) => writeFile(file, '').then(() => truncate(file, 1 << 30))),
        'notebook-import.untrusted',
      ],
      [written(deep), 'notebook-import.not-strict-json'],
      [written(''), 'notebook-import.not-strict-json'],
      [written('null'), 'notebook-import.malformed'],
      [written('{"nbformat": 4, "nbformat_minor": NaN}'), 'notebook-import.not-strict-json'],
      [Promise.resolve({ root: '/dev', notebook: 'zero' }), 'notebook-import.untrusted'],
    ];
    for (const [state, expected] of states)
      expect((await judge(notebookImport, await state)).codes[0]).toBe(expected);
  });

  it('says no more of a notebook than our own words', async () => {
    const shown = 'aVeryTellingName';
    const source = `!${shown}\nfrom os import system as ${shown}\nopen("/etc/${shown}")`;
    const request = await written({ cells: [code(source)], metadata: {}, nbformat: 4, nbformat_minor: 4 });
    expect(JSON.stringify(await judge(notebookImport, request))).not.toContain(shown);
    const broken = await written({ [shown]: 1, cells: [], metadata: {}, nbformat: 4, nbformat_minor: 4 });
    expect(JSON.stringify(await judge(notebookImport, broken))).not.toContain(shown);
  });
});
