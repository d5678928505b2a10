// Sealing: what is written, when nothing is, and that AGILAB's own checks, redone in Python, accept it.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { capacityModel } from '../../src/capacity/capacity-model.ts';
import { capacityOrigin } from '../../src/capacity/origin/capacity-origin.ts';
import { statementName } from '../../src/capacity/origin/statement.ts';
import { sealModel } from '../../src/capacity/seal.ts';
import { sidecarName } from '../../src/capacity/sidecar.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { drillModel } from '../../src/proof/drills/capacity-model/drill-model.ts';

const run = promisify(execFile);

async function laid(): Promise<{ root: string; state: string; path: string }> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'seal-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  const root = join(directory, 'models');
  const state = join(directory, 'state');
  for (const folder of [root, state]) await mkdir(folder, { mode: 0o700 });
  const path = join(root, 'm.pkl');
  await writeFile(path, drillModel(), { mode: 0o600 });
  return { root, state, path };
}

// The steps of AGILAB's loader up to the point where it would unpickle.
const AGILAB = `
import hashlib, json, os, stat, sys
from pathlib import Path
model, root = Path(sys.argv[1]), Path(sys.argv[2])
assert model.is_file() and model.resolve().is_relative_to(root.resolve())
assert not model.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP)
manifest = json.loads(model.with_name(model.name + ".sha256.json").read_text(encoding="utf-8"))
assert manifest.get("schema") == "agilab.capacity_model_manifest.v1"
assert manifest.get("model_file") == model.name and manifest.get("algorithm") == "sha256"
assert manifest.get("size_bytes") == model.stat().st_size
assert manifest.get("digest_sha256") == hashlib.sha256(model.read_bytes()).hexdigest()
print("accepted")
`;

import { requiresReal } from '../left-out.ts';

describe('sealing a model', () => {
  it('writes a sidecar that the guard and the checks of AGILAB accept, with the readers of the model, and no other file', async (context) => {
    const { root, path } = await laid();
    const sidecar = await sealModel({ root, model: 'm.pkl' });
    expect(sidecar).toMatchObject({ model_file: 'm.pkl', size_bytes: drillModel().length });
    expect((await judge(capacityModel, { root, model: 'm.pkl' })).decision).toBe('allow');
    expect(statSync(sidecarName(path)).mode & 0o777).toBe(0o600);
    expect(readdirSync(root).sort()).toEqual(['m.pkl', 'm.pkl.sha256.json']);
    const python = spawnSync('python3', ['-c', AGILAB, path, root], { encoding: 'utf8' });
    if (python.error && !requiresReal) context.skip('no python3');
    expect(python.stdout).toBe('accepted\n');
  });

  it('lets whoever may read the model read its sidecar, and nobody write it', async () => {
    const { root, path } = await laid();
    for (const [mode, expected] of [
      [0o644, 0o644],
      [0o640, 0o640],
      [0o444, 0o644],
      [0o700, 0o600],
    ] as const) {
      chmodSync(path, mode);
      await sealModel({ root, model: 'm.pkl' });
      expect(statSync(sidecarName(path)).mode & 0o7777).toBe(expected);
    }
  });

  it('names a model in a folder without the folder', async () => {
    const { root } = await laid();
    await mkdir(join(root, 'newest'), { mode: 0o700 });
    const model = 'newest/m.pkl';
    await writeFile(join(root, model), drillModel(), { mode: 0o600 });
    expect(await sealModel({ root, model })).toMatchObject({ model_file: 'm.pkl' });
    expect((await judge(capacityModel, { root, model })).decision).toBe('allow');
  });

  it('replaces a sidecar, also one that is a link, without writing through it', async () => {
    const { root, path } = await laid();
    const elsewhere = join(root, 'elsewhere');
    await writeFile(elsewhere, 'precious', { mode: 0o600 });
    await run('ln', ['-s', elsewhere, sidecarName(path)]);
    await sealModel({ root, model: 'm.pkl' });
    expect(await readFile(elsewhere, 'utf8')).toBe('precious');
    expect((await judge(capacityModel, { root, model: 'm.pkl' })).decision).toBe('allow');
  });

  it.each([
    ['a model that others may write', (path: string) => chmod(path, 0o666), 'file.world-writable'],
    ['what is no model', (path: string) => writeFile(path, 'cposix\nsystem\n(S"true"\ntR.'), 'pickle'],
    ['nothing', (path: string) => rm(path), 'file.missing'],
  ])('refuses %s and leaves no file behind', async (_why, spoil, code) => {
    const { root, path } = await laid();
    await spoil(path);
    const before = readdirSync(root);
    await expect(sealModel({ root, model: 'm.pkl' })).rejects.toMatchObject({
      code: expect.stringMatching(new RegExp(`^${code}`)),
    });
    expect(readdirSync(root)).toEqual(before);
  });

  it('on a full disk keeps the sidecar of before (needs root and unshare)', {
    timeout: 60_000,
  }, async (context) => {
    // Anyone may have a namespace to mount in, but in another's the directories above would be nobody's.
    const possible = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
    if (!possible && !requiresReal) context.skip('not root, or no mount namespaces');
    const { root, path } = await laid();
    const script = `
      const { sealModel } = await import(${JSON.stringify(pathToFileURL(resolve('dist/capacity/seal.js')).href)});
      const fs = await import('node:fs');
      const [root, model] = process.argv.slice(1);
      const at = (name) => root + '/' + name;
      fs.copyFileSync(model, at('m.pkl')); fs.chmodSync(at('m.pkl'), 0o600);
      await sealModel({ root, model: 'm.pkl' });
      const before = fs.readFileSync(at('m.pkl.sha256.json'), 'utf8');
      try { fs.writeFileSync(at('filler'), Buffer.alloc(1 << 20)); } catch (error) { console.log(error.code); }
      console.log(await sealModel({ root, model: 'm.pkl' }).then(() => 'sealed', (error) => error.code + ' ' + error.cause.code));
      console.log(fs.readFileSync(at('m.pkl.sha256.json'), 'utf8') === before, fs.readdirSync(root).sort().join());`;
    const shell =
      'mount -t tmpfs -o size=16k,mode=700 none "$1" && exec "$3" --input-type=module -e "$4" "$1" "$2"';
    const disk = join(root, 'disk');
    await mkdir(disk, { mode: 0o700 });
    const argv = ['-m', 'sh', '-c', shell, 'sh', disk, path, process.execPath, script];
    const { stdout } = await run('unshare', argv);
    expect(stdout.trim().split('\n')).toEqual([
      'ENOSPC',
      'seal.write-failed ENOSPC',
      'true filler,m.pkl,m.pkl.sha256.json',
    ]);
  });
});

describe('sealing a release', () => {
  it('writes both sidecars, mode 0600, and each guard accepts its own', async () => {
    const { root, state, path } = await laid();
    const signer = generateSigner('release');
    const release = { signer, version: 1, expires: '2999-01-01T00:00:00.000Z' };
    const { digest_sha256: digest } = await sealModel({ root, model: 'm.pkl', release });
    expect(statSync(statementName(path)).mode & 0o777).toBe(0o600);
    expect(readdirSync(root).sort()).toEqual(['m.pkl', 'm.pkl.intoto.jsonl', 'm.pkl.sha256.json']);
    const place = { root, model: 'm.pkl' };
    expect((await judge(capacityModel, place)).decision).toBe('allow');
    expect((await judge(capacityOrigin, { ...place, digest, keys: [signer.vkey], state })).codes).toEqual([]);
  });
});
