// Runs the `guardrails` command from the sources, as a process of its own, with a state directory of its own.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = resolve(import.meta.dirname, '../..');

/** What verifiers remember stays below the directory that goes away with the test. */
const environment = (cwd: string, root: string): NodeJS.ProcessEnv => ({
  ...process.env,
  XDG_STATE_HOME: join(cwd, '.state'),
  TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'),
});

/** Runs `guardrails ...args` in `cwd` with the sources of `root`. */
export function guardrails(args: readonly string[], cwd: string, input = '', root: string = ROOT): CliResult {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), join(root, 'src/cli/main.ts'), ...args],
    { cwd, input, encoding: 'utf8', env: environment(cwd, root) },
  );
  return { code: status, stdout, stderr };
}

/** Runs the command without waiting for the one before. */
export function guardrailsAsync(args: readonly string[], cwd: string): Promise<CliResult> {
  return new Promise((resolve) => {
    const argv = ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts'), ...args];
    const child = execFile(
      process.execPath,
      argv,
      { cwd, encoding: 'utf8', env: environment(cwd, ROOT) },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** The command as a line for /bin/sh. The paths are ours and hold no quote. */
export function cliCommand(args: readonly string[]): string {
  return [process.execPath, '--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts'), ...args]
    .map((word) => `'${word}'`)
    .join(' ');
}

/** Makes a directory; returns it and how to remove it. */
export function scratch(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
