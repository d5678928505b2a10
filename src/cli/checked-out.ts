// Whether the files of somebody's repository are those of the commit that it says is checked out. No git runs, and nothing that
// the repository says of itself (its index, what it ignores) is believed.
import { readCommit } from '../guards/external-app/git-objects.ts';
import { observeWorkTree } from '../guards/external-app/work-tree.ts';

/** For both looks, in milliseconds. */
const TIMEOUT_MS = 120_000;

/**
 * Returns why the files below `root` are not those of a commit, or `false` where each is as in it and none is there beside
 * those. `beside`: paths that may lie there besides, such as the statement itself, which no commit that it names can hold.
 */
export async function otherThanCommit(
  root: string,
  commit: string,
  beside: ReadonlySet<string>,
): Promise<string | false> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { entries } = await readCommit(`${root}/.git`, commit, signal);
    const { files } = await observeWorkTree(root, signal);
    const committed = new Map(entries.map((entry) => [entry.path, entry]));
    const here = new Map(files.map((file) => [file.path, file]));
    const isAsIn = ({ path, mode, oid }: (typeof entries)[number]): boolean =>
      here.get(path)?.oid === oid && here.get(path)?.mode === mode;
    if (!entries.every(isAsIn)) return 'files are not as in that commit';
    return (
      files.some(({ path }) => !committed.has(path) && !beside.has(path)) && 'files are not in that commit'
    );
  } catch {
    return 'the files could not be compared with it';
  }
}
