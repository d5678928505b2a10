// The same command on many hosts: one row per host, whatever becomes of the others.
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { checkTimeout } from '../../kernel/deadline.ts';
import { enforce } from '../../kernel/enforce.ts';
import type { RemoteCommandRequest } from '../recipes/index.ts';
import { remoteCommand } from '../remote-command.ts';
import { type ConnectOptions, type Credentials, connect, DEFAULT_CONNECT_MS } from './connect.ts';
import { DEFAULT_RUN_MS, type RunOptions, type Target } from './connection.ts';
import type { RunResult } from './run-result.ts';
import { Semaphore } from './semaphore.ts';

/**
 * What became of one host. `ran`: the command was sent, and `result` says how it ended, if anybody knows. `refused`:
 * nothing of it was sent. `unknown`: it was sent, and no record of its end could be kept.
 */
export type HostRow =
  | { readonly target: Target; readonly outcome: 'ran'; readonly result: RunResult }
  | {
      readonly target: Target;
      readonly outcome: 'refused' | 'unknown';
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
    };

export interface FleetOptions extends ConnectOptions {
  readonly run?: RunOptions;
  /** Called after each host, for a progress bar. What it throws is dropped: no row is lost to it. */
  readonly onRow?: (row: HostRow, done: number, total: number) => void;
}

/** Hosts at work at the same time. The key exchanges among them are bounded further, by `connect`. */
const HOSTS = 32;

function codedOf(error: unknown, signal: AbortSignal | undefined): CodedError {
  if (error instanceof CodedError) return error;
  if (signal?.aborted)
    return new CodedError('ssh.aborted', 'the caller gave up before the host was asked', 'Ask again.');
  const message = `an unexpected error (${errnoOf(error, error instanceof Error ? error.name : typeof error)})`;
  return new CodedError('ssh.unexpected', message, 'Report it: every failure should have a code.');
}

/**
 * Returns one row per target, in their order. The request is granted once: every host gets the same command.
 *
 * @throws GuardRefusal with a `command.*` code, CodedError `usage.timeout`, before any host is contacted.
 */
export async function runOnHosts(
  targets: readonly Target[],
  credentials: Credentials,
  request: RemoteCommandRequest,
  { run = {}, onRow, ...options }: FleetOptions,
): Promise<readonly HostRow[]> {
  const { journal, signal, timeoutMs = DEFAULT_CONNECT_MS } = options;
  checkTimeout(timeoutMs);
  checkTimeout(run.timeoutMs ?? DEFAULT_RUN_MS);
  const command = await enforce(remoteCommand, request, { journal, ...(signal ? { signal } : {}) });
  const hosts = new Semaphore(HOSTS);
  let done = 0;
  const one = async (target: Target): Promise<HostRow> => {
    const release = await hosts.acquire();
    try {
      const connection = await connect(target, credentials, options);
      try {
        const result = await connection.run(command, { ...run, ...(signal ? { signal } : {}) });
        return { target, outcome: 'ran', result };
      } finally {
        connection.close();
      }
    } catch (error) {
      const { code, message, remedy } = codedOf(error, signal);
      // The one error of a run that comes after the command was sent.
      const outcome = code === 'ssh.unrecorded' ? 'unknown' : 'refused';
      return { target, outcome, code, message, remedy };
    } finally {
      release();
    }
  };
  return await Promise.all(
    targets.map(async (target) => {
      const row = await one(target);
      try {
        onRow?.(row, ++done, targets.length);
      } catch {}
      return row;
    }),
  );
}
