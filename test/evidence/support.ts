// What the evidence tests share: a directory that goes away, a draft, and a fault in the real file calls.
import { spawnSync } from 'node:child_process';
import fs, { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JournalFiles } from '../../src/evidence/pass.ts';
import type { DecisionDraft } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';

/** Each place, where a test otherwise looks at those that differ: GUARDRAILS_EVERY=1, for some minutes more. */
export const EVERY: boolean = process.env['GUARDRAILS_EVERY'] === '1';

/** What a journal says of a record, but for the input. */
export const ENVELOPE = {
  schema: 'agilab.guard_evidence.v1',
  seq: 7,
  prev: 'a'.repeat(64),
  time: '2026-02-28T23:59:59.999Z',
  monotonic: 1,
  boot: 'b',
  host: 'h',
  writer: '1@2',
  run: 'r',
} as const;

/** Where a sync costs nothing, for tests that open and close a journal thousands of times. */
export const IN_MEMORY: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export async function scratch(parent: string = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'guardrails-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function draft(over: Partial<DecisionDraft> = {}): DecisionDraft {
  return {
    id: uuidv7(),
    guard: { id: 'acme/sample', version: '1.0.0', codeDigest: 'a'.repeat(64) },
    dimension: 'architecture_runtime_guardrails',
    decision: 'allow',
    codes: [],
    reason: 'no rule refused',
    method: 'none',
    policyDigest: 'b'.repeat(64),
    replay: { argv: ['guardrails', 'check', 'acme/sample'] },
    mode: 'enforce',
    ...over,
  };
}

/** Writes so many bytes from `at` on to an open file, and returns how many it took. */
type Write = (file: number, bytes: Uint8Array, at: number, length: number) => Promise<number>;

/** Replaces the call by which a journal writes its lines until the test ends; `real` does what the system does. */
export function replaceWrite(make: (real: Write) => Write): () => void {
  const original = fs.write;
  const restore = (): void => {
    fs.write = original;
    syncBuiltinESMExports();
  };
  const replaced = make(
    (file, bytes, at, length) =>
      new Promise((resolve, reject) =>
        original(file, bytes, at, length, null, (error, count) => (error ? reject(error) : resolve(count))),
      ),
  );
  const write = (
    file: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    _position: null,
    done: (error: unknown, count?: number) => void,
  ): void => void replaced(file, bytes, at, length).then((count) => done(null, count), done);
  fs.write = write as unknown as typeof fs.write;
  syncBuiltinESMExports();
  onTestFinished(restore);
  return restore;
}

interface FileCalls {
  write(...args: unknown[]): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
}

/** Replaces one call of every open file until the test ends; `real` does what the system does. */
export async function replaceCall<Name extends keyof FileCalls>(
  name: Name,
  make: (real: (self: unknown, args: unknown[]) => Promise<unknown>) => (...args: unknown[]) => unknown,
): Promise<() => void> {
  const probe = await open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(probe) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  await probe.close();
  const original = prototype[name];
  if (!original) throw new Error(`no ${name}`);
  const restore = (): void => {
    prototype[name] = original;
  };
  onTestFinished(restore);
  const replaced = make((self, args) => original.apply(self, args));
  prototype[name] = function (this: unknown, ...args: unknown[]) {
    return replaced.call(this, ...args) as Promise<unknown>;
  };
  return restore;
}

export const errno = (code: string): Error => Object.assign(new Error('secret path'), { code });

/** A journal in memory, its lines in one file. */
export function inMemory(
  lines: Uint8Array | readonly string[],
  checkpoint: string | undefined,
): JournalFiles {
  const bytes = lines instanceof Uint8Array ? lines : Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return { segments: [{ first: 0, bytes: () => [bytes] }], checkpoint };
}

/** All bytes of a journal on disk. */
export async function bytesOf({ segments }: JournalFiles): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (const segment of segments) for await (const piece of segment.bytes()) pieces.push(piece);
  return Buffer.concat(pieces);
}

const EVIDENCE = new URL('../../dist/evidence/', import.meta.url).href;

/**
 * Runs a call to a built module of this room, which may name `dir`, in a process that is killed before the n-th of its calls
 * that make a change visible; returns its exit code, `null` where it was killed.
 */
export function runKilled(steps: number, module: string, call: string, dir: string): number | null {
  const program = `
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const [dir, steps] = process.argv.slice(1);
    let left = Number(steps);
    for (const name of ['rename', 'link', 'rm']) {
      const real = fs[name];
      fs[name] = async (...args) => {
        if (left-- === 0) process.kill(process.pid, 'SIGKILL');
        return real(...args);
      };
    }
    syncBuiltinESMExports();
    const room = (name) => import(\`${EVIDENCE}\${name}.js\`);
    const made = await room('${module}');
    await made.${call};`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program, dir, String(steps)]).status;
}
