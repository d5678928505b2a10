// What the SSH tests share: real components or a loud reason, and ssh's own opinion.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { requiresReal } from '../left-out.ts';
import { locate } from '../locate.ts';

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never throws. */
export function runProgram(program: string, args: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(program, args, { encoding: 'latin1' }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Where a real component is missing: CI fails, a stranger's machine leaves the test out and says why. */
export function missing(...programs: readonly string[]): string | false {
  const absent = programs.filter((name) => locate(name) === undefined);
  if (absent.length === 0) return false;
  if (requiresReal) throw new Error(`install ${absent.join(', ')}`);
  return `left out: no ${absent.join(', ')} here`;
}

/** An ordinary user's sshd serves that user alone, who must be able to log in: a service account is not. */
export function withoutLogin(): string | false {
  if (process.getuid?.() === 0) return false;
  try {
    const { homedir, shell } = userInfo();
    if (existsSync(homedir) && shell && !/(?:nologin|false)$/.test(shell)) return false;
  } catch {
    // no such user in passwd(5)
  }
  const reason = 'left out: this account cannot log in';
  if (requiresReal) throw new Error(reason);
  return reason;
}
