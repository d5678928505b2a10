import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { initKeys } from '../../../src/evidence/key-store.ts';
import { observeCode } from '../../../src/guards/planes/code.ts';
import { confinedNode } from '../../../src/guards/planes/confined-node.ts';
import { readImports } from '../../../src/guards/planes/module-imports.ts';
import { attemptWrites } from '../../../src/guards/planes/payload-process.ts';
import { type PlanesRequest, planes } from '../../../src/guards/planes/planes.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { livePlanes } from '../../../src/proof/drills/planes/live-planes.ts';
import { siteIn } from '../../drill-site.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';

let directory = '';
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'planes-')));
});
afterAll(() => rm(directory, { recursive: true }));

/** A group may write what was cloned under umask 0002, and the guard refuses that. */
const isOpen = ['.', 'dist', 'data'].some((name) => (statSync(name).mode & 0o022) !== 0);

describe('this package', () => {
  it(
    'keeps its planes apart: its built code to the table, its state from payloads',
    leftOut(isOpen && 'others may write this checkout (umask)'),
    async () => {
      const state = join(directory, 'state');
      await mkdir(state, { mode: 0o700 });
      await initKeys(state);
      const site = join(directory, 'site');
      await mkdir(site);
      const request = await livePlanes(state, siteIn(site));
      const { modules, rooms } = await enforce(planes, request, { journal: memoryJournal() });
      expect(modules).toBeGreaterThan(100);
      expect(rooms[0]).toBe('evidence');
    },
  );
});

describe('a payload', () => {
  // Root may write everywhere: there its payloads are another account's.
  const NOBODY = 65_534;
  const asRoot = process.getuid?.() === 0;
  const other = ['/usr/bin/setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const launcher = [...(asRoot ? other : []), process.execPath];
  const canStart = spawnSync(launcher[0] ?? '', [...launcher.slice(1), '-e', '0']).status === 0;
  it(
    'that owns what is read-only is seen to give itself leave, and takes it back',
    leftOut(!canStart && 'no setpriv, or no Node that another account may start'),
    async () => {
      const root = mkdtempSync(join(tmpdir(), 'payload-'));
      chmodSync(root, 0o755);
      onTestFinished(() => rmSync(root, { recursive: true, force: true }));
      const [own, guarded] = [join(root, 'own'), join(root, 'guarded')];
      const key = join(guarded, 'key');
      for (const path of [own, guarded]) mkdirSync(path, { mode: 0o700 });
      writeFileSync(key, 'x');
      if (asRoot) for (const path of [own, guarded, key]) chownSync(path, NOBODY, NOBODY);
      for (const [path, mode] of [
        [key, 0],
        [guarded, 0o500],
      ] as const)
        chmodSync(path, mode);
      const task = { own: [own], guarded: [guarded], keys: [key] };
      const attempt = await attemptWrites(launcher, task, new AbortController().signal);
      expect(attempt).toEqual({ alive: true, wrote: [0], readKey: true });
      expect([guarded, key].map((path) => statSync(path).mode & 0o777)).toEqual([0o500, 0]);
      chmodSync(guarded, 0o700);
    },
  );
});

describe('what a module loads', () => {
  it.each([
    ['import', "import 'a';", ['a']],
    ['import of JSON', "import x from 'a' with { type: 'json' };", ['a']],
    ['export from', "export * as b from 'a'; export {} from 'c';", ['a', 'c']],
    ['import()', "await import('a'); import(`b`);", ['a', 'b']],
    ['import() in a class', "class A { static { import('a'); } }", ['a']],
    ['import.meta.resolve', "import.meta.resolve('a'); import.meta['resolve']('b');", ['a', 'b']],
    ['none of a text or a comment', "const a = \"import 'b'\"; // import 'c'\n/import('d')/;", []],
  ])('%s', async (_what, source, specifiers) => {
    expect(await readImports(source)).toEqual({ specifiers });
  });

  it.each([
    'eval("1")',
    '(0, eval)("1")',
    'const e = globalThis.process.x, f = eval;',
    'new Function("return 1")',
    "process.getBuiltinModule('net')",
    "process['getBuiltinModule']('net')",
    'process[name]',
    "process.binding('fs')",
    "require('net')",
  ])('hides it: %s', async (source) => {
    expect((await readImports(source)).hiddenAt).toBe(1);
  });

  it('is refused where it cannot be read, however deep', async () => {
    await expect(readImports('await ='.repeat(3))).rejects.toThrow(SyntaxError);
    await expect(readImports('['.repeat(100_000))).rejects.toThrow();
  });
});

describe('whatever is asked', () => {
  it('is answered by a decision', async () => {
    const word = fc.oneof(
      fc.constantFrom('/', directory, '/dev/null', '/proc/1/fd', `${directory}/x`),
      fc.string(),
    );
    const list = fc.array(word, { maxLength: 3 });
    const request = fc.record({
      roots: fc.record({ control: list, payload: list, evidence: list }),
      keys: list,
      launcher: fc.constantFrom([], [process.execPath], ['/nowhere'], confinedNode([], [directory])),
      code: fc.record({ directory: word, table: word }),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: request }, fc.anything()), async (asked) => {
        const { decision, codes } = await judge(planes, asked as PlanesRequest);
        expect(decision).not.toBe('allow');
        expect(codes[0]).toMatch(/^(?:planes|guard)\./);
      }),
      { numRuns: 60 },
    );
  });

  it('about a tree is facts: any table, any module, a FIFO, a device', async () => {
    const tree = join(directory, 'tree');
    const table = join(directory, 'table.json');
    await mkdir(join(tree, 'a'), { recursive: true });
    const pieces = fc.constantFrom(
      'import ',
      'export ',
      "'x'",
      '"',
      '`',
      '${',
      '}',
      '(',
      ')',
      '*',
      ' from ',
      'eval',
      ';',
      '\n',
      '//',
      '/*',
    );
    const source = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(source, fc.oneof(fc.json(), fc.string()), async (code, rooms) => {
        await writeFile(join(tree, 'a/b.js'), code);
        await writeFile(table, rooms);
        const facts = await observeCode({ directory: tree, table });
        expect(facts.modules.length + facts.faults.length).toBeGreaterThan(0);
        expect(facts.table === undefined).toBe(facts.tableFault !== undefined);
      }),
      { numRuns: 200 },
    );
    for (const path of ['/dev/zero', '/dev/null', tree])
      expect((await observeCode({ directory: tree, table: path })).tableFault).toBeDefined();
  });
});
