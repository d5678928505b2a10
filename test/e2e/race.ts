// A race between a loader and a second process that swaps the model under its feet. Every load that is accepted must
// have given the sealed model; one that gave the other model is a confusion.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { capacityModel } from '../../src/capacity/capacity-model.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { sealModel } from '../../src/capacity/seal.ts';
import { sidecarName } from '../../src/capacity/sidecar.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { GuardRefusal } from '../../src/kernel/refusal.ts';
import { forest, GOOD_NODES, leaf, tree, treeEstimator } from '../fuzz/model-writer.ts';
import { pickle } from '../fuzz/pickle-writer.ts';

/** What a loader accepts: which bytes, it says, and what the model in them answers. */
interface Accepted {
  readonly digest: string;
  readonly answers: readonly unknown[];
}

/** Returns what it accepts, or `undefined` when it refuses. */
export type Loader = (root: string, model: string) => Promise<Accepted | undefined>;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** They come to each leaf of each tree. */
const ROWS = [
  [0, 1],
  [0, 2],
  [1, 0],
];

/** The capacity-model guard, journal aside. */
export const guarded: Loader = async (root, model) => {
  try {
    const granted = await enforce(capacityModel, { root, model }, { journal: { append: async () => {} } });
    return { digest: granted.digest, answers: granted.predict(ROWS) };
  } catch (error) {
    // A component that vanishes at the wrong moment is a refusal too; anything else is a bug.
    if (error instanceof GuardRefusal && error.code !== 'guard.grant-failed') return undefined;
    throw error;
  }
};

/** The steps of AGILAB's loader, in its order, each by path: every look is another chance to show something else. */
export const agilabSteps: Loader = async (root, model) => {
  try {
    const path = join(root, model);
    if (!statSync(path).isFile()) return undefined;
    if (!realpathSync(path).startsWith(`${realpathSync(root)}/`)) return undefined;
    if ((statSync(path).mode & 0o022) !== 0) return undefined;
    if (!statSync(sidecarName(path)).isFile()) return undefined;
    const manifest = JSON.parse(readFileSync(sidecarName(path), 'utf8')) as Record<string, unknown>;
    if (manifest['model_file'] !== basename(path) || manifest['algorithm'] !== 'sha256') return undefined;
    if (manifest['size_bytes'] !== statSync(path).size) return undefined;
    if (manifest['digest_sha256'] !== sha256(readFileSync(path))) return undefined;
    const bytes = readFileSync(path);
    return { digest: sha256(bytes), answers: decodeModel(bytes).predict(ROWS) }; // as Python unpickles it
  } catch {
    return undefined;
  }
};

export const ATTACKS = ['file', 'symlink', 'directory', 'in-place'] as const;
export type Attack = (typeof ATTACKS)[number];

/** What every leaf of the good model says, and so what it answers. */
const GOOD = 1;

/** Two models of one size. About 20 kB, so that reading takes a moment. */
function models(): { readonly good: Buffer; readonly evil: Buffer } {
  const filled = (value: number): Buffer =>
    Buffer.from(
      pickle(
        forest(
          {},
          Array.from({ length: 12 }, () =>
            treeEstimator({
              tree_: tree({ nodes: GOOD_NODES.map((node) => (node.left === -1 ? leaf(value) : node)) }),
            }),
          ),
        ),
      ),
    );
  return { good: filled(GOOD), evil: filled(GOOD + 1) };
}

// Swaps a and b, or writes a in place, and rests in between so that both states are seen.
const ATTACKER = `
  const fs = require('node:fs');
  const [kind, a, b, spare] = process.argv.slice(1);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const states = kind === 'in-place' ? [fs.readFileSync(a), fs.readFileSync(b)] : [];
  const fd = kind === 'in-place' ? fs.openSync(a, 'r+') : -1;
  process.stdout.write('ready');
  for (let turn = 1; ; turn++) {
    if (fd >= 0) fs.writeSync(fd, states[turn % 2], 0, states[0].length, 0);
    else { fs.renameSync(a, spare); fs.renameSync(b, a); fs.renameSync(spare, b); }
    Atomics.wait(cell, 0, 0, 0.1);
  }`;

async function lay(
  attack: Attack,
  root: string,
): Promise<{ model: string; swap: readonly string[]; good: Buffer }> {
  const { good, evil } = models();
  const at = (...names: string[]): string => join(root, ...names);
  const put = (path: string, bytes: Buffer): Promise<void> => writeFile(path, bytes, { mode: 0o600 });
  for (const folder of ['a', 'b']) await mkdir(at(folder), { mode: 0o700 });
  await put(at('a', 'm.pkl'), good);
  await sealModel({ root, model: 'a/m.pkl' });
  // Beside the other model lies the sidecar of the good one: reading both from there must fail, too.
  await put(at('b', 'm.pkl'), evil);
  await put(at('b', 'm.pkl.sha256.json'), readFileSync(at('a', 'm.pkl.sha256.json')));
  await symlink('../b/m.pkl', at('a', 'link'));
  const swaps: Record<Attack, readonly string[]> = {
    file: [at('a', 'm.pkl'), at('b', 'm.pkl'), at('spare')],
    symlink: [at('a', 'm.pkl'), at('a', 'link'), at('spare')],
    directory: [at('a'), at('b'), at('spare')],
    'in-place': [at('a', 'm.pkl'), at('b', 'm.pkl'), ''],
  };
  return { model: 'a/m.pkl', swap: swaps[attack], good };
}

async function stop(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
}

export interface RaceResult {
  readonly attempts: number;
  readonly accepted: number;
  readonly confused: number;
}

/** Runs `loader` against an attack until `enough`. */
export async function race(
  attack: Attack,
  loader: Loader,
  enough: (soFar: RaceResult) => boolean,
): Promise<RaceResult> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'race-')));
  const { model, swap, good } = await lay(attack, root);
  const attacker = spawn(process.execPath, ['-e', ATTACKER, attack, ...swap], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(attacker.stdout, 'data');
    let result = { attempts: 0, accepted: 0, confused: 0 };
    while (!enough(result)) {
      if (attacker.exitCode !== null) throw new Error('the attacker ended');
      const got = await loader(root, model);
      const confused =
        got !== undefined && (got.digest !== sha256(good) || got.answers.some((answer) => answer !== GOOD));
      result = {
        attempts: result.attempts + 1,
        accepted: result.accepted + Number(got !== undefined),
        confused: result.confused + Number(confused),
      };
    }
    return result;
  } finally {
    await stop(attacker);
    await rm(root, { recursive: true });
  }
}
