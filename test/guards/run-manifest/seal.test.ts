// Sealing a run, on the files of a genuine one where they are at hand, and on whatever a directory can hold.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { runManifest } from '../../../src/guards/run-manifest/run-manifest.ts';
import { sealRun } from '../../../src/guards/run-manifest/seal.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';

const GENUINE = new URL('../../../../shared/agilab/first-proof', import.meta.url).pathname;
const MANIFEST = 'run_manifest.json';
const SEAL = 'run_manifest.seal.json';

async function directory(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'sealed-run-')));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

/** The genuine run, where its absolute paths lead. */
async function genuine(): Promise<string> {
  const root = await directory();
  await cp(GENUINE, root, { recursive: true });
  execFileSync('chmod', ['-R', 'u+rwX,go-w', root]);
  const path = join(root, MANIFEST);
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll('/srv/run', root));
  return root;
}

const codeOf = async (root: string, more = {}): Promise<string> =>
  (await judge(runManifest, { root, manifest: MANIFEST, ...more })).codes[0] ?? 'allow';

describe('a genuine first-proof run', leftOut(!existsSync(GENUINE) && 'no ../shared/agilab here'), () => {
  it('is refused for want of digests, and granted once sealed, its manifest untouched', async () => {
    const root = await genuine();
    const before = await readFile(join(root, MANIFEST));
    expect(await codeOf(root)).toBe('run-manifest.artifact-undigested');
    const { seal } = await sealRun({ root, manifest: MANIFEST });
    expect(await readFile(join(root, MANIFEST))).toEqual(before);
    expect(seal.files.map(({ path }) => path)).toEqual(['log/x.txt', 'plot.csv']);
    const granted = await enforce(runManifest, { root, manifest: MANIFEST }, { journal: memoryJournal() });
    // sha256sum is the oracle.
    for (const [path, digest] of Object.entries(granted.files))
      expect(execFileSync('sha256sum', [join(root, path)], { encoding: 'utf8' })).toContain(digest);
    expect(granted.digest).toBe(createHash('sha256').update(before).digest('hex'));
  });

  const edit = (from: string | RegExp, to: string) => async (root: string) => {
    const path = join(root, MANIFEST);
    const text = await readFile(path, 'utf8');
    expect(text.replace(from, to)).not.toBe(text);
    await writeFile(path, text.replace(from, to));
  };
  const replace = (path: string, by: (at: string) => unknown) => async (root: string) => {
    await rm(join(root, path), { recursive: true });
    await by(join(root, path));
  };
  it.each<[string, (root: string) => unknown]>([
    ['an artifact with a byte more', (root) => appendFile(join(root, 'plot.csv'), 'x')],
    ['an artifact with other bytes', (root) => writeFile(join(root, 'plot.csv'), '87654321')],
    ['an emptied artifact', (root) => truncate(join(root, 'plot.csv'))],
    ['a directory for an artifact', replace('plot.csv', (at) => mkdir(at))],
    ['a FIFO for an artifact', replace('plot.csv', (at) => execFileSync('mkfifo', [at]))],
    ['a link to /dev/zero for an artifact', replace('plot.csv', (at) => symlink('/dev/zero', at))],
    ['a link to /etc/passwd for an artifact', replace('plot.csv', (at) => symlink('/etc/passwd', at))],
    ['a file for the directory', replace('log', (at) => writeFile(at, ''))],
    ['a missing directory', replace('log', () => undefined)],
    ['a changed file in the directory', (root) => writeFile(join(root, 'log/x.txt'), '')],
    ['a missing file in the directory', replace('log/x.txt', () => undefined)],
    ['a file more in the directory', (root) => writeFile(join(root, 'log/y.txt'), '')],
    ['a writable artifact', (root) => chmod(join(root, 'plot.csv'), 0o666)],
    ['another size in the manifest', edit('"size_bytes": 8', '"size_bytes": 9')],
    ['no artifacts', edit(/"artifacts": \[[^\]]*\]/, '"artifacts": []')],
    ['a version as text', edit('"schema_version": 1', '"schema_version": "1"')],
    ['version true', edit('"schema_version": 1', '"schema_version": true')],
    ['a missing key', edit(/ {2}"run_id": [^\n]*\n/, '')],
    ['an unknown key', edit('"run_id"', '"x": 1, "run_id"')],
    ['fail, then pass', edit('"status": "pass"', '"status": "fail", "status": "pass"')],
    ['NaN', edit('1.234', 'NaN')],
    ['a command as one text', edit(/"argv": \[[^\]]*\]/, '"argv": "sh"')],
    ['a secret in the command', edit('"--dry-run"', '"--password=hunter2"')],
    ['a secret in an innocent variable', edit('SERVICES": "1"', 'SERVICES": "pg://u:hunter2@h"')],
    [
      'an end before the start',
      edit('"finished_at": "2026-11-26T10:52:36Z"', '"finished_at": "2026-11-26T10:52:35Z"'),
    ],
    ['a blank more', edit(/$/, ' ')],
    ['a seal that is a FIFO', replace(SEAL, (at) => execFileSync('mkfifo', [at]))],
  ])('is refused with %s', async (_why, tamper) => {
    const root = await genuine();
    await sealRun({ root, manifest: MANIFEST });
    expect(await codeOf(root)).toBe('allow');
    await tamper(root);
    expect(await codeOf(root)).toMatch(/^run-manifest\./);
  });

  it('is refused by whoever wants a signature of a pinned key', async () => {
    const root = await genuine();
    const signer = generateSigner('release');
    const keys = [signer.vkey];
    await sealRun({ root, manifest: MANIFEST });
    expect(await codeOf(root, { keys })).toBe('run-manifest.not-signed');
    await sealRun({ root, manifest: MANIFEST, signer });
    expect(await codeOf(root, { keys })).toBe('allow');
    await writeFile(join(root, 'plot.csv'), '87654321');
    await sealRun({ root, manifest: MANIFEST });
    expect(await codeOf(root)).toBe('allow');
    expect(await codeOf(root, { keys })).toBe('run-manifest.not-signed');
  });
});

