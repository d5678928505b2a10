// Who is writing: this host, this boot, this process, this code. Read once; a process does not change them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What tells one process from every other that ever ran here. */
export interface ProcessIdentity {
  readonly host: string;
  /** Kernel boot id; `unknown` where the kernel offers none. */
  readonly boot: string;
  /** PID namespace, `pid:[4026531836]`; a pid means nothing in another one. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Start time in clock ticks since boot (proc_pid_stat(5), field 22); 0 where unknown. */
  readonly startTick: number;
}

/** Returns the start tick of a live process, or `undefined` when it is gone, a zombie, or unknowable here. */
export function startTickOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in field 2 may itself hold spaces and parentheses, so fields are counted from the last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    if (state === 'Z' || state === 'X') return undefined;
    const tick = Number(fields[19]);
    return Number.isSafeInteger(tick) ? tick : undefined;
  } catch {
    return undefined;
  }
}

function orUnknown(read: () => string): string {
  try {
    return read().trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

let self: ProcessIdentity | undefined;

/** Returns this process's identity. */
export function processIdentity(): ProcessIdentity {
  self ??= {
    host: hostname(),
    boot: orUnknown(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace: orUnknown(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    startTick: startTickOf(process.pid) ?? 0,
  };
  return self;
}

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

function filesUnder(folder: string): string[] {
  try {
    return readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory()) // a link counts as what it leads to; one to a directory cannot be read
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return []; // an installed package without sources, or a clone that was never built
  }
}

/** What Node resolves a dependency to, by name and version. Its other files are trusted as installed. */
function manifestOf(dependency: string): string {
  for (let folder = packageRoot; ; folder = dirname(folder)) {
    try {
      return readFileSync(join(folder, 'node_modules', dependency, 'package.json'), 'utf8');
    } catch {
      if (folder === dirname(folder)) return 'not installed';
    }
  }
}

let code: { readonly version: string; readonly codeDigest: string } | undefined;

/**
 * Returns this package's version and the SHA-256 of its code: package.json, every file of `src` and `dist`, the manifest
 * of each dependency and the version of Node. Both folders count, so the digest is the same whether the sources or
 * the build are running, and any edit makes earlier evidence stale.
 */
export function codeIdentity(): { readonly version: string; readonly codeDigest: string } {
  if (code) return code;
  const manifest = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  const { version, dependencies } = JSON.parse(manifest) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const hash = createHash('sha256').update(`${manifest}\0${process.version}\0`);
  for (const dependency of Object.keys(dependencies).sort())
    hash.update(`${dependency}\0${manifestOf(dependency)}\0`);
  for (const file of [...filesUnder('src'), ...filesUnder('dist')].sort()) {
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    hash.update(`${file.slice(packageRoot.length)}\0${digest}\n`);
  }
  code = { version, codeDigest: hash.digest('hex') };
  return code;
}
