// The capacity-model guard: its drills, its mutants, and AGILAB's own model file where it is at hand.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { capacityModel, TrustedModel } from '../../src/capacity/capacity-model.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { encodeSidecar, sidecarName } from '../../src/capacity/sidecar.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { isGranted } from '../../src/kernel/grants.ts';
import { drillModel } from '../../src/proof/drills/capacity-model/drill-model.ts';
import { GROWN_SIZE, grownForest, grownSidecar } from '../fuzz/grown-forest.ts';
import { beside, withBeside } from '../left-out.ts';
import { memoryJournal } from '../memory-journal.ts';

async function site(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'capacity-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

async function sealed(bytes: Buffer = drillModel()): Promise<{ root: string; model: string }> {
  const root = await site();
  const model = 'm.pkl';
  await writeFile(join(root, model), bytes, { mode: 0o600 });
  const text = encodeSidecar({
    schema: 'agilab.capacity_model_manifest.v1',
    algorithm: 'sha256',
    digest_sha256: createHash('sha256').update(bytes).digest('hex'),
    model_file: model,
    size_bytes: bytes.length,
  });
  await writeFile(join(root, sidecarName(model)), text, { mode: 0o600 });
  return { root, model };
}

describe('the grant', () => {
  it('predicts, and reads the bytes that were hashed once more, which change nothing in it', async () => {
    const journal = memoryJournal();
    const granted = await enforce(capacityModel, await sealed(), { journal });
    const bytes = await granted.readBytes();
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(granted.digest);
    bytes.fill(0xff);
    expect(granted.predict([[1.5], [1.6]])).toEqual([10, 20]);
    expect(Object.isFrozen(granted)).toBe(true);
    expect(journal.drafts).toMatchObject([
      { decision: 'allow', subject: { kind: 'capacity-model', digest: `sha256:${granted.digest}` } },
    ]);
    expect(journal.drafts[0]?.subject?.name).toBe('claim: integrity');
    expect(journal.drafts[0]?.method).toBe(process.platform === 'linux' ? 'fd-walk' : 'path-walk');
  });

  it('reads no other bytes than those, from no file that others may write', async () => {
    const { root, model } = await sealed();
    const file = join(root, model);
    const granted = await enforce(capacityModel, { root, model }, { journal: memoryJournal() });
    await chmod(file, 0o602);
    await expect(granted.readBytes()).rejects.toMatchObject({ code: 'file.world-writable' });
    await chmod(file, 0o600);
    await writeFile(file, grownForest());
    await expect(granted.readBytes()).rejects.toMatchObject({ code: 'model.bytes-changed' });
    await writeFile(file, drillModel());
    expect((await granted.readBytes()).equals(drillModel())).toBe(true);
    await rm(file);
    await expect(granted.readBytes()).rejects.toMatchObject({ code: 'file.missing' });
    expect(granted.predict([[1], [9]])).toEqual([10, 20]);
  });

  it('is what the guard handed out, and nothing that looks like it', async () => {
    const request = await sealed();
    const granted = await enforce(capacityModel, request, { journal: memoryJournal() });
    expect(isGranted(capacityModel, granted)).toBe(true);
    const place = { ...request, owners: 'self-or-root' } as const;
    const made = new TrustedModel(place, granted.digest, decodeModel(drillModel()));
    for (const other of [made, Object.create(TrustedModel.prototype), Object.create(granted)])
      expect(isGranted(capacityModel, other)).toBe(false);
  });
});

describe('the record', () => {
  it('repeats neither path nor content of what it refuses', async () => {
    const { root } = await sealed();
    const canary = 'canary-4d1f';
    await writeFile(join(root, canary), canary, { mode: 0o600 });
    await writeFile(join(root, sidecarName(canary)), `{"${canary}": "${canary}", "${canary}": 1}`, {
      mode: 0o600,
    });
    const journal = memoryJournal();
    for (const model of [canary, `${canary}/x`, `../${canary}`, `${canary}-missing`]) {
      await expect(enforce(capacityModel, { root, model }, { journal })).rejects.toMatchObject({
        guard: 'capacity-model',
      });
    }
    expect(JSON.stringify(journal.drafts)).not.toContain(canary);
  });

  it.each([
    ['a relative root', { root: 'models', model: 'm.pkl' }, 'model.outside-root'],
    ['an unknown key', { root: '/', model: 'm.pkl', force: true }, 'guard.request-invalid'],
    ['a NUL', { root: '/', model: 'm\0.pkl' }, 'model.outside-root'],
    ['an absolute model', { root: '/', model: '/etc/passwd' }, 'model.outside-root'],
    [
      'an owner policy that does not exist',
      { root: '/', model: 'm', owners: 'any' },
      'guard.request-invalid',
    ],
  ])('refuses %s', async (_why, request, code) => {
    expect((await judge(capacityModel, request as never)).codes[0]).toBe(code);
  });
});

describe('a file system that does not answer', () => {
  it('ends in a refusal at the deadline, while the process goes on', { timeout: 30_000 }, async () => {
    const request = await sealed();
    // As many hung calls as the pool has threads do to us what a dead mount does.
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    const fifos = Array.from({ length: threads }, (_, index) => join(request.root, `fifo${index}`));
    execFileSync('mkfifo', fifos);
    const hung = fifos.map((path) => open(path, 'r'));
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 10);
    const decision = await judge(capacityModel, request, { timeoutMs: 300 });
    clearInterval(ticking);
    // Opened for reading and writing, a FIFO never waits, and lets its readers go.
    const ends = fifos.map((path) => openSync(path, 'r+'));
    for (const reader of await Promise.all(hung)) await reader.close();
    for (const end of ends) closeSync(end);
    expect(decision.codes).toEqual(['guard.timeout']);
    expect(ticks).toBeGreaterThan(3);
    expect((await judge(capacityModel, request)).decision).toBe('allow');
  });
});

