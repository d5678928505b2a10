// The house: arrows point down, there is no circle, who imports guards loads nothing else, and nothing that is exported
// makes a grant.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as capacity from '../src/capacity/index.ts';
import { catalogue } from '../src/catalogue.ts';
import * as evidence from '../src/evidence/index.ts';
import * as guards from '../src/guards/index.ts';
import * as root from '../src/index.ts';
import * as drills from '../src/proof/index.ts';
import * as scorecard from '../src/scorecard/index.ts';
import * as quote from '../src/ssh/commands.ts';
import * as ssh from '../src/ssh/index.ts';

const handles = await Promise.all([...catalogue.values()].map((load) => load()));

interface Edge {
  readonly from: string;
  /** A file of ours, relative to src, or the name of a module. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bawait import\(\s*'([^']+)'\s*\)/g;

// Their strings are code of drills, and this test reads text; the planes guard, which parses, sees these files too.
const CODE_IN_STRINGS = [
  'proof/drills/planes/planes-drills.ts',
  'proof/drills/claim-boundary/sample-package.ts',
];
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !CODE_IN_STRINGS.includes(file),
);

function edgesOf(file: string): readonly Edge[] {
  const text = readFileSync(join('src', file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, type, from, lazily]) => {
    const target = from ?? lazily ?? '';
    const to = target.startsWith('.') ? relative('src', join('src', dirname(file), target)) : target;
    // What is imported when it is needed is not loaded by the import of this file.
    return { from: file, to, typeOnly: type !== undefined || lazily !== undefined };
  });
}
const edges = files.flatMap(edgesOf);
const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : file);

const { rooms } = JSON.parse(readFileSync('data/planes.json', 'utf8')) as {
  rooms: { room: string; imports: string[] }[];
};
const allowed = new Map(rooms.map(({ room, imports }) => [room, new Set([room, ...imports])]));

/** Every file and module that the import of `entry` loads; of the catalogue, also what it loads when it is asked. */
function loadedBy(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { to, typeOnly } of edges.filter(({ from }) => from === file))
      if (!typeOnly || file === 'catalogue.ts') visit(to);
  };
  visit(entry);
  return seen;
}

describe('the imports', () => {
  it('are all found: each leads to a file, a module of Node or a dependency', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
    const { dependencies, devDependencies } = manifest as Record<string, Readonly<Record<string, string>>>;
    const known = ({ to, typeOnly }: Edge): boolean =>
      (typeOnly && `@types/${to}` in (devDependencies ?? {})) ||
      to.startsWith('node:') ||
      existsSync(join('src', to)) ||
      Object.keys(dependencies ?? {}).some((name) => to === name || to.startsWith(`${name}/`));
    expect(edges.filter((edge) => !known(edge))).toEqual([]);
    expect(edges.length).toBeGreaterThan(300);
  });

  it('point down only, from room to room', () => {
    const ours = edges.filter(({ from, to }) => from.includes('/') && existsSync(join('src', to)));
    const upward = ours.filter(({ from, to }) => {
      if (to === 'catalogue.ts') return !allowed.get(roomOf(from))?.has('catalogue');
      return !allowed.get(roomOf(from))?.has(roomOf(to));
    });
    expect(upward).toEqual([]);
    expect(
      [...new Set(files.map(roomOf))].filter((room) => !room.endsWith('.ts') && !allowed.has(room)),
    ).toEqual([]);
  });

  it('form no circle, types included', () => {
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string): void => {
      state.set(file, 'open');
      for (const { to } of edges.filter(({ from }) => from === file)) {
        if (state.get(to) === 'open') circles.push(`${file} -> ${to}`);
        else if (!state.has(to) && existsSync(join('src', to))) visit(to);
      }
      state.set(file, 'done');
    };
    for (const file of files) if (!state.has(file)) visit(file);
    expect(circles).toEqual([]);
  });

  it('of one guard reach no other guard', () => {
    const folder = (file: string): string => file.split('/').slice(0, 2).join('/');
    const inGuard = (file: string): boolean => /^guards\/[^/]+\//.test(file);
    const across = edges.filter(
      ({ from, to }) => inGuard(from) && inGuard(to) && folder(from) !== folder(to),
    );
    expect(across).toEqual([]);
  });
});

