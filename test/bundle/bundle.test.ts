// What a bundler makes of the subpaths: small, without native files, and running in both module systems.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';

async function bundled(source: string, options: BuildOptions = {}): Promise<string> {
  // Inside the project, so that dependencies are found.
  const directory = mkdtempSync(join(import.meta.dirname, '.bundle-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const entry = join(directory, 'entry.ts');
  const outfile = join(directory, options.format === 'cjs' ? 'out.cjs' : 'out.mjs');
  writeFileSync(entry, source.replaceAll(/'\.\.\//g, `'${resolve('src')}/`));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // What guards load when they are asked; a bundler follows the import all the same (docs/bundling.md).
    external: ['@cyclonedx/*', '@secretlint/*', '@sigstore/*', 'isomorphic-git'],
    logLevel: 'silent',
    ...options,
  });
  return outfile;
}

const BIND = `import { bind } from '../guards/bind/bind.ts';
  import { enforce } from '../kernel/enforce.ts';
  const journal = { append: async () => {} };
  enforce(bind, { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 80 }, { journal }).then((granted) =>
    console.log(granted.host),
  );`;
const INDEX = BIND.replace('../guards/bind/bind.ts', '../guards/index.ts').replace(
  '../kernel/enforce.ts',
  '../guards/index.ts',
);
const QUOTE = `import { quote } from '../ssh/commands.ts'; console.log(quote("it's"));`;

/** One file cannot bring the other one along that a thread is started from. */
const THREADS = `import { startThreads } from '../capacity/threads/model-threads.ts';
  import { drillModel } from '../proof/drills/capacity-model/drill-model.ts';
  const say = (told) => console.log(told);
  startThreads(drillModel(), '', { threads: 1 }).then((alone) => say(alone.predict([[1]])[0]));
  startThreads(drillModel(), '', { threads: 2 }).then(say, (error) => say(error.code));`;

/** A grammar is a file of a package: the parser looks for it there. */
const NOTEBOOK = `import { judge } from '../kernel/enforce.ts';
  import { notebookImport } from '../guards/notebook-import/notebook-import.ts';
  judge(notebookImport, { root: process.argv[2] ?? '', notebook: 'one.ipynb' }).then(({ decision, codes }) =>
    console.log(decision, ...codes),
  );`;
const CELL = { cell_type: 'code', execution_count: 1, metadata: {}, outputs: [], source: 'x = 1' };

describe('esbuild', () => {
  it.each([
    ['esm', ['web-tree-sitter'], 'allow'],
    ['esm', [], 'error guard.observe-failed'],
    ['cjs', ['web-tree-sitter'], 'error guard.observe-failed'],
  ] as const)('lets notebook-import as %s, external: %s, answer %s', async (format, external, expected) => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'bundle-')));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const notebook = { cells: [CELL], metadata: {}, nbformat: 4, nbformat_minor: 4 };
    writeFileSync(join(root, 'one.ipynb'), JSON.stringify(notebook), { mode: 0o600 });
    const file = await bundled(NOTEBOOK, { format, external: [...external] });
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const said = execFileSync(process.execPath, [file, root], { encoding: 'utf8', stdio: [...stdio] });
    expect(said).toBe(`${expected}\n`);
  });

  it.each(['esm', 'cjs'] as const)('makes no threads as %s, and says so by a code', async (format) => {
    const file = await bundled(THREADS, { format });
    const said = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(said).toBe('10\nmodel.threads-unavailable\n');
  });

  it.each(['esm', 'cjs'] as const)('makes of the guards what runs as %s', async (format) => {
    const file = await bundled(INDEX, { format });
    expect(execFileSync(process.execPath, [file], { encoding: 'utf8' })).toBe('127.0.0.1\n');
  });

  it('leaves out of { bind, enforce } what they do not need: at most 120 KB', async () => {
    const file = await bundled(INDEX, { minify: true });
    const bytes = readFileSync(file);
    expect(bytes.length).toBeLessThan(120 * 1_024);
    // zod is most of it; nothing of the other guards is left.
    expect(bytes.includes('agilab.run_manifest')).toBe(false);
    expect(bytes.includes('drill.unavailable')).toBe(false);
  });

  it.each(['esm', 'cjs'] as const)(
    'makes of quote what runs as %s, without ssh2 or native files',
    async (format) => {
      const file = await bundled(QUOTE, {
        format,
        minify: true,
      });
      expect(execFileSync(process.execPath, [file], { encoding: 'utf8' })).toBe("'it'\\''s'\n");
      expect(readFileSync(file).includes('SSH-2.0')).toBe(false);
    },
  );
});
