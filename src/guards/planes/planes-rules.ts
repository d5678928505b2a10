// Every reason to say that planes are not apart: first the directories and the code, then what a payload can do.
import { type DirectoryFacts, overlap } from '../../files/directory.ts';
import type { Rule } from '../../kernel/guard.ts';
import type { CodeFacts, CodeModule } from './code.ts';
import type { PayloadAttempt } from './payload-process.ts';
import { PLAIN_MODULES, type Room } from './planes-table.ts';

export type Plane = 'control' | 'payload' | 'evidence';

export interface RootFacts {
  readonly plane: Plane;
  readonly directory: DirectoryFacts;
}

export interface PlanesFacts {
  readonly roots: readonly RootFacts[];
  /** `undefined` when another rule refuses: then nothing was started. */
  readonly attempt: PayloadAttempt | undefined;
  /** Every key is there, as a plain file: that nobody could read one that is missing proves nothing. */
  readonly keysThere: boolean;
  readonly code: CodeFacts;
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

const isGuarded = ({ plane }: RootFacts): boolean => plane !== 'payload';

function notADirectory({ directory: { plainPath, stopped } }: RootFacts): string | false {
  if (!plainPath) return 'has a path that is not absolute and plain';
  if (stopped?.kind === 'symlink') return `is reached through a link (${stopped.at})`;
  if (stopped?.kind === 'missing') return 'does not exist';
  return stopped !== undefined && 'is no directory';
}

function eachRoot(
  code: string,
  remedy: string,
  wrong: (root: RootFacts) => string | false,
): Rule<PlanesFacts> {
  return {
    code,
    remedy,
    refuses: ({ roots }) => {
      for (const root of roots) {
        const why = wrong(root);
        if (why !== false) return `a root of the ${root.plane} plane ${why}`;
      }
      return false;
    },
  };
}

/** A rule about each module, given its room. Modules without one are refused by a rule of their own. */
function eachModule(
  code: string,
  remedy: string,
  wrong: (module: CodeModule, room: Room) => string | false,
): Rule<PlanesFacts> {
  return {
    code,
    remedy,
    refuses: ({ code: { table, modules } }) => {
      const rooms = new Map(table?.rooms.map((room) => [room.room, room]));
      for (const module of modules) {
        const room = rooms.get(roomOf(module.file));
        const why = room !== undefined && wrong(module, room);
        if (why !== false) return `${module.file} ${why}`;
      }
      return false;
    },
  };
}

const roomOf = (file: string): string => file.split('/')[0]?.replace(/\.js$/, '') ?? '';
const folderOf = (file: string): string | undefined =>
  file.split('/').length > 2 ? file.split('/')[1] : undefined;
const lineOf = (line: number): string => `(line ${line})`;

/** Names of packages come from the code that is judged; only what is plainly a name is repeated. */
const shown = (name: string): string => (/^[a-z@][\w@./-]{0,79}$/.test(name) ? name : 'something odd');

/** Returns one that is part of a cycle: what is left when everything that waits for nothing is taken away, again and again. */
function inCycle(edges: ReadonlyMap<string, readonly string[]>): string | undefined {
  const waitsFor = new Map(
    [...edges].map(([from, to]) => [from, new Set(to.filter((name) => edges.has(name)))]),
  );
  for (let removed = true; removed; ) {
    removed = false;
    for (const [name, targets] of waitsFor) {
      if ([...targets].some((target) => waitsFor.has(target))) continue;
      waitsFor.delete(name);
      removed = true;
    }
  }
  // Everything left waits for something left, so whoever follows on comes back to where it was: that is the cycle.
  const seen = new Set<string>();
  let at = waitsFor.keys().next().value;
  while (at !== undefined && !seen.has(at)) {
    seen.add(at);
    at = [...(waitsFor.get(at) ?? [])].find((target) => waitsFor.has(target));
  }
  return at;
}

const APART =
  'Give each plane directories of its own, none of them inside, above or the same as one of another plane.';
const CLOSE = 'Let root or this user own every directory from / down to it, and chmod go-w them.';
const CONFINE =
  'Run payloads under an account of their own, or under the words that confinedNode returns, and name that launcher.';
const TABLE = 'Write the table as agilab.planes.v1: rooms in layers, each importing only rooms below it.';
const LOAD_PLAINLY = 'Load modules by import and import() of a literal name.';

/** What can be told by looking: where one of them refuses, no payload is started. */
export const layoutRules: readonly Rule<PlanesFacts>[] = [
  eachRoot(
    'planes.not-a-directory',
    'Name existing directories by their real paths (realpath DIR).',
    notADirectory,
  ),
  {
    code: 'planes.overlap',
    remedy: APART,
    refuses: ({ roots }) => {
      for (const a of roots)
        for (const b of roots)
          if (a.plane < b.plane && overlap(a.directory, b.directory))
            return `a root of the ${a.plane} plane and one of the ${b.plane} plane are the same or nested`;
      return false;
    },
  },
  eachRoot('planes.foreign-owner', CLOSE, (root) => {
    if (!isGuarded(root)) return false;
    const { passed, trustedOwners } = root.directory;
    const foreign = passed.some(({ uid }) => !trustedOwners.includes(uid));
    return foreign && 'is owned by another user, or lies below a directory that is';
  }),
  eachRoot('planes.open-directory', CLOSE, (root) => {
    if (!isGuarded(root)) return false;
    const { passed } = root.directory;
    const open = passed.some(({ mode, uid }, index) => {
      // Sticky helps above: what is ours stays where it is (and /tmp is root's). The root itself takes no new files of others.
      const sticky = index < passed.length - 1 && (mode & STICKY) !== 0 && uid === 0;
      return (mode & WRITABLE_BY_OTHERS) !== 0 && !sticky;
    });
    return open && 'can be written by others, or lies below a directory that can';
  }),
  {
    code: 'planes.key-missing',
    remedy: 'Name the files of the signing keys (keys init makes one).',
    refuses: ({ keysThere }) => !keysThere && 'a signing key is not there, or is no plain file',
  },
  {
    code: 'planes.table-malformed',
    remedy: TABLE,
    refuses: ({ code: { tableFault } }) =>
      tableFault !== undefined && `the table of rooms is none: ${tableFault}`,
  },
  {
    code: 'planes.table-not-layered',
    remedy: TABLE,
    refuses: ({ code: { table } }) => {
      const rooms = table?.rooms ?? [];
      const edges = new Map(rooms.map(({ room, imports }) => [room, imports]));
      if (edges.size < rooms.length) return 'the table of rooms names a room twice';
      const unknown = rooms.find(({ imports }) => imports.some((name) => !edges.has(name)));
      if (unknown) return `the room ${unknown.room} may import a room that is not in the table`;
      const around = inCycle(edges);
      return around !== undefined && `the room ${around} may, by way of others, import itself`;
    },
  },
  {
    code: 'planes.code-unreadable',
    remedy: 'Build the code as ES modules in .js files, plain files all of them, with nothing else beside.',
    refuses: ({ code: { faults, modules } }) =>
      faults[0] ?? (modules.length === 0 && 'there is no module in the directory of the code'),
  },
  {
    code: 'planes.roomless-module',
    remedy: 'Move the file into a room, or write the room into the table.',
    refuses: ({ code: { table, modules } }) => {
      if (!table) return false;
      const rooms = new Set(table.rooms.map(({ room }) => room));
      const lost = modules.find(({ file }) => !rooms.has(roomOf(file)));
      return lost !== undefined && `${lost.file} is in no room of the table`;
    },
  },
  eachModule(
    'planes.upward-import',
    'Move what is needed down, or hand it in as an argument.',
    ({ file, imports }, { room, imports: allowed, apart }) => {
      const up = imports.find((target) => roomOf(target) !== room && !allowed.includes(roomOf(target)));
      if (up !== undefined) return `imports ${up}, which lies in no room below`;
      const folder = folderOf(file);
      const beside = imports.find((target) => {
        const other = roomOf(target) === room ? folderOf(target) : undefined;
        return folder !== undefined && other !== undefined && other !== folder;
      });
      return apart === true && beside !== undefined && `imports ${beside} out of a folder that stands apart`;
    },
  ),
  {
    code: 'planes.cycle',
    remedy: 'Take what both need into a file of its own.',
    refuses: ({ code: { modules } }) => {
      const around = inCycle(new Map(modules.map(({ file, imports }) => [file, imports])));
      return around !== undefined && `${around} imports itself by way of others`;
    },
  },
  eachModule(
    'planes.outside-import',
    'Import what lies in the tree, or a package.',
    ({ outside }) => outside > 0 && 'imports a file that is not in the tree',
  ),
  eachModule(
    'planes.no-leave',
    'Write the module into the uses of its room, if the room should have it; reviewers see the line.',
    ({ uses }, room) => {
      const without = uses.find((name) => !PLAIN_MODULES.has(name) && !room.uses.includes(name));
      return without !== undefined && `uses ${shown(without)}, for which its room has no leave`;
    },
  ),
  eachModule(
    'planes.computed-import',
    LOAD_PLAINLY,
    ({ computedAt }) =>
      computedAt !== undefined && `loads a module whose name is computed ${lineOf(computedAt)}`,
  ),
  eachModule(
    'planes.hidden-loading',
    LOAD_PLAINLY,
    ({ hiddenAt }, { merged }) =>
      merged !== true &&
      hiddenAt !== undefined &&
      `runs text as code, or loads past the module loader ${lineOf(hiddenAt)}`,
  ),
];

/** What only a payload process shows. */
const payloadRules: readonly Rule<PlanesFacts>[] = [
  {
    code: 'planes.payload-writes',
    remedy: CONFINE,
    refuses: ({ attempt, roots }) => {
      const [first] = attempt?.wrote ?? [];
      if (first === undefined) return false;
      return `a payload process wrote to a root of the ${roots.filter(isGuarded)[first]?.plane ?? 'control'} plane`;
    },
  },
  {
    code: 'planes.payload-reads-key',
    remedy: `${CONFINE} Whoever reads the key can sign evidence.`,
    refuses: ({ attempt }) => attempt?.readKey === true && 'a payload process could read a signing key',
  },
  {
    code: 'planes.payload-unproven',
    remedy: `${CONFINE} It ends in a Node that takes -e, and may write to every payload root.`,
    refuses: ({ attempt }) => {
      if (!attempt) return 'no payload process was started, for something else is refused';
      return (
        !attempt.alive && 'the payload process did not run to its end, or could not write to its own roots'
      );
    },
  },
];

export const planesRules: readonly Rule<PlanesFacts>[] = [...layoutRules, ...payloadRules];