describe('who imports', () => {
  it.each([
    ['the guards', 'guards/index.ts', [/^proof\//, /^ssh2$/, /^node:child_process$/, /^commander$/]],
    ['everything but drills', 'index.ts', [/^proof\//, /^commander$/]],
    ['quote', 'ssh/commands.ts', [/^ssh2$/, /^node:child_process$/, /^proof\//]],
    ['the ssh room', 'ssh/index.ts', [/^ssh2$/, /^proof\//]],
    ['the capacity room', 'capacity/index.ts', [/^proof\//, /^ssh2$/, /^node:child_process$/]],
    ['the catalogue of handles', 'catalogue.ts', [/^proof\//, /^ssh2$/]],
    ['a command that only asks', 'cli/main.ts', [/^proof\/(?!(?:site|proof)\.ts$)/, /^ssh2$/]],
  ])('%s loads none of what it does not need', (_who, entry, unwanted) => {
    const loaded = [...loadedBy(entry)];
    expect(loaded.length).toBeGreaterThan(5);
    expect(loaded.filter((file) => unwanted.some((pattern) => pattern.test(file)))).toEqual([]);
  });
});

describe('a grant', () => {
  const surfaces = { capacity, evidence, guards, root, drills, scorecard, quote, ssh };
  const secret = { host: '0.0.0.0', family: 4, port: 80, script: 'id', words: ['id'], recipe: 'argv' };

  /** Everything that is exported, and what hangs on it. */
  function* reachable(): Generator<[string, unknown]> {
    for (const [room, surface] of Object.entries(surfaces))
      for (const [name, value] of Object.entries(surface)) {
        yield [`${room}.${name}`, value];
        if ((typeof value === 'object' && value !== null) || typeof value === 'function')
          for (const key of Reflect.ownKeys(value))
            yield [`${room}.${name}.${String(key)}`, Reflect.get(value, key)];
      }
  }

  it('is made by no export but enforce', async () => {
    const tried: string[] = [];
    for (const [name, value] of reachable()) {
      if (
        typeof value !== 'function' ||
        /\.(enforce|openJournal|openState|initKeys|startOwned|connect)$/.test(name)
      )
        continue;
      if (/[.](drillGuard|runOnHosts|stopProcess|localShell|readJournal|sealModel)$/.test(name)) continue;
      for (const make of [
        () => value(secret),
        () => Reflect.construct(value as never, [secret, secret, secret]),
      ]) {
        let made: unknown;
        try {
          made = await make();
        } catch {
          continue;
        }
        tried.push(name);
        for (const guard of handles) expect([name, guards.isGranted(guard, made)]).toEqual([name, false]);
      }
    }
    expect(tried.length).toBeGreaterThan(20);
  });

  it('hangs on no handle: a handle is a name, a row and codes', () => {
    for (const [name, value] of reachable()) {
      if (typeof value !== 'object' || value === null || !('codes' in value) || !('dimension' in value))
        continue;
      expect([name, Object.getOwnPropertyNames(value).toSorted()]).toEqual([
        name,
        ['codes', 'dimension', 'id'],
      ]);
    }
    expect(Object.keys(guards)).not.toContain('definitionOf');
  });

  it('cannot be had by a guard that calls itself one of ours', () => {
    for (const { id, codes } of handles) {
      const impostor = {
        id,
        dimension: 'architecture_runtime_guardrails',
        request: z.strictObject({}),
        observe: async () => ({}),
        rules: codes.map((code) => ({ code, remedy: '', refuses: () => false as const })),
        grant: () => Object.freeze({}),
      };
      expect(() => guards.defineGuard(impostor)).toThrow(TypeError);
    }
  });
});

describe('what a page can run', () => {
  it.each(['scorecard/index.ts', 'evidence/portable.ts'])(
    '%s reaches no module of Node, and no Buffer',
    (entry) => {
      const loaded = [...loadedBy(entry)];
      expect(loaded.filter((to) => to.startsWith('node:'))).toEqual([]);
      const ours = loaded.filter((file) => existsSync(join('src', file)));
      expect(ours.length).toBeGreaterThan(5);
      expect(
        ours.filter((file) =>
          /\bBuffer\b(?!s)/.test(
            readFileSync(join('src', file), 'utf8').replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, ''),
          ),
        ),
      ).toEqual([]);
    },
  );

  it('is all of src/scorecard: its guards leave files to the evidence room', () => {
    const own = files.filter((file) => file.startsWith('scorecard/'));
    expect(own.length).toBeGreaterThan(25);
    expect(edges.filter(({ from, to }) => own.includes(from) && to.startsWith('node:'))).toEqual([]);
    expect(own.filter((file) => /\bBuffer\b/.test(readFileSync(join('src', file), 'utf8')))).toEqual([]);
  });
});
