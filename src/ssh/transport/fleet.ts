// The same command on many hosts: one row per host, whatever becomes of the others.
import { CodedError } from '../../evidence/coded-error.ts';
import { enforce } from '../../kernel/enforce.ts';
import type { RemoteCommandRequest } from '../recipes/index.ts';
import { remoteCommand } from '../remote-command.ts';
import { type ConnectOptions, type Credentials, connect } from './connect.ts';
import type { RunOptions, Target } from './connection.ts';
import type { RunResult } from './run-result.ts';
import { Semaphore } from './semaphore.ts';

/** What became of one host. `refused`: nothing ran there. */
export type HostRow =
  | { readonly target: Target; readonly outcome: 'ran'; readonly result: RunResult }
  | {
      readonly target: Target;
      readonly outcome: 'refused';
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
    };

export interface FleetOptions extends ConnectOptions {
  readonly run?: RunOptions;
  /** Called after each host, for a progress bar. */
  readonly onRow?: (row: HostRow, done: number, total: number) => void;
}

const GAVE_UP = new CodedError('ssh.gave-up', 'the caller gave up before the host was asked', 'Ask again.');

/** Hosts at work at the same time. The key exchanges among them are bounded further, by `connect`. */
const HOSTS = 32;

/**
 * Returns one row per target, in their order. The request is granted once: every host gets the same command.
 *
 * @throws GuardRefusal with a `command.*` code before any host is contacted.
 */
export async function runOnHosts(
  targets: readonly Target[],
  credentials: Credentials,
  request: RemoteCommandRequest,
  { run = {}, onRow, ...options }: FleetOptions,
): Promise<readonly HostRow[]> {
  const { journal, signal } = options;
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
      const fault = error instanceof CodedError ? error : GAVE_UP;
      const { code, message, remedy } = fault;
      return { target, outcome: 'refused', code, message, remedy };
    } finally {
      release();
    }
  };
  return await Promise.all(
    targets.map(async (target) => {
      const row = await one(target);
      onRow?.(row, ++done, targets.length);
      return row;
    }),
  );
}