describe('sealing', () => {
  it.each([
    ['no manifest', '{}', 'run-manifest.malformed'],
    ['no JSON', '{', 'run-manifest.not-strict-json'],
  ])('refuses %s', async (_why, text, code) => {
    const root = await directory();
    await writeFile(join(root, MANIFEST), text, { mode: 0o600 });
    await expect(sealRun({ root, manifest: MANIFEST })).rejects.toMatchObject({ code });
    expect(existsSync(join(root, SEAL))).toBe(false);
  });

  it('refuses a run that is not there', async () => {
    const root = await directory();
    await expect(sealRun({ root, manifest: MANIFEST })).rejects.toMatchObject({
      code: 'run-manifest.untrusted',
    });
  });
});

describe('whatever lies there', () => {
  const text = existsSync(GENUINE) ? readFileSync(join(GENUINE, MANIFEST), 'utf8') : '{"schema_version": 1}';
  const content = fc.oneof(
    fc.string(),
    fc.json(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    // A manifest or seal with a part of it replaced.
    fc
      .tuple(fc.nat(text.length), fc.nat(40), fc.oneof(fc.string(), fc.json()))
      .map(([at, length, by]) => text.slice(0, at) + by + text.slice(at + length)),
  );
  const path = fc.oneof(
    fc.constantFrom(MANIFEST, SEAL, 'run_manifest.seal.intoto.jsonl', 'log/x.txt', 'plot.csv'),
    fc.stringMatching(/^[^/\0]{1,20}$/),
  );

  it('is a decision with a code', async () => {
    const root = await directory();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(path, content), { maxLength: 5 }),
        fc.oneof(fc.constant(MANIFEST), fc.string()),
        async (files, manifest) => {
          const at = await mkdtemp(join(root, 'case-'));
          for (const [name, bytes] of files) {
            if (name === '.' || name === '..') continue;
            await mkdir(dirname(join(at, name)), { recursive: true });
            await writeFile(join(at, name), bytes, { mode: 0o600 }).catch(() => {});
          }
          const { decision, codes } = await judge(runManifest, { root: at, manifest });
          expect(decision).toBe('refuse');
          expect(codes[0]).toMatch(/^(?:run-manifest|guard)\.[a-z-]+$/);
          expect(codes).not.toContain('guard.rule-failed');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is a decision with a code for any request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (request) => {
        const { codes } = await judge(runManifest, request as never);
        expect(codes[0]).toMatch(/^(?:run-manifest|guard)\.[a-z-]+$/);
      }),
    );
  });

  it('costs no more than a look: a sparse GiB, a FIFO, a device, nesting without end', async () => {
    const root = await directory();
    await writeFile(join(root, MANIFEST), '['.repeat(100_000), { mode: 0o600 });
    await writeFile(join(root, 'huge'), '', { mode: 0o600 });
    await truncate(join(root, 'huge'), 2 ** 30);
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await symlink('/dev/zero', join(root, 'zero'));
    expect(await judge(runManifest, { root, manifest: MANIFEST })).toMatchObject({
      codes: ['run-manifest.not-strict-json', 'run-manifest.artifact-untrusted'],
    });
  });
});
