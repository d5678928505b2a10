// Level-0 tiles (c2sp.org/tlog-tiles): the leaf hashes of closed files, 256 to a file, in the layout in which a log serves
// them. A proof is made from them without reading the lines again; without them it is made from the lines.
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from './coded-error.ts';
import { makeDirectory, readBounded, replaceOneOfMany, syncDirectory } from './files.ts';
import { readLines } from './lines.ts';
import { leafHash } from './merkle.ts';
import { native } from './native.ts';

/** Hashes in a full tile, and bytes in a hash. */
const WIDTH = 256;
const HASH_BYTES = 32;

/** Path of a tile below the journal's directory: `tile/0/x001/234`, `.p/<width>` behind it where it is not full. */
function tilePath(number: number, width: number): string {
  let path = String(number % 1_000).padStart(3, '0');
  for (let rest = Math.floor(number / 1_000); rest > 0; rest = Math.floor(rest / 1_000))
    path = `x${String(rest % 1_000).padStart(3, '0')}/${path}`;
  return `tile/0/${path}${width === WIDTH ? '' : `.p/${width}`}`;
}

/** Returns the hashes of one tile; `undefined` where it is not there whole. */
async function readTile(directory: string, number: number, width: number): Promise<Uint8Array[] | undefined> {
  const policy = { maxBytes: WIDTH * HASH_BYTES };
  let bytes: Buffer;
  try {
    bytes = await readBounded(join(directory, tilePath(number, width)), policy);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (bytes.length !== width * HASH_BYTES) return undefined;
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** Returns the hashes of a tile as far as there are any: of the full one, else of the widest one that is not full. */
async function readWidest(directory: string, number: number): Promise<readonly Uint8Array[]> {
  const full = await readTile(directory, number, WIDTH);
  if (full) return full;
  const folder = join(directory, `${tilePath(number, WIDTH)}.p`);
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const widths = names.filter((name) => /^[1-9]\d{0,2}$/.test(name)).map(Number);
  const widest = Math.max(0, ...widths.filter((width) => width < WIDTH));
  return (widest > 0 ? await readTile(directory, number, widest) : undefined) ?? [];
}

/** Returns the leaf hashes before position `end`, as far as there are tiles without a gap. */
export async function readTiles(directory: string, end: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (let number = 0; leaves.length < end; number++) {
    const hashes = await readWidest(directory, number);
    leaves.push(...hashes.slice(0, end - leaves.length));
    if (hashes.length < WIDTH) break;
  }
  return leaves;
}

/** Writes tiles, folder by folder: to make and sync the folder for each of them takes as long as to write it. */
class TileWriter {
  readonly #directory: string;
  #folder: string | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async write(number: number, hashes: readonly Uint8Array[]): Promise<void> {
    const path = join(this.#directory, tilePath(number, hashes.length));
    const folder = dirname(path);
    if (folder !== this.#folder) {
      await this.end();
      await makeDirectory(folder);
      this.#folder = folder;
    }
    await replaceOneOfMany(path, Buffer.concat(hashes));
  }

  /** Makes the folder last. A tile that was not full goes once the full one is there. */
  async end(): Promise<void> {
    const folder = this.#folder;
    if (folder === undefined) return;
    await syncDirectory(folder);
    const names = new Set(await readdir(folder));
    for (const name of names)
      if (names.has(`${name}.p`)) await rm(join(folder, `${name}.p`), { recursive: true, force: true });
  }
}

/**
 * Brings the tiles up to position `end`, where a file of lines was closed. Where earlier ones are missing, for example
 * after a crash, it begins with those. A last one that is not full is written as well, since its size was signed.
 */
export async function updateTiles(directory: string, end: number): Promise<void> {
  let number = Math.floor(end / WIDTH);
  while (number > 0 && !(await readTile(directory, number - 1, WIDTH))) number--;
  const hashes = [...(await readWidest(directory, number))].slice(0, end - number * WIDTH);
  const tiles = new TileWriter(directory);
  for await (const batch of readLines(directory, number * WIDTH + hashes.length, end)) {
    for (const { bytes } of batch) {
      hashes.push(leafHash(native.sha256, bytes));
      if (hashes.length === WIDTH) await tiles.write(number++, hashes.splice(0));
    }
  }
  if (hashes.length > 0) await tiles.write(number, hashes);
  await tiles.end();
}
