// Whatever somebody asks of a guard, and whatever lies where it looks: a decision with a code, soon and in little memory; no
// exception and no wait without end.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogue, guardNamed } from '../../src/catalogue.ts';
import { judge } from '../../src/kernel/enforce.ts';
import type { AnyGuard, Decision, Guard } from '../../src/kernel/guard.ts';
import { type HostileSite, hostileRequests } from './hostile-requests.ts';

const guards = await Promise.all([...catalogue.values()].map((load) => load()));

/** Any JSON, and values that only a program in JavaScript can pass. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
);
/** Objects that have the keys of the request, each with something else. */
const shaped = (guard: AnyGuard, names: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(anything, fc.dictionary(fc.constantFrom(...names, guard.id), anything, { maxKeys: 6 }));

const decide = (guard: AnyGuard, request: unknown): Promise<Decision> =>
  judge(guard as unknown as Guard<unknown, object>, request, { timeoutMs: 1_000 });

const NAMES =
  'root,manifest,keys,launcher,limits,sources,port,program,files,file,kind,directory,settings,share,local,pid'.split(
    ',',
  );

const MAX_CPU_MS = 1_000;
const MAX_MEMORY_KIB = 64 * 1_024;

const memoryOf = (name: 'VmRSS' | 'VmHWM'): number => {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
};
/** Has the kernel forget how much memory this process once took (proc_pid_clear_refs(5)). */
const forgetPeak = (): void => {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
};

/** Returns the decision, and what it took of processor time of this process and of memory beyond what it had. */
async function measured(
  guard: AnyGuard,
  request: unknown,
): Promise<{ readonly decision: Decision; readonly cpuMs: number; readonly memoryKiB: number }> {
  forgetPeak();
  const [resident, cpu] = [memoryOf('VmRSS'), process.cpuUsage()];
  const decision = await decide(guard, request);
  const { user, system } = process.cpuUsage(cpu);
  return { decision, cpuMs: (user + system) / 1_000, memoryKiB: memoryOf('VmHWM') - resident };
}

/** Puts something of one kind under a name. */
const STATES: Readonly<Record<string, (path: string, name: string) => Promise<unknown> | undefined>> = {
  pipe: async (path) => execFileSync('mkfifo', [path]),
  device: (path) => symlink('/dev/zero', path),
  huge: async (path) => writeFile(path, '').then(() => truncate(path, 2 ** 30)),
  deep: (path) => writeFile(path, '['.repeat(100_000)),
  objects: (path) => writeFile(path, '{"a":'.repeat(100_000)),
  random: (path) =>
    writeFile(path, Buffer.from(Array.from({ length: 4_096 }, (_, n) => (n * n * 7 + n) % 251))),
  empty: (path) => writeFile(path, ''),
  directory: (path) => mkdir(path),
  loop: (path, name) => symlink(name, path),
  nothing: () => undefined,
};

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

/** Names that guards look for below a directory. */
const LOOKED_FOR = [
  'it',
  '.git',
  'HEAD',
  'head',
  '.complete.json',
  'package.json',
  'README.md',
  'SECURITY.md',
  'data',
];

describe('every guard', () => {
  let site: HostileSite;
  let top = '';
  const silent = createServer((socket) => void socket.on('error', () => {}));
  const flood = createServer((socket) => {
    const zeros = Buffer.alloc(65_536);
    const more = (): void => {
      while (socket.writable && socket.write(zeros));
    };
    socket.on('error', () => {}).on('drain', more);
    more();
  });
  beforeAll(async () => {
    top = await realpath(await mkdtemp(join(tmpdir(), 'bad-input-')));
    const roots = Object.keys(STATES).map((state) => join(top, state));
    for (const [state, make] of Object.entries(STATES)) {
      await mkdir(join(top, state));
      for (const name of LOOKED_FOR) await make(join(top, state, name), name);
    }
    const ports = [];
    for (const each of [silent, flood]) {
      each.listen(0, '127.0.0.1');
      await once(each, 'listening');
      const at = each.address();
      if (typeof at === 'object' && at) ports.push(at.port);
    }
    site = { roots: [...roots, join(top, 'none')], names: LOOKED_FOR, ports };
  });
  afterAll(async () => {
    silent.close();
    flood.close();
    await rm(top, { recursive: true });
  });

  it.each(Object.keys(STATES))('that is sent to one refuses: %s', async (state) => {
    for (const [guard, request] of ABOUT) {
      // In a directory of its own: a bundle is all that lies there.
      const root = await mkdtemp(join(top, 'alone-'));
      await STATES[state]?.(join(root, 'it'), 'it');
      const asked = request(root, 'it');
      const { decision, codes } = await decide(await guardNamed(guard), asked);
      // A log in which nothing was written yet is whole.
      const isFreshLog = state === 'empty' && 'kind' in asked && asked.kind === 'log';
      expect({ guard, isAllowed: decision === 'allow' }).toEqual({ guard, isAllowed: isFreshLog });
      expect(codes).not.toContain('guard.timeout');
    }
  });

  describe.each(guards.map((guard) => [guard.id, guard] as const))('%s', (_id, guard) => {
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

    it('decides what fits its schema and is hostile in every field, in a second and 64 MiB', async () => {
      await decide(guard, fc.sample(hostileRequests(guard, site), 1)[0]); // what it loads, it loads once
      await fc.assert(
        fc.asyncProperty(hostileRequests(guard, site), async (request) => {
          let { decision, cpuMs, memoryKiB } = await measured(guard, request);
          // The engine's own work (a compiler, a collector) may come at any time, not three times in a row.
          for (let again = 0; again < 2 && (cpuMs > MAX_CPU_MS || memoryKiB > MAX_MEMORY_KIB); again += 1)
            ({ decision, cpuMs, memoryKiB } = await measured(guard, request));
          const { decision: verdict, codes } = decision;
          if (verdict !== 'allow') expect(codes[0]).toMatch(/^[a-z][a-z-]*\.[a-z-]+$/);
          expect(codes).not.toContain('guard.rule-failed');
          expect(codes).not.toContain('guard.grant-failed');
          expect({
            cpu: cpuMs <= MAX_CPU_MS || cpuMs,
            memory: memoryKiB <= MAX_MEMORY_KIB || memoryKiB,
          }).toEqual({
            cpu: true,
            memory: true,
          });
        }),
        { numRuns: Number(process.env['GUARDRAILS_EVERY'] ? 500 : 40) },
      );
    });
  });
});
