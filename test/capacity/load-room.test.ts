// Loads that read to one memory after the other, and side by side: each answers from its own file, whatever is read meanwhile.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { capacityModel } from '../../src/capacity/capacity-model.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { withRoom } from '../../src/capacity/load-room.ts';
import { sidecarName } from '../../src/capacity/sidecar.ts';
import { readOnce } from '../../src/files/walk.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { GROWN_ROWS, grownForest, grownSidecar } from '../fuzz/grown-forest.ts';
import { memoryJournal } from '../memory-journal.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Sealed models of one size with as many answers, by their names. */
async function site(count: number): Promise<{ root: string; answers: ReadonlyMap<string, unknown> }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'load-room-')));
  onTestFinished(() => rm(root, { recursive: true }));
  const answers = new Map<string, unknown>();
  for (let i = 0; i < count; i++) {
    const bytes = grownForest();
    // A leaf of the last tree says something else.
    const at = bytes.lastIndexOf(Buffer.from(Float64Array.of(266 / 7).buffer));
    bytes.writeDoubleLE(1_000 * i, at);
    const name = `m${i}.pkl`;
    await writeFile(join(root, name), bytes, { mode: 0o600 });
    await writeFile(join(root, sidecarName(name)), grownSidecar(name, bytes), { mode: 0o600 });
    answers.set(name, decodeModel(bytes).predict(GROWN_ROWS));
  }
  expect(new Set([...answers.values()].map((one) => JSON.stringify(one))).size).toBe(count);
  return { root, answers };
}

const load = async (root: string, model: string): Promise<unknown> =>
  (await enforce(capacityModel, { root, model }, { journal: memoryJournal() })).predict(GROWN_ROWS);

describe('models that are loaded', () => {
  it('one after the other answer each from its own file, the first ones also after the last', async () => {
    const { root, answers } = await site(3);
    const granted = [];
    for (const model of answers.keys())
      granted.push(await enforce(capacityModel, { root, model }, { journal: memoryJournal() }));
    expect(granted.map((model) => model.predict(GROWN_ROWS))).toEqual([...answers.values()]);
  });

  it('at once answer each from its own file', async () => {
    const { root, answers } = await site(4);
    const names = [...answers.keys(), ...answers.keys()];
    for (let round = 0; round < 5; round++)
      expect(await Promise.all(names.map((name) => load(root, name)))).toEqual(
        names.map((name) => answers.get(name)),
      );
  });

  it('chunk by chunk in turns are decoded each from its own file', async () => {
    const { root, answers } = await site(3);
    // What the guard does between its looks at the file system, where no other load gets a turn.
    const read = (name: string): Promise<unknown> =>
      withRoom(async (room) => {
        const fd = openSync(join(root, name), 'r');
        const { bytes } = await readOnce(fd, fstatSync(fd).size, undefined, room);
        closeSync(fd);
        return decodeModel(bytes).predict(GROWN_ROWS);
      });
    await withRoom(async (room) => room(1)); // there is memory for the first of them to take
    expect(await Promise.all([...answers.keys()].map(read))).toEqual([...answers.values()]);
  });

  it('beside one that is spoiled are read, and that one is refused', async () => {
    const { root, answers } = await site(2);
    await writeFile(join(root, 'm1.pkl'), grownForest().fill(0, 1_000));
    const [good, bad] = await Promise.all([
      load(root, 'm0.pkl'),
      judge(capacityModel, { root, model: 'm1.pkl' }),
    ]);
    expect(good).toEqual(answers.get('m0.pkl'));
    expect(bad.codes).toEqual(['sidecar.digest-mismatch']);
  });

  it('keep nothing of their file', () => {
    const read = (): { file: WeakRef<ArrayBufferLike>; model: ReturnType<typeof decodeModel> } => {
      const bytes = new Uint8Array(grownForest());
      return { file: new WeakRef(bytes.buffer), model: decodeModel(bytes) };
    };
    const { file, model } = read();
    return new Promise<void>((done) => setImmediate(done)).then(() => {
      collect();
      expect(file.deref()).toBeUndefined();
      expect(model.predict(GROWN_ROWS)).toHaveLength(GROWN_ROWS.length);
    });
  });
});

describe('the room', () => {
  const take = (bytes: number): Promise<Buffer> => withRoom(async (room) => room(bytes));

  it('is that of the load before, as much of it as is asked for', async () => {
    const first = await take(1_000);
    const second = await take(2_000);
    expect(second.buffer).toBe(first.buffer);
    expect([first.length, second.length]).toEqual([1_000, 2_000]);
  });

  it("is nobody else's until the load has ended, however it ends", async () => {
    let inner: Buffer | undefined;
    const outer = await withRoom(async (room) => {
      const own = room(1_000);
      inner = await take(1_000);
      expect(room(1_000).buffer).not.toBe(own.buffer);
      return own;
    });
    expect(inner?.buffer).not.toBe(outer.buffer);
    let failed: Buffer | undefined;
    const failing = withRoom(async (room) => {
      failed = room(1_000);
      await Promise.resolve();
      throw new Error('as a file that cannot be read');
    });
    expect((await take(1_000)).buffer).not.toBe(failed?.buffer);
    await expect(failing).rejects.toThrow('as a file');
  });

  it('is memory of its own for a large file', async () => {
    const [first, second] = [await take(2 ** 23), await take(2 ** 23)];
    expect(first.buffer).not.toBe(second.buffer);
  });

  it('is given up with a collection when nobody loads', async () => {
    const room = new WeakRef((await take(1_000)).buffer);
    await new Promise((done) => setImmediate(done));
    collect();
    expect(room.deref()).toBeUndefined();
  });
});
