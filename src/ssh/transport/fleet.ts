// The same command on many hosts: one row per host, whatever becomes of the others.
import { setMaxListeners } from 'node:events';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { checkTimeout } from '../../kernel/deadline.ts';
import { enforce } from '../../kernel/enforce.ts';
import type { RemoteCommandRequest } from '../recipes/index.ts';
import { remoteCommand } from '../remote-command.ts';
import {
  type ConnectOptions,
  connectTo,
  DEFAULT_CONNECT_MS,
  exchangeWith,
  reachTarget,
  type Transport,
} from './connect.ts';
import { type Connection, DEFAULT_RUN_MS, type RunOptions, type Target } from './connection.ts';
import type { Credentials } from './credentials.ts';
import type { KeyExchange } from './key-exchange.ts';
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

/** How one host is reached and entered. */
export interface HostWay {
  readonly credentials: Credentials;
  readonly via?: Connection;
}

export interface FleetOptions extends ConnectOptions {
  readonly run?: RunOptions;
  /**
   * Hosts that have answered and are at work at the same time, 1 to 1,000. Default 32. Hosts that do not answer take no
   * place from the others; key exchanges are bounded further, to eight.
   */
  readonly concurrency?: number;
  /** Called after each host, for a progress bar. What it throws is dropped: no row is lost to it. */
  readonly onRow?: (row: HostRow, done: number, total: number) => void;
}

const DEFAULT_CONCURRENCY = 32;

function codedOf(error: unknown, signal: AbortSignal | undefined): CodedError {
  if (error instanceof CodedError) return error;
  if (signal?.aborted)
    return new CodedError('ssh.aborted', 'the caller gave up before the host was asked', 'Ask again.');
  const message = `an unexpected error (${errnoOf(error, error instanceof Error ? error.name : typeof error)})`;
  return new CodedError('ssh.unexpected', message, 'Report it: every failure should have a code.');
}

type Way = { readonly exchange: KeyExchange; readonly via?: Connection };

async function waysFor(
  credentials: Credentials | ((target: Target) => Promise<HostWay>),
  transport: Transport | undefined,
): Promise<(target: Target) => Promise<Way>> {
  if (typeof credentials === 'function')
    return async (target) => {
      const { credentials: own, ...way } = await credentials(target);
      return { ...way, exchange: (await exchangeWith(own, transport))(target.user) };
    };
  const exchangeOf = await exchangeWith(credentials, transport);
  return async ({ user }) => ({ exchange: exchangeOf(user) });
}

/**
 * Returns one row per target, in their order. The request is granted once: every host gets the same command. `credentials` may
 * be a function, for hosts that are not all entered in one way; what it throws refuses its host.
 *
 * @throws GuardRefusal with a `command.*` code, CodedError `usage.*` and as `exchangeWith`, before any host is contacted.
 */
export async function runOnHosts(
  targets: readonly Target[],
  credentials: Credentials | ((target: Target) => Promise<HostWay>),
  request: RemoteCommandRequest,
  { run = {}, onRow, concurrency = DEFAULT_CONCURRENCY, signal: outer, ...rest }: FleetOptions,
): Promise<readonly HostRow[]> {
  const { journal, timeoutMs = DEFAULT_CONNECT_MS } = rest;
  // One of our own, on which thousands may listen.
  const signal = outer && AbortSignal.any([outer]);
  if (signal) setMaxListeners(0, signal);
  const options = { ...rest, ...(signal ? { signal } : {}) };
  checkTimeout(timeoutMs);
  checkTimeout(run.timeoutMs ?? DEFAULT_RUN_MS);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000) {
    throw new CodedError('usage.concurrency', 'the concurrency is no number of hosts', 'Give 1 to 1,000.');
  }
  const { transport } = options;
  const wayTo = await waysFor(credentials, transport);
  const command = await enforce(remoteCommand, request, { journal, ...(signal ? { signal } : {}) });
  const places = new Semaphore(concurrency);
  let done = 0;
  const one = async (target: Target): Promise<HostRow> => {
    let release = (): void => {};
    try {
      const { exchange, ...way } = await wayTo(target);
      const own = { ...options, ...way };
      const reached = await reachTarget(target, own);
      if (reached.outcome === 'reached') release = await places.acquire();
      const connection = await connectTo(reached, target, exchange, own);
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
