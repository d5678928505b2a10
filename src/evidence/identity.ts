// Who is writing. Which process: this machine, this boot, this pid. And which code: its name and version, and a digest
// that any edit changes, so that earlier evidence goes stale. Both are looked at once; a process does not change them.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD, type BuildInfo } from './build-info.ts';
import { buildInfoIn, digestOfCode } from './code-digest.ts';
import { errnoOf } from './coded-error.ts';

/** What tells one process from every other that ever ran here. */
export interface ProcessIdentity {
  /** The host's name: a label, since a host may be renamed and two may have one name. */
  readonly host: string;
  /** 32 hex digits that name this installation of an operating system, or `unknown`. Machines made from one image may share them. */
  readonly machine: string;
  /** Kernel boot id; `unknown` where the kernel offers none. */
  readonly boot: string;
  /** PID namespace, `pid:[4026531836]`; a pid means nothing in another one. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Start time in clock ticks since boot (proc_pid_stat(5), field 22); 0 where unknown. */
  readonly startTick: number;
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH'; // EPERM: it lives, under another user
  }
}

/** Returns the start tick of a live process, `over` for one that is gone or a zombie, `unknown` where /proc hides it. */
export function lifeOf(pid: number): number | 'over' | 'unknown' {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in field 2 may itself hold spaces and parentheses, so fields are counted from the last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    if (state === 'Z' || state === 'X') return 'over';
    const tick = Number(fields[19]);
    return Number.isSafeInteger(tick) ? tick : 'unknown';
  } catch {
    return isGone(pid) ? 'over' : 'unknown';
  }
}

/** Returns the start tick of a live process, or `undefined` when it is gone, a zombie, or unknowable here. */
export function startTickOf(pid: number): number | undefined {
  const life = lifeOf(pid);
  return typeof life === 'number' ? life : undefined;
}

function orUnknown(read: () => string): string {
  try {
    return read().trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

/** machine-id(5) asks that the id itself is not shown, only a keyed hash of it for each application. */
function machineId(): string {
  const id = orUnknown(() => readFileSync('/etc/machine-id', 'latin1'));
  if (!/^[0-9a-f]{32}$/.test(id)) return 'unknown'; // `uninitialized` in an image before its first boot
  return createHmac('sha256', id).update('agilab-guardrails').digest('hex').slice(0, 32);
}

let self: ProcessIdentity | undefined;

/** Returns this process's identity. */
export function processIdentity(): ProcessIdentity {
  if (self) return self;
  self = Object.freeze({
    host: hostname(),
    machine: machineId(),
    boot: orUnknown(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace: orUnknown(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    startTick: startTickOf(process.pid) ?? 0,
  });
  return self;
}

/** Named here, not read from a package.json: in a bundle the next one up is that of somebody else. */
const NAME = 'agilab-guardrails';

/** The code of this process, as far as it can be known. */
export interface RunningCode {
  readonly name: string;
  /** `unknown` where neither the build nor a package.json of ours says. */
  readonly version: string;
  /**
   * SHA-256, hex: sources, build, manifest, the manifests of the dependencies, Node's version. The same whether the
   * sources or the build are running. Where `checked` is `no` it says only what the build knew.
   */
  readonly codeDigest: string;
  /** Which of our folders were looked at; `no` for code that was bundled or vendored. */
  readonly checked: 'both' | 'dist' | 'src' | 'no';
  /** Whether what was looked at is what was built; `unknown` where there is no build or nothing was looked at. A build that does not say what it is agrees with nothing. */
  readonly agrees: boolean | 'unknown';
}

/** Where this module lies in our package: built, merged with others, or as it was written. */
const PLACES = /^file:.*\/(?:dist\/(?:evidence\/identity|node\/[\w-]+)\.js|src\/evidence\/identity\.ts)$/;

/** Returns the folder of our package, when this module lies in its place there. */
export function packageRoot(): string | undefined {
  // `import.meta` is empty in a CommonJS bundle, whatever the types say.
  const url = import.meta.url as string | undefined;
  if (url === undefined || !PLACES.test(url)) return undefined;
  const root = fileURLToPath(new URL('../../', url));
  return manifestIn(root)?.name === NAME ? root : undefined;
}

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** What Node resolves a dependency to, by name and version. Its other files are trusted as installed. */
function dependencyManifest(root: string, dependency: string): string {
  for (let folder = root; ; folder = dirname(folder)) {
    try {
      return readFileSync(join(folder, 'node_modules', dependency, 'package.json'), 'utf8');
    } catch {
      if (folder === dirname(folder)) return 'not installed';
    }
  }
}

/** What dist says of itself. Read as text: while the sources run, nothing of dist may. */
function buildIn(root: string): Partial<BuildInfo> | undefined {
  try {
    return buildInfoIn(readFileSync(join(root, 'dist/evidence/build-info.js'), 'utf8'));
  } catch {
    return undefined;
  }
}

function look(): RunningCode {
  const hash = createHash('sha256');
  const root = packageRoot();
  if (root === undefined) {
    hash.update(JSON.stringify(['not looked at', BUILD ?? NAME, process.version]));
    const version = (BUILD as BuildInfo | undefined)?.version ?? 'unknown';
    return { name: NAME, version, codeDigest: hash.digest('hex'), checked: 'no', agrees: 'unknown' };
  }
  const { version, dependencies = {} } = manifestIn(root) ?? {};
  const src = digestOfCode(join(root, 'src'));
  const dist = digestOfCode(join(root, 'dist'));
  const manifests = Object.keys(dependencies)
    .sort()
    .map((dependency) => [dependency, dependencyManifest(root, dependency)]);
  const parts = [NAME, version, src, dist, manifests, process.version];
  const build = buildIn(root);
  const differs = (seen: string | undefined, built: string | undefined): boolean =>
    seen !== undefined && seen !== built;
  return {
    name: NAME,
    version: typeof version === 'string' ? version : 'unknown',
    codeDigest: hash.update(JSON.stringify(parts)).digest('hex'),
    checked: src && dist ? 'both' : dist ? 'dist' : 'src',
    agrees: dist === undefined ? 'unknown' : !differs(src, build?.src) && !differs(dist, build?.dist),
  };
}

let code: RunningCode | undefined;

/** Returns what is known of the running code. Looks once, at the first call: it reads a few hundred files. */
export function runningCode(): RunningCode {
  code ??= Object.freeze(look());
  return code;
}

/** Returns what each record says of the code: see {@link RunningCode}. */
export function codeIdentity(): Pick<RunningCode, 'version' | 'codeDigest'> {
  const { version, codeDigest } = runningCode();
  return { version, codeDigest };
}
