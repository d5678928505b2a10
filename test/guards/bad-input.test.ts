// Whatever somebody asks of a guard, and whatever lies where it looks: a decision with a code, no exception and no wait without end.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { catalogue, guardNamed } from '../../src/catalogue.ts';
import { judge } from '../../src/kernel/enforce.ts';
import type { AnyGuard, Guard } from '../../src/kernel/guard.ts';

/** Any JSON, and values that only a program in JavaScript can pass. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
);
/** Objects that have the keys of the request, each with something else. */
const shaped = (guard: AnyGuard, names: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(anything, fc.dictionary(fc.constantFrom(...names, guard.id), anything, { maxKeys: 6 }));

const decide = (guard: AnyGuard, request: unknown) =>
  judge(guard as unknown as Guard<unknown, object>, request, { timeoutMs: 20_000 });

const NAMES =
  'root,manifest,keys,launcher,limits,sources,port,program,files,file,kind,directory,settings,share,local,pid'.split(
    ',',
  );

describe.each(catalogue.map((guard) => [guard.id, guard] as const))('%s', (_id, guard) => {
  it('refuses what is no request of its own, with a code', async () => {
    await fc.assert(
      fc.asyncProperty(shaped(guard, NAMES), async (request) => {
        const { decision, codes, reason, remedy } = await decide(guard, request);
        expect(decision).not.toBe('allow');
        expect(codes[0]).toMatch(/^[a-z][a-z-]*\.[a-z-]+$/);
        expect(reason && remedy).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });
});

const digest = 'a'.repeat(64);
/** Requests about one file or directory, by guard. */
const ABOUT: readonly (readonly [guard: string, request: (root: string, name: string) => object])[] = [
  ['run-manifest', (root, name) => ({ root, manifest: name })],
  ['proof-capsule', (root, name) => ({ root, capsule: name, anchor: { sha256: digest } })],
  ['notebook-import', (root, name) => ({ root, notebook: name })],
  ['recovery', (root, name) => ({ kind: 'log', root, file: name })],
  ['recovery', (root, name) => ({ kind: 'state', root, file: name, revision: digest })],
  ['recovery', (root, name) => ({ kind: 'bundle', root, directory: name })],
  [
    'supply-chain',
    (root, name) => ({ root, lock: { kind: 'npm', path: name }, sbom: name, reports: [name] }),
  ],
  ['secrets', (root, name) => ({ root: join(root, name) })],
  ['external-app', (root, name) => ({ root: join(root, name), commit: 'a'.repeat(40) })],
  ['capacity-model', (root, name) => ({ root, model: name })],
];

const STATES: Readonly<Record<string, (path: string) => Promise<unknown> | undefined>> = {
  'a pipe': async (path) => execFileSync('mkfifo', [path]),
  'a device': (path) => symlink('/dev/zero', path),
  'a file of 1 GiB': async (path) => writeFile(path, '').then(() => truncate(path, 2 ** 30)),
  'JSON of 100,000 levels': (path) => writeFile(path, '['.repeat(100_000)),
  'random bytes': (path) => writeFile(path, randomBytes(4_096)),
  'an empty file': (path) => writeFile(path, ''),
  'a directory': (path) => mkdir(path),
  'a link to itself': (path) => symlink('it', path),
  nothing: () => undefined,
};

describe.each(Object.entries(STATES))('%s', (state, make) => {
  it('is refused by every guard that is sent there', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'bad-input-')));
    onTestFinished(() => rm(root, { recursive: true }));
    await make(join(root, 'it'));
    for (const [guard, request] of ABOUT) {
      const asked = request(root, 'it');
      const { decision, codes } = await decide(guardNamed(guard), asked);
      // A log in which nothing was written yet is whole.
      const isFreshLog = state === 'an empty file' && 'kind' in asked && asked.kind === 'log';
      expect({ guard, isAllowed: decision === 'allow' }).toEqual({ guard, isAllowed: isFreshLog });
      expect(codes).not.toContain('guard.timeout');
    }
  });
});
