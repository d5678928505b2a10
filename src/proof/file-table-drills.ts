// Every guard that reads a file holds it to the same table of rules, and so each gets the same bad states: a sound state of
// the guard's own, in which one of its files is spoiled in one way at a time.
import { chmod, link, mkdir, realpath, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mkfifo, moveOut } from './drills/capacity-model/drill-files.ts';
import { hollowOut } from './hollow-file.ts';
import type { Drill } from './proof.ts';

interface Table<Request> {
  /** What the file is called in the ids of the drills: `manifest`. */
  readonly name: string;
  /** The drills of the guard: the state of the first that it allows is the one that is spoiled. */
  readonly drills: readonly Drill<Request>[];
  /** Where it puts the file, below the directory of the drill. */
  readonly file: string;
  /** One byte more is too large. */
  readonly maxBytes: number;
  /** The code that refuses: the same for every row, for a guard that tells them apart no further. */
  readonly expects: string;
  /** The request about another file, where one file is all that the guard looks at. */
  readonly about?: (request: Request, root: string, file: string) => Request;
}

type Row = readonly [name: string, fault: string, spoil: (path: string, above: string) => Promise<unknown>];

const ROWS: readonly Row[] = [
  ['symlink', 'is a link to a file outside', (path) => moveOut(path, symlink)],
  ['fifo', 'is a FIFO that nobody writes to', (path) => mkfifo(path)],
  ['world-writable', 'may be written by everybody', (path) => chmod(path, 0o602)],
  ['group-writable', 'may be written by a group', (path) => chmod(path, 0o620)],
  ['hard-linked', 'is a file outside by another name', (path) => moveOut(path, link)],
  ['open-directory', 'lies where everybody may replace it', (path) => chmod(dirname(path), 0o777)],
  ['open-ancestor', 'lies below what everybody may replace', (_path, above) => chmod(above, 0o777)],
  ['missing', 'is not there', (path) => rm(path)],
];

/** What only a file of procfs shows: another file system below the root, and more content than size. */
const PROC: readonly (readonly [name: string, fault: string, root: string, file: string])[] = [
  ['other-device', 'lies on a file system mounted below the root', '/', 'proc/version'],
  ['longer', 'holds more than its size says', '/proc', 'version'],
];

/** Returns a drill for each way to spoil a file that the shared rules know, and that needs no root to be built. */
export function fileTableDrills<Request extends object>(table: Table<Request>): readonly Drill<Request>[] {
  const { name, drills, file, maxBytes, expects, about } = table;
  const sound = drills.find((drill) => drill.expects === 'allow');
  if (!sound) throw new TypeError('there is no sound state to spoil');
  const rows: readonly Row[] = [...ROWS, ['huge', 'is too large', (path) => hollowOut(path, maxBytes + 1)]];
  const spoiled = rows.map(
    ([id, fault, spoil]): Drill<Request> => ({
      id: `${name}-${id}`,
      fault: `the ${name} ${fault}`,
      expects,
      build: async (site) => {
        // One level down: what lies above the root can then be opened to all.
        const directory = join(site.directory, 'below');
        await mkdir(directory, { mode: 0o700 });
        const request = await sound.build({ ...site, directory });
        await spoil(join(directory, file), site.directory);
        return request;
      },
    }),
  );
  if (!about) return spoiled;
  const procfs = PROC.map(
    ([id, fault, root, path]): Drill<Request> => ({
      id: `${name}-${id}`,
      fault: `the ${name} ${fault}`,
      expects,
      build: async (site) => about(await sound.build(site), root, path),
    }),
  );
  const dotDot: Drill<Request> = {
    id: `${name}-dot-dot`,
    fault: `the path of the ${name} leaves the root and comes back`,
    expects,
    build: async (site) => {
      const directory = join(site.directory, 'below');
      await mkdir(directory, { mode: 0o700 });
      return about(await sound.build({ ...site, directory }), await realpath(directory), `../below/${file}`);
    },
  };
  return [...spoiled, dotDot, ...procfs];
}
