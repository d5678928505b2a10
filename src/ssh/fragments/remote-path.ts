// A path on the remote host. It carries whatever a real directory may be called (quotes, $(...), newlines, any
// script), but not what would name another place than it seems to.
import { FragmentFault, requireText } from './fault.ts';
import type { Word } from './word.ts';

type Base = 'absolute' | 'home' | 'relative';

/** Top-level directories that hold what belongs to several: how deep a directory of one's own begins. */
export const DEPTH: ReadonlyMap<string, number> = new Map([
  ['home', 3],
  ['Users', 3],
  ['media', 2],
  ['mnt', 2],
  ['opt', 2],
  ['srv', 2],
  ['tmp', 2],
]);

// Top-level directories that belong to the system (FHS 3.0 and macOS).
export const SYSTEM_DIRECTORIES: ReadonlySet<string> = new Set(
  `Applications Library System Volumes bin boot dev etc lib lib32 lib64 libx32 private proc root run sbin sys usr
   var`.split(/\s+/),
);

export class RemotePath {
  readonly base: Base;
  /** Its components; none for `/`, `~` or `.` itself. */
  readonly components: readonly string[];

  private constructor(base: Base, components: readonly string[]) {
    this.base = base;
    this.components = components;
    Object.freeze(this);
  }

  /**
   * Parses `/a/b`, `~`, `~/a` or `a/b`; empty and `.` components are dropped.
   *
   * @throws FragmentFault `ssh.nul`, `ssh.lone-surrogate`, `ssh.path-control`, `ssh.path-parent`, `ssh.path-user`.
   */
  static parse(text: string, slot = 'the path'): RemotePath {
    requireText(text, slot);
    // A newline is legal in a name and harmless in single quotes; the other controls only forge terminal output.
    if (/(?!\n)\p{Cc}/u.test(text)) throw new FragmentFault('path-control', slot);
    const parts = text.split('/');
    if (parts.includes('..')) throw new FragmentFault('path-parent', slot);
    const [first = ''] = parts;
    if (first.startsWith('~') && first !== '~') throw new FragmentFault('path-user', slot);
    const base = first === '~' ? 'home' : text.startsWith('/') ? 'absolute' : 'relative';
    const names = base === 'home' ? parts.slice(1) : parts;
    return new RemotePath(
      base,
      names.filter((name) => name !== '' && name !== '.'),
    );
  }

  /**
   * Parses a path that names the same place whatever the working directory is.
   *
   * @throws FragmentFault as {@link RemotePath.parse}, and `ssh.path-relative`.
   */
  static parseAnchored(text: string, slot = 'the path'): RemotePath {
    const path = RemotePath.parse(text, slot);
    if (path.base === 'relative') throw new FragmentFault('path-relative', slot);
    return path;
  }

  /**
   * Returns the text of a path that starts at `/`, for slots where nobody expands `~`.
   *
   * @throws FragmentFault as {@link RemotePath.parse}, and `ssh.path-relative`.
   */
  static parseAbsolute(text: string, slot = 'the path'): string {
    const path = RemotePath.parse(text, slot);
    if (path.base !== 'absolute') throw new FragmentFault('path-relative', slot);
    return path.word.text;
  }

  /**
   * Parses a directory that hosts share and that may be mounted over or emptied: one of its own, deep enough not to
   * be somebody else's.
   *
   * @throws FragmentFault as {@link RemotePath.parseAnchored}, and `ssh.share-root`.
   */
  static parseShare(text: string, slot = 'the share'): RemotePath {
    const path = RemotePath.parseAnchored(text, slot);
    const [first = '', ...rest] = path.components;
    const depth = path.base === 'home' ? 1 : (DEPTH.get(first) ?? 1);
    const system = path.base === 'absolute' && SYSTEM_DIRECTORIES.has(first);
    if (system || path.components.length < depth || [first, ...rest].some((name) => name.startsWith('.'))) {
      throw new FragmentFault('share-root', slot);
    }
    return path;
  }

  /** Returns the path of something below this one. */
  join(...names: readonly string[]): RemotePath {
    return new RemotePath(this.base, [...this.components, ...names]);
  }

  /** The path as SFTP takes it, where a relative one starts at the home directory; never shell source. */
  get fromLogin(): string {
    const { text, underHome } = this.word;
    return underHome ? `./${text}` : text;
  }

  /** Whether this path lies strictly below `parent`, by its components. */
  isBelow(parent: RemotePath): boolean {
    return (
      this.base === parent.base &&
      this.components.length > parent.components.length &&
      parent.components.every((name, index) => name === this.components[index])
    );
  }

  /** Returns the word. Relative paths get `./`: a leading `-` is no option then, and CDPATH has no say. */
  get word(): Word {
    const rest = this.components.join('/');
    if (this.base === 'home') return { text: rest, underHome: true };
    return { text: `${this.base === 'absolute' ? '/' : './'}${rest}`, underHome: false };
  }
}

/**
 * Where a worker writes its process id: a file inside its own directory, so that a record never lies where another
 * account or another worker could have put it.
 */
export class PidPath {
  readonly path: RemotePath;

  private constructor(path: RemotePath) {
    this.path = path;
    Object.freeze(this);
  }

  /**
   * Parses a file name relative to `worker`, or a whole path below it.
   *
   * @throws FragmentFault as {@link RemotePath.parse}, and `ssh.pid-path-outside`.
   */
  static parse(text: string, worker: RemotePath, slot = 'the pid file'): PidPath {
    const parsed = RemotePath.parse(text, slot);
    const path = parsed.base === 'relative' ? worker.join(...parsed.components) : parsed;
    if (!path.isBelow(worker)) throw new FragmentFault('pid-path-outside', slot);
    return new PidPath(path);
  }

  get word(): Word {
    return this.path.word;
  }
}