const NAME = 'balancer_model.pkl';

interface Original {
  readonly bytes: Buffer;
  readonly sidecar: string;
}

function grown(): Original {
  const bytes = grownForest();
  return { bytes, sidecar: grownSidecar(NAME, bytes) };
}

const agilabs = (): Original => ({
  bytes: readFileSync(new URL(NAME, beside('agilab'))),
  sidecar: readFileSync(new URL(sidecarName(NAME), beside('agilab')), 'utf8'),
});

describe.each([
  ["AGILAB's own model", withBeside('agilab'), agilabs, 26_642],
  ['a model of its size, written here', {}, grown, GROWN_SIZE.nodes],
] as const)('%s', (_name, options, original, nodes) => {
  async function copied(): Promise<{ root: string; model: string; file: string; sidecar: string }> {
    const root = join(await site(), 'models');
    await mkdir(root, { mode: 0o755 });
    const file = join(root, NAME);
    await writeFile(file, original().bytes, { mode: 0o644 });
    await writeFile(sidecarName(file), original().sidecar, { mode: 0o644 });
    return { root, model: NAME, file, sidecar: sidecarName(file) };
  }

  it('passes unchanged', options, async () => {
    // A copy, since who may write to the folder beside this project is not for a test to say.
    const { root, model } = await copied();
    const granted = await enforce(capacityModel, { root, model }, { journal: memoryJournal() });
    expect((await granted.readBytes()).equals(original().bytes)).toBe(true);
    expect(granted.description).toMatchObject({ estimator: 'RandomForestRegressor', nodes });
  });

  it('has a sidecar that we write byte for byte', options, () => {
    const { bytes, sidecar } = original();
    const ours = encodeSidecar({
      schema: 'agilab.capacity_model_manifest.v1',
      algorithm: 'sha256',
      digest_sha256: createHash('sha256').update(bytes).digest('hex'),
      model_file: NAME,
      size_bytes: bytes.length,
    });
    expect(ours).toBe(sidecar);
  });

  it('copied: passes, and is refused once spoiled', options, async () => {
    const { root, model, file, sidecar } = await copied();
    const codes = async (): Promise<readonly string[]> => (await judge(capacityModel, { root, model })).codes;
    expect(await codes()).toEqual([]);
    await chmod(file, 0o646);
    expect(await codes()).toEqual(['model.world-writable']);
    await chmod(file, 0o644);
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 1, 1_000_000);
    await writeFile(file, bytes);
    expect(await codes()).toEqual(['sidecar.digest-mismatch']);
    await writeFile(file, drillModel());
    expect(await codes()).toEqual(['sidecar.size-mismatch', 'sidecar.digest-mismatch']);
    await writeFile(file, original().bytes);
    const right = await readFile(sidecar, 'utf8');
    await writeFile(sidecar, right.replace(/"digest_sha256": "../, '"digest_sha256": "00'));
    expect(await codes()).toEqual(['sidecar.digest-mismatch']);
  });
});
