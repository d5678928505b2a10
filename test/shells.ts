// Real shells for tests, run where no command exists but a canary. What runs the canary was an injection.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requiresReal } from './left-out.ts';
import { locate } from './locate.ts';

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

/** Whether a shell can be run here. In CI a missing one is an error; elsewhere shells.test.ts names it. */
function isHere({ name, argv }: Shell): boolean {
  const found = locate(argv[0]) !== undefined;
  if (!found && requiresReal) throw new Error(`install ${name}`);
  return found;
}

/** Shells of the POSIX family. */
export const posixShells: readonly Shell[] = POSIX.filter(isHere);

/** Login shells with rules of their own. */
export const otherShells: readonly Shell[] = OTHER.filter(isHere);

/** Names of the shells that are not here. */
export const absentShells: readonly string[] = [...POSIX, ...OTHER]
  .filter((shell) => !posixShells.includes(shell) && !otherShells.includes(shell))
  .map(({ name }) => name);

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
    const path = locate(program) ?? program;
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
