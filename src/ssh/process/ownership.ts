// Starting a process so that it can be stopped safely later: before it becomes the program, it writes down who it is.
// The ownership script is a wrapper like `nice`, so any recipe can be started owned; nothing is typed into it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { CodedError } from '../../evidence/coded-error.ts';
import type { Argument } from '../fragments/program.ts';
import { OWNERSHIP_SCRIPT } from './ownership-script.ts';

/** Runs the ownership script with these arguments, here or on a host, and returns what it printed. */
export type OwnershipShell = (args: readonly Argument[], signal?: AbortSignal) => Promise<string>;

const PROGRAM: readonly Argument[] = ['/bin/sh', '-c', OWNERSHIP_SCRIPT, 'guardrails'];

/** Returns the argument vector that runs the ownership script. */
export function ownershipArgv(args: readonly Argument[]): readonly Argument[] {
  return [...PROGRAM, ...args];
}

/** The ownership script on this machine. */
export const localShell: OwnershipShell = (args, signal) =>
  new Promise((resolve, reject) => {
    const words = args.map((word) =>
      typeof word === 'string' ? word : word.path.replace(/^~(?=\/)/, homedir()),
    );
    const [program = '', ...rest] = [...PROGRAM.map(String), ...words];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], signal });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject).on('close', () => resolve(output));
  });

/** How a process is to be owned. Paths are on the host, absolute or `~/rest`. */
export interface Ownership {
  /** Must not exist, or name a process of this boot that has ended; the directory must. */
  readonly record: string;
  /** 32 lowercase hex digits; {@link newToken} makes one. Whoever stops the process must show it. */
  readonly token: string;
  /** Receives the output of the process, appended. */
  readonly log: string;
  /**
   * Also write AGILAB's `agilab-dask-pid-owner-v1` record, for a target directory. Not into the `--pid-file` of Dask,
   * which Dask overwrites with a bare number.
   */
  readonly agilab?: { readonly record: string; readonly target: string };
}

/** Returns a token that names one start. */
export function newToken(): string {
  return randomBytes(16).toString('hex');
}

/** Returns the wrapper to put before a command (`prefix.wrapper`), so that it starts detached and owned. */
export function ownedBy({ record, token, log, agilab }: Ownership): readonly Argument[] {
  // Python reads the target, so it is spelt as Python spells it: ASCII only.
  const target = JSON.stringify(agilab?.target ?? '').replaceAll(
    /[\u{7f}-\u{ffff}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return ownershipArgv([
    'start',
    { path: record },
    token,
    { path: log },
    agilab ? { path: agilab.record } : '',
    target,
  ]);
}

const REFUSALS: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  busy: [
    'the record names a process that lives, or that this host cannot judge',
    'Stop that process first; delete the record only when no other host shares the directory.',
  ],
  locked: ['another start is under way, or was cut off', 'Wait; then remove RECORD.lock if it stays.'],
  record: ['the record could not be written', 'Give the record a directory that exists and is writable.'],
  log: [
    'the log could not be opened, is a link or no plain file, or lies behind a link of somebody else',
    'Give the log a directory that exists and is writable, and a name that is free or a plain file.',
  ],
  failed: [
    'the process ended before it could say who it is',
    'See whether /bin/sh and /proc work on the host.',
  ],
  'no-proc': ['the host has no /proc to prove ownership with', 'Run workers on Linux hosts.'],
  'no-setsid': ['the host has no setsid', 'Install util-linux or busybox on the host.'],
};

/** What a shell's exit codes say of a program that was never one (POSIX XCU 2.8.2). */
const EXITS: Readonly<Record<string, string>> = {
  126: 'The host has the program but cannot run it: see its mode, its interpreter and the mount that it is on.',
  127: 'The host does not have the program: see its name, PATH and, for a script, its interpreter.',
};

/**
 * Returns the pid from what an owned start printed: the program was executed under it and lived then. It lives on
 * whatever becomes of the link.
 *
 * @throws CodedError `ownership.ended` with the exit code of a program that ended at once or could not be executed,
 * `ownership.busy`, `ownership.locked`, `ownership.record`, `ownership.log`, `ownership.no-proc`,
 * `ownership.no-setsid`, `ownership.failed`, and `ownership.no-answer` when nobody knows.
 */
export function startedPid(output: string): number {
  const [, pid] = /^started [0-9a-f-]{36} pid:\[[0-9]+\] ([1-9][0-9]*) [0-9]+ [0-9]+\n$/.exec(output) ?? [];
  if (pid !== undefined) return Number(pid);
  const [, code] = /^ended ([0-9]{1,3})\n$/.exec(output) ?? [];
  if (code !== undefined) {
    const remedy = EXITS[code] ?? 'See its output in the log. What it left running, a stop still finds.';
    throw new CodedError('ownership.ended', `the program ended at once, with exit code ${code}`, remedy);
  }
  const [, why = ''] = /^refused ([a-z-]+)\n$/.exec(output) ?? [];
  const [message, remedy] = REFUSALS[why] ?? [];
  if (message !== undefined && remedy !== undefined)
    throw new CodedError(`ownership.${why}`, message, remedy);
  throw new CodedError(
    'ownership.no-answer',
    'the host did not say whether the process started',
    'Look at the log and at the record on the host.',
  );
}
