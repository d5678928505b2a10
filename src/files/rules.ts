// When a file may be believed: nobody but root and this process could have written it, moved it or put another in its
// place, from / down. The rules are one table, shared by every guard that reads a file.
import type { Rule } from '../kernel/guard.ts';
import type { Entry, FileFacts } from './walk.ts';

interface FileRule {
  readonly name: string;
  /** Judges the way to the file, so it holds for every file of that directory at once. */
  readonly place?: true;
  readonly remedy: string;
  refuses(facts: FileFacts): string | false;
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** The overflow uid, by the name that it mostly has. */
const UNMAPPED =
  'A process as nobody (the overflow uid), and one in a user namespace that does not map the owner, cannot tell whose a file is: run as a mapped user, or let root own the file.';
const foreign = ({ trustedOwners }: FileFacts, { uid }: Entry): boolean => !trustedOwners.includes(uid);
const position = (index: number): string => (index === 0 ? 'the root' : `directory ${index} below the root`);

// A bad file is named before a bad place, and what is missing last: a place can be bad with nothing in it.
const RULES: readonly FileRule[] = [
  {
    name: 'outside-root',
    place: true,
    remedy:
      'Give an absolute root and a path below it, both of plain names: no "..", no "." and no empty name.',
    refuses: ({ plainPath }) => !plainPath && 'the path could leave the root',
  },
  {
    name: 'symlink',
    remedy: 'Name the file itself and the real path of the root (realpath DIR); links are never followed.',
    refuses: ({ stopped }) =>
      stopped?.kind === 'symlink' && `the ${stopped.at} on the path is a symbolic link`,
  },
  {
    name: 'not-regular',
    remedy: 'Put a regular file there.',
    refuses: ({ file }) => file !== undefined && file.kind !== 'file' && 'it is not a regular file',
  },
  {
    name: 'foreign-owner',
    remedy: `Let root, or the user of this process, own the file: chown. ${UNMAPPED}`,
    refuses: (facts) =>
      facts.file !== undefined && foreign(facts, facts.file) && 'another user owns the file',
  },
  {
    name: 'world-writable',
    remedy: 'chmod o-w FILE, and check its content: anybody could have written it.',
    refuses: ({ file }) => file !== undefined && (file.mode & 0o002) !== 0 && 'everybody may write the file',
  },
  {
    // No exception for a "private" group: the groups of a user do not list whose primary group it is, and the group
    // bits are also the mask of an ACL that may name anybody.
    name: 'group-writable',
    remedy: 'chmod g-w FILE (this narrows an ACL too), and check its content.',
    refuses: ({ file }) =>
      file !== undefined && (file.mode & 0o020) !== 0 && 'a group or an ACL may write the file',
  },
  {
    name: 'hard-linked',
    remedy: 'Copy the file: under its other name it can be written from outside the root.',
    refuses: ({ file }) => file?.kind === 'file' && file.links !== 1 && 'the file has more than one name',
  },
  {
    name: 'foreign-directory',
    place: true,
    remedy: `Let root, or the user of this process, own every directory from / down to the file. ${UNMAPPED}`,
    refuses(facts) {
      const below = facts.directories.findIndex((entry) => foreign(facts, entry));
      if (below >= 0) return `another user owns ${position(below)}`;
      return (
        facts.ancestors.some((entry) => foreign(facts, entry)) &&
        'another user owns a directory above the root'
      );
    },
  },
  {
    // Sticky is no excuse down here: it stops renaming, not the creation of a file that is missing.
    name: 'writable-directory',
    place: true,
    remedy: 'chmod go-w every directory from the root down to the file.',
    refuses({ directories }) {
      const at = directories.findIndex(({ mode }) => (mode & WRITABLE_BY_OTHERS) !== 0);
      return at >= 0 && `others may write to ${position(at)} and replace what is in it`;
    },
  },
  {
    // Above the root a sticky directory of root's, such as /tmp, is fine: the next directory is ours and stays.
    name: 'writable-ancestor',
    place: true,
    remedy: 'chmod go-w every directory above the root, or move the root.',
    refuses: ({ ancestors }) =>
      ancestors.some(
        ({ mode, uid }) => (mode & WRITABLE_BY_OTHERS) !== 0 && !((mode & STICKY) !== 0 && uid === 0),
      ) && 'others may replace a directory above the root',
  },
  {
    name: 'other-device',
    place: true,
    remedy: 'Name the mount point as the root.',
    refuses: ({ oneDevice }) => !oneDevice && 'something is mounted between the root and the file',
  },
  {
    name: 'too-large',
    remedy: 'Check that this is the file you mean.',
    refuses: ({ file, maxBytes }) =>
      file?.kind === 'file' && file.size > maxBytes && `the file is over ${maxBytes} bytes`,
  },
  {
    name: 'changed-while-read',
    remedy: 'Find out who writes to the file, then ask again. Replace files by rename(2), never in place.',
    refuses: ({ unchanged }) =>
      !unchanged && 'the file changed, or held more than its size, while it was read',
  },
  {
    name: 'missing',
    remedy: 'Check the path.',
    refuses: ({ stopped }) =>
      (stopped?.kind === 'missing' && `the ${stopped.at} on the path does not exist`) ||
      (stopped?.kind === 'other' && 'a component of the path is not a directory'),
  },
];

/** Where a guard keeps the facts of a file. */
type Of<Facts> = (facts: Facts) => FileFacts;

const rulesFor = <Facts>(prefix: string, of: Of<Facts>, rules: readonly FileRule[]): readonly Rule<Facts>[] =>
  rules.map((rule) => ({
    code: `${prefix}.${rule.name}`,
    remedy: rule.remedy,
    refuses: (facts) => rule.refuses(of(facts)),
  }));

/**
 * Returns the rules for a file and everything above it, with codes `PREFIX.outside-root`, `.symlink`, `.not-regular`,
 * `.foreign-owner`, `.world-writable`, `.group-writable`, `.hard-linked`, `.foreign-directory`, `.writable-directory`,
 * `.writable-ancestor`, `.other-device`, `.too-large`, `.changed-while-read` and `.missing`, in this order.
 */
export function fileRules<Facts>(prefix: string, of: Of<Facts>): readonly Rule<Facts>[] {
  return rulesFor(prefix, of, RULES);
}

/**
 * Returns the rules for one more file of a look whose place {@link fileRules} judges: the same codes without
 * `.outside-root`, `.foreign-directory`, `.writable-directory`, `.writable-ancestor` and `.other-device`.
 */
export function siblingRules<Facts>(prefix: string, of: Of<Facts>): readonly Rule<Facts>[] {
  const own = RULES.filter(({ place }) => !place).map((rule) => ({
    ...rule,
    // A walk that ended above the file says nothing about the file.
    refuses: (facts: FileFacts) =>
      (facts.stopped === undefined || facts.stopped.at === 'file') && rule.refuses(facts),
  }));
  return rulesFor(prefix, of, own);
}

/** All of {@link fileRules} about one file by itself. */
export const FILE_RULES: readonly Rule<FileFacts>[] = fileRules('file', (facts) => facts);

/** Returns what the first of the rules says that refuses a file. */
export function firstReason(rules: typeof FILE_RULES, facts: Omit<FileFacts, 'bytes'>): string | false {
  for (const rule of rules) {
    const why = rule.refuses(facts);
    if (why !== false) return why;
  }
  return false;
}

/** Returns why a file is not to be believed, by all of the rules. */
export const distrust = (facts: Omit<FileFacts, 'bytes'>): string | false => firstReason(FILE_RULES, facts);
