// Which paths can be a share at all, from the text alone: the same for this host and for a worker, whose directories
// nobody here can look at.

// Of a system, and of its users: whoever shares one of these shares keys, configuration or programs with it.
export const SYSTEM: ReadonlySet<string> = new Set(
  'bin boot dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys tmp usr var Users Volumes'.split(
    ' ',
  ),
);
/** Below these nothing is a share, whatever lies there. */
export const WHOLLY_SYSTEM: ReadonlySet<string> = new Set(
  'bin boot etc lib lib32 lib64 libx32 lost+found proc root run sbin sys usr'.split(' '),
);
/** Of /var: jobs, mail and records of the system, which run or are read as its own. */
export const VAR_SYSTEM: ReadonlySet<string> = new Set('backups crash lock log mail run spool'.split(' '));
/** Below these lie the homes of users. */
export const HOMES: ReadonlySet<string> = new Set(['home', 'Users']);
// Portable characters, and the marks that people use: no blank, no quote, nothing that a shell or a person reads otherwise.
const NAME = /^(?!-)[\w.+@=-]{1,255}$/;

/** Returns why a path cannot be a share, or `false`. Never repeats it. */
export function wrongSharePath(path: string): string | false {
  if (!path.startsWith('/')) return 'is not absolute';
  const names = path.split('/').slice(1);
  if (names.some((name) => name === '.' || name === '..' || name === ''))
    return 'holds an empty name, "." or ".."';
  if (!names.every((name) => NAME.test(name))) return 'holds a character that a share does not need';
  if (names.some((name) => name.startsWith('.'))) return 'lies in a hidden directory, where keys are kept';
  const [first = '', second = ''] = names;
  if (names.length === 1) return SYSTEM.has(first) ? 'is a directory of the system' : false;
  if (WHOLLY_SYSTEM.has(first)) return 'lies in a directory of the system';
  if (first === 'dev' && !(second === 'shm' && names.length > 2)) return 'lies among devices';
  if (names.length === 2 && HOMES.has(first)) return 'is the home of a user';
  if (first === 'var' && (names.length === 2 || VAR_SYSTEM.has(second)))
    return 'is a directory of the system';
  return false;
}
