// The import edges of a built code tree beside its table of rooms. The look collects; what is wrong with it is for rules.
import { join, posix, sep } from 'node:path';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { readBounded, readPlainNow } from '../../evidence/files.ts';
import { pause } from '../../evidence/pass.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import { entriesBelow } from './entries-below.ts';
import { type ModuleImports, readImports } from './module-imports.ts';
import { type PlanesTable, planesTable } from './planes-table.ts';

export interface CodeModule {
  /** Below the directory of the code, joined by `/`. */
  readonly file: string;
  /** Modules of the same tree, as `file`. */
  readonly imports: readonly string[];
  /** Packages and modules of Node, these without `node:`. */
  readonly uses: readonly string[];
  /** Relative imports that lead to nothing in the tree. */
  readonly outside: number;
  readonly computedAt?: number | undefined;
  readonly hiddenAt?: number | undefined;
}

export interface CodeFacts {
  /** `undefined` when the file is none; `tableFault` says why. */
  readonly table: PlanesTable | undefined;
  readonly tableFault?: string;
  readonly modules: readonly CodeModule[];
  /** Why the tree, or a file in it, could not be read as ES modules. Repeats names of plain letters only. */
  readonly faults: readonly string[];
}

const MAX_TABLE_BYTES = 262_144;
const MAX_MODULE_BYTES = 1_048_576;
const MAX_FILES = 4_096;
/** Modules, and what lies beside them: their types, and maps of both. */
const MAX_ENTRIES = 8 * MAX_FILES;
/** So many are read before others have their turn. */
const AT_ONCE = 16;
const PLAIN_NAME = /^[\w./-]{1,500}$/;
/** Loaded by Node as code too, and read by nothing here. */
const OTHER_CODE = /\.(?:cjs|mjs|node)$/;

async function readTable(path: string): Promise<Pick<CodeFacts, 'table' | 'tableFault'>> {
  try {
    const json = parseStrictJson(await readBounded(path, { maxBytes: MAX_TABLE_BYTES }), {
      maxBytes: MAX_TABLE_BYTES,
    });
    const { success, data } = planesTable.safeParse(json);
    if (success) return { table: data };
    return { table: undefined, tableFault: 'it departs from its format' };
  } catch (error) {
    return { table: undefined, tableFault: error instanceof CodedError ? error.message : errnoOf(error) };
  }
}

/** A package by its name: `@scope/name/file.js` is `@scope/name`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function moduleOf(file: string, read: ModuleImports, files: ReadonlySet<string>): CodeModule {
  const relative = read.specifiers.filter((specifier) => /^\.{1,2}\//.test(specifier));
  const targets = relative.map((specifier) => posix.join(posix.dirname(file), specifier));
  const foreign = read.specifiers.filter((specifier) => !relative.includes(specifier));
  return {
    file,
    imports: [...new Set(targets.filter((target) => files.has(target)))],
    uses: [
      ...new Set(
        foreign.map((name) => (name.startsWith('node:') ? name.slice('node:'.length) : packageOf(name))),
      ),
    ],
    outside: targets.filter((target) => !files.has(target)).length,
    computedAt: read.computedAt,
    hiddenAt: read.hiddenAt,
  };
}

/** Names of the modules, and what in the tree is neither a module nor something that nothing loads. */
async function listModules(
  directory: string,
  signal: AbortSignal | undefined,
): Promise<{ files: readonly string[]; faults: string[] }> {
  const entries = await entriesBelow(directory, MAX_ENTRIES, signal);
  if (!entries) return { files: [], faults: [`there are more than ${MAX_ENTRIES} files`] };
  const faults: string[] = [];
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const file = join(entry.parentPath, entry.name)
      .slice(directory.length + 1)
      .split(sep)
      .join('/');
    if (!PLAIN_NAME.test(file)) faults.push('a file has a name that is not made of plain letters');
    else if (!entry.isFile()) faults.push(`${file} is no plain file`);
    else if (OTHER_CODE.test(file)) faults.push(`${file} is code of another kind than ES modules in .js`);
    else if (file.endsWith('.js')) files.push(file);
  }
  if (files.length > MAX_FILES) return { files: [], faults: [`there are more than ${MAX_FILES} modules`] };
  return { files: files.toSorted(), faults };
}

/** Looks at a code tree and its table. Throws only when `signal` aborts. */
export async function observeCode(
  { directory, table }: { readonly directory: string; readonly table: string },
  signal?: AbortSignal,
): Promise<CodeFacts> {
  const read = await readTable(table);
  let listed: Awaited<ReturnType<typeof listModules>>;
  try {
    listed = await listModules(directory, signal);
  } catch (error) {
    signal?.throwIfAborted();
    return { ...read, modules: [], faults: [`the directory of the code cannot be read (${errnoOf(error)})`] };
  }
  const { files, faults } = listed;
  const known = new Set(files);
  const modules: CodeModule[] = [];
  for (const [n, file] of files.entries()) {
    if (n % AT_ONCE === 0) await pause();
    signal?.throwIfAborted();
    try {
      const source = readPlainNow(join(directory, file), MAX_MODULE_BYTES);
      modules.push(moduleOf(file, await readImports(source.toString()), known));
    } catch {
      faults.push(`${file} cannot be read as an ES module`);
    }
  }
  return { ...read, modules, faults };
}
