// A notebook of 1,000 cells, read and judged, beside tree-sitter alone parsing the same cells.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Language, Parser } from 'web-tree-sitter';
import { judge, notebookImport } from '../dist/guards/index.js';

/** Cells as people write them: imports, a function, a plot, a comment with a word of the list. */
const CELLS: readonly ((n: number) => string)[] = [
  (n) =>
    `import pandas as pd\nimport numpy as np\nfrom urllib.parse import urlparse\n\nframe_${n} = pd.read_csv("flights_${n}.csv")\n`,
  (n) =>
    `def delay_${n}(frame, by="month", *, limit=${n}):\n    """Mean delay in minutes, by a column."""\n    late = frame[frame["delay"] > limit]\n` +
    `    return {key: float(np.mean(rows["delay"])) for key, rows in late.groupby(by)}\n`,
  (n) =>
    `%matplotlib inline\naxes = frame_${n}.plot(x="month", y="delay", title=f"Delays over {${n}} minutes")\naxes.set_ylabel("minutes")\n`,
  (n) =>
    `# eval of the model, then compile the table\nmodel.eval()\nscores = [model.predict(row) for row in rows if row["id"] % ${n + 1} == 0]\n`,
  (n) =>
    `class Leg${n}:\n    def __init__(self, start, end):\n        self.start, self.end = start, end\n\n    def minutes(self):\n        return (self.end - self.start) / 60\n`,
];

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export async function notebookBench(): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'bench-notebook-')));
  try {
    const sources = Array.from({ length: 1_000 }, (_, n) => CELLS[n % CELLS.length]?.(n) ?? '');
    const cells = sources.map((source) => ({
      cell_type: 'code',
      execution_count: null,
      metadata: {},
      outputs: [],
      source: source.split(/(?<=\n)/),
    }));
    const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 4 };
    writeFileSync(join(root, 'a.ipynb'), JSON.stringify(notebook), { mode: 0o600 });
    await Parser.init();
    const grammar = readFileSync(new URL(import.meta.resolve('tree-sitter-python/tree-sitter-python.wasm')));
    const parser = new Parser().setLanguage(await Language.load(grammar));
    const request = { root, notebook: 'a.ipynb' };
    const { decision } = await judge(notebookImport, request);
    if (decision !== 'allow') throw new Error('the notebook of the bench is refused');
    const [alone, ours]: [number[], number[]] = [[], []];
    for (let round = 0; round < 11; round += 1) {
      alone.push(
        await timed(() => {
          for (const source of sources) parser.parse(source.replace(/^%.*\n/, '\n'))?.delete();
        }),
      );
      ours.push(await timed(() => judge(notebookImport, request)));
    }
    const times = median(ours) / median(alone);
    process.stdout.write(
      `notebook-import: 1,000 cells in ${median(ours).toFixed(0)} ms, ${times.toFixed(2)} times tree-sitter alone\n`,
    );
  } finally {
    rmSync(root, { recursive: true });
  }
}
