// The hashes of closed files in the layout of c2sp.org/tlog-tiles, against SHA-256 as node:crypto has it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { segmentName } from '../../src/evidence/journal-files.ts';
import { readTiles, updateTiles } from '../../src/evidence/tiles.ts';
import { IN_MEMORY, scratch } from './support.ts';

const lineAt = (seq: number): string => `{"seq":${seq}}`;

/** The hashes of so many lines from position `from` on. */
const leaves = (from: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_none, at) =>
    createHash('sha256')
      .update(`\0${lineAt(from + at)}`)
      .digest(),
  );

/** A directory with a file of so many lines, which begins at position `from`. */
async function filed(from: number, count: number): Promise<string> {
  const directory = await scratch(IN_MEMORY);
  const lines = Array.from({ length: count }, (_none, at) => `${lineAt(from + at)}\n`);
  writeFileSync(join(directory, segmentName(from)), lines.join(''));
  return directory;
}

it('tiles hold the hash of each line, 256 to a file, a thousand files to a folder', async () => {
  const [from, count] = [999 * 256, 2 * 256 + 44];
  const directory = await filed(from, count);
  mkdirSync(join(directory, 'tile/0'), { recursive: true });
  writeFileSync(join(directory, 'tile/0/998'), Buffer.alloc(256 * 32)); // as if those before were there
  await updateTiles(directory, from + count);
  const paths = ['999', 'x001/000', 'x001/001.p/44'];
  const bytes = Buffer.concat(paths.map((path) => readFileSync(join(directory, 'tile/0', path))));
  expect(bytes.toString('hex')).toBe(Buffer.concat(leaves(from, count)).toString('hex'));
});

it('tiles are written again where some were lost, and a part goes once the whole is there', async () => {
  const directory = await filed(0, 600);
  await updateTiles(directory, 300);
  expect(existsSync(join(directory, 'tile/0/001.p/44'))).toBe(true);
  rmSync(join(directory, 'tile/0/000'));
  await updateTiles(directory, 600);
  expect(readdirSync(join(directory, 'tile/0')).sort()).toEqual(['000', '001', '002.p']);
  expect(readdirSync(join(directory, 'tile/0/002.p'))).toEqual(['88']);
  expect(await readTiles(directory, 600)).toEqual(leaves(0, 600));
});
