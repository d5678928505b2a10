// Real shells for tests, run where no command exists but a canary. What runs the canary was an injection.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Shell {
  readonly name: string;
  /** Program and leading arguments; `-c SCRIPT` follows. */
  readonly argv: readonly [string, ...string[]];
}

const shell = (name: string, ...rest: string[]): Shell => ({ name, argv: [name, ...rest] });

const POSIX: readonly Shell[] = [
  shell('dash'),
  shell('bash'),
  shell('zsh', '-f'),
  shell('ksh93'),
  shell('mksh'),
  shell('yash'),
  shell('busybox', 'sh'),
  shell('posh'),
];

const OTHER: readonly Shell[] = [
  shell('fish'),
  shell('tcsh', '-f'),
  shell('bsd-csh', '-f'),
  shell('rc'),
  shell('elvish'),
];

function isHere(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v -- "$1"', 'sh', program]).status === 0;
}

/** Returns the shells of a list that are here. In CI a missing one is an error; elsewhere it is named and left out. */
function present(shells: readonly Shell[]): readonly Shell[] {
  const absent = shells.filter(({ argv }) => !isHere(argv[0])).map(({ name }) => name);
  if (absent.length > 0) {
    if (process.env['GUARDRAILS_REQUIRE_REAL'] === '1') throw new Error(`install ${absent.join(', ')}`);
    process.stderr.write(`left out, not installed here: ${absent.join(', ')}\n`);
  }
  return shells.filter(({ name }) => !absent.includes(name));
}

/** Shells of the POSIX family. */
export const posixShells: readonly Shell[] = present(POSIX);

/** Login shells with rules of their own. */
export const otherShells: readonly Shell[] = present(OTHER);

export interface ShellRun {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number | null;
}

/** A directory to work in, with `bin/CANARY` as the only command on PATH. */
export class ShellSite {
  readonly root: string = mkdtempSync(join(tmpdir(), 'guardrails-shells-'));
  readonly bin: string = this.directory('bin');
  readonly #canary = join(this.root, 'canary-ran');

  constructor() {
    this.program('CANARY', `: >>'${this.#canary}'`);
  }

  directory(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Puts a `/bin/sh` script on the PATH. */
  program(name: string, body: string): string {
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** Whether the canary ran since the last time that this was asked. */
  canaryRan(): boolean {
    const ran = existsSync(this.#canary);
    rmSync(this.#canary, { force: true });
    return ran;
  }

  /** Runs `shell -c script` with an empty standard input, as a login shell is run by sshd. */
  run(
    shell: Shell,
    script: string,
    options: {
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly stdin?: string;
    } = {},
  ): Promise<ShellRun> {
    const [program, ...args] = shell.argv;
    return this.spawn(program, [...args, '-c', script], options);
  }

  spawn(
    program: string,
    args: readonly string[],
    { cwd = this.root, env = {}, stdin = '' }: Parameters<ShellSite['run']>[2] = {},
  ): Promise<ShellRun> {
    // Found by our PATH, not by the one that the shell gets.
    const path = spawnSync('sh', ['-c', 'command -v -- "$1"', 'sh', program]).stdout.toString().trim();
    return new Promise((resolve, reject) => {
      const child = spawn(path, args, {
        cwd,
        env: { PATH: this.bin, HOME: this.root, LC_ALL: 'C.UTF-8', ...env },
        argv0: program,
      });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on('data', (data: Buffer) => stdout.push(data));
      child.stderr.on('data', (data: Buffer) => stderr.push(data));
      child.on('error', reject);
      child.on('close', (code) => {
        resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), code });
      });
      child.stdin.on('error', () => {}); // a shell that ends without reading it
      child.stdin.end(stdin);
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Splits NUL-terminated output into words. */
export function splitNul(bytes: Buffer): string[] {
  const words = bytes.toString().split('\0');
  words.pop();
  return words;
}

/** Cuts a list so that the texts of each part take at most `limit` bytes. */
export function chunks<T>(items: readonly T[], sizeOf: (item: T) => number, limit = 100_000): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const part = parts.at(-1);
    if (part && size <= room) {
      part.push(item);
      room -= size;
    } else {
      parts.push([item]);
      room = limit - size;
    }
  }
  return parts;
}
