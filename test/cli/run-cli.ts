// Runs the `guardrails` command as it was built, as a process of its own, with a state directory of its own.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command, for `spawn` of Node. */
export const MAIN: string = resolve(import.meta.dirname, '../../dist/node/main.js');

/** What verifiers remember stays below the directory that goes away with the test. */
const environment = (cwd: string): NodeJS.ProcessEnv => ({
  ...process.env,
  XDG_STATE_HOME: join(cwd, '.state'),
});

/** Runs `guardrails ...args` in `cwd`. */
export function guardrails(args: readonly string[], cwd: string, input = ''): CliResult {
  const env = environment(cwd);
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd,
    input,
    encoding: 'utf8',
    env,
  });
  return { code: status, stdout, stderr };
}

/** Runs the command without waiting for the one before. */
export function guardrailsAsync(args: readonly string[], cwd: string): Promise<CliResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd, encoding: 'utf8', env: environment(cwd) },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** The command as a line for /bin/sh. The paths are ours and hold no quote. */
export function cliCommand(args: readonly string[]): string {
  return [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
}

/** Makes a directory; returns it and how to remove it. */
export function scratch(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
