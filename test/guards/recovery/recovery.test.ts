// Revisions against Python, writers against each other, and the guard on whatever a crash may leave.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publishDirectory } from '../../../dist/files/publish-directory.js';
import type { JsonValue } from '../../../src/evidence/strict-json.ts';
import { revisionOf } from '../../../src/guards/recovery/python-json.ts';
import { recovery } from '../../../src/guards/recovery/recovery.ts';
import type { RecoveryRequest } from '../../../src/guards/recovery/recovery-look.ts';
import { quarantineTail, swapState } from '../../../src/guards/recovery/repair.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../../ssh/support.ts';

async function directory(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'recovery-')));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

describe('revisionOf', leftOut(missing('python3')), () => {
  it('is what Python computes, for any JSON without floats', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value')),
        fc.dictionary(fc.string({ unit: 'binary' }), tie('value')),
      ),
    }));
    const samples = fc
      .sample(value, 300)
      .filter((sample) => !Object.is(sample, -0) && !JSON.stringify(sample).includes('"__proto__"'));
    const code = `
import hashlib, json, sys
for line in sys.stdin:
    text = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    print(hashlib.sha256(text.encode()).hexdigest())`;
    const out = execFileSync('python3', ['-c', code], {
      input: samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''),
      encoding: 'utf8',
    });
    expect(samples.map((sample) => revisionOf(JSON.parse(JSON.stringify(sample)) as JsonValue))).toEqual(
      out.trim().split('\n'),
    );
  });
});

describe('writers', () => {
  it('of one state do not overwrite each other', async () => {
    const path = join(await directory(), 'state.json');
    await writeFile(path, '{"count": 0}', { mode: 0o600 });
    const add = async (): Promise<void> => {
      for (;;) {
        const state = JSON.parse(await readFile(path, 'utf8')) as { count: number };
        try {
          await swapState(path, revisionOf(state), { count: state.count + 1 });
          return;
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^recovery\.(?:stale-writer|locked)$/) });
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, add));
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ count: 8 });
  });

  it('set nothing aside where nothing is broken', async () => {
    const path = join(await directory(), 'log');
    await writeFile(path, '{"seq": 1}\n', { mode: 0o600 });
    expect(await quarantineTail(path)).toBeUndefined();
  });
});

describe('publishDirectory', () => {
  it('publishes a name once', async () => {
    const root = await directory();
    const path = join(root, 'run-1');
    await publishDirectory({
      path,
      files: { a: '1' },
      pointer: { path: join(root, 'latest'), content: 'run-1' },
    });
    await expect(publishDirectory({ path, files: { a: '2' } })).rejects.toMatchObject({
      code: 'publish.exists',
    });
    await expect(publishDirectory({ path: join(root, 'x'), files: { '../a': '2' } })).rejects.toMatchObject({
      code: 'publish.name',
    });
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('1');
    expect((await readdir(root)).toSorted()).toEqual(['latest', 'run-1']);
  });

  it('leaves all or nothing when it is killed at any moment', { timeout: 120_000 }, async () => {
    const root = await directory();
    const script = join(root, 'publish.mjs');
    const source = new URL('../../../dist/files/publish-directory.js', import.meta.url).href;
    await writeFile(
      script,
      `import { publishDirectory } from ${JSON.stringify(source)};
       for (let n = 0; ; n += 1) {
         await publishDirectory({ path: process.argv[2] + '/run-' + n, files: { a: 'x'.repeat(5000), b: String(n) }, pointer: { path: process.argv[2] + '/latest', content: 'run-' + n } });
         if (n === 0) process.send('ready');
       }`,
    );
    for (let round = 0; round < 6; round += 1) {
      const at = join(root, `round-${round}`);
      await mkdir(at, { mode: 0o700 });
      const child = fork(script, [at]);
      await once(child, 'message');
      await new Promise((resolve) => setTimeout(resolve, 20 + 17 * round));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const names = await readdir(at);
      const published = names.filter((name) => name.startsWith('run-'));
      for (const name of published) expect((await readdir(join(at, name))).toSorted()).toEqual(['a', 'b']);
      if (names.includes('latest')) expect(published).toContain(await readFile(join(at, 'latest'), 'utf8'));
    }
  });
});

describe('whatever lies there', () => {
  const content = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((text) => `{"seq": 1}\n${text}\n`),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  const HEX = '0'.repeat(64);
  it('is a decision with a code', async () => {
    const root = await directory();
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom('state', 'log', 'bundle'), async (bytes, kind) => {
        const at = await mkdtemp(join(root, 'case-'));
        await mkdir(join(at, 'bundle'), { mode: 0o700 });
        await writeFile(join(at, 'file'), bytes, { mode: 0o600 });
        await writeFile(join(at, 'bundle', '.complete.json'), bytes, { mode: 0o600 });
        const requests: Record<string, RecoveryRequest> = {
          state: { kind: 'state', root: at, file: 'file', revision: HEX },
          log: { kind: 'log', root: at, file: 'file' },
          bundle: { kind: 'bundle', root: at, directory: 'bundle' },
        };
        const { decision, codes } = await judge(recovery, requests[kind] as RecoveryRequest);
        if (decision !== 'allow') expect(codes[0]).toMatch(/^recovery\.[a-z-]+$/);
        else expect(kind).toBe('log');
        expect(codes).not.toContain('guard.rule-failed');
      }),
      { numRuns: 150 },
    );
  });

  it('in settings or requests as well', async () => {
    const settings = fc.record({ __meta__: fc.anything(), args: fc.anything() }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.oneof(settings, fc.anything()), async (given) => {
        for (const request of [{ kind: 'settings', settings: given }, given]) {
          const { decision, codes } = await judge(recovery, request as RecoveryRequest);
          if (decision !== 'allow') expect(codes[0]).toMatch(/^(?:recovery|guard)\.[a-z-]+$/);
          expect(codes).not.toContain('guard.rule-failed');
        }
      }),
    );
  });
});
