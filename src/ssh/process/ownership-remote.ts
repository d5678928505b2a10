// Process ownership on a host, through a connection: any recipe can be started owned, and only what is owned is
// stopped. Each step is a granted command like every other, so each leaves its evidence.
import { CodedError } from '../../evidence/coded-error.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import { argv } from '../recipes/argv.ts';
import { listensOf, type RemoteCommandRequest } from '../recipes/index.ts';
import { ownedListeners } from '../recipes/owned-listeners.ts';
import { type RemoteCommand, remoteCommand } from '../remote-command.ts';
import { Connection } from '../transport/connection.ts';
import { type ConfirmedOwned, ownedSocketsOver } from './owned-sockets.ts';
import { type Ownership, type OwnershipShell, ownedBy, ownershipArgv, startedPid } from './ownership.ts';

async function outputOf(
  connection: Connection,
  command: RemoteCommand,
  signal: AbortSignal | undefined,
): Promise<string> {
  // By the class: an object that only looks like a connection answers for no host.
  const result = await Connection.prototype.run.call(connection, command, signal ? { signal } : {});
  if (result.outcome === 'exited') return result.stdout.toString('utf8');
  throw new CodedError(
    `ssh.${result.cause}`,
    'the host did not say what became of the process',
    'Connect again and look at the record: the process may run.',
  );
}

/** Returns the ownership script on the host of a connection, for `processStopOver` and `stopProcess`. */
export function shellOver(connection: Connection, options: EnforceOptions): OwnershipShell {
  return async (args, signal) => {
    const asked = { ...options, ...(signal ? { signal } : {}) };
    const command = await enforce(remoteCommand, argv(ownershipArgv(args)), asked);
    return outputOf(connection, command, asked.signal);
  };
}

/**
 * Starts a command detached and owned, and returns its pid on the host. It outlives the connection.
 *
 * @throws GuardRefusal with a `command.*` code; CodedError `ownership.*` (see `startedPid`), `ssh.*`.
 */
export async function startOwned(
  connection: Connection,
  request: RemoteCommandRequest,
  ownership: Ownership,
  options: EnforceOptions,
): Promise<number> {
  const wrapper = [...ownedBy(ownership), ...(request.prefix?.wrapper ?? [])];
  const owned = { ...request, prefix: { ...request.prefix, wrapper } };
  const command = await enforce(remoteCommand, owned, options);
  return startedPid(await outputOf(connection, command, options.signal));
}

/** What was started, as it was started. */
export interface OwnedStart extends Pick<Ownership, 'record' | 'token'> {
  /** Of a recipe that names every socket of its program. */
  readonly request: RemoteCommandRequest;
  /** How long its sockets are awaited: whole seconds, default 60. */
  readonly waitSeconds?: number;
}

/**
 * Returns where a program that was started owned listens on its host, once that is where its recipe says, all of it and
 * nothing else.
 *
 * @throws GuardRefusal with a `owned-sockets.*` code; CodedError `ownership.no-sockets` for a recipe that says nothing
 * of sockets, `ssh.*`. @throws TypeError for what is no connection.
 */
export async function confirmOwned(
  connection: Connection,
  { record, token, request, waitSeconds = 60 }: OwnedStart,
  options: EnforceOptions,
): Promise<ConfirmedOwned> {
  const granted = listensOf(request);
  if (granted.length === 0) {
    const remedy = 'Start the program by a recipe that gives each socket its address, such as dask-worker.';
    throw new CodedError('ownership.no-sockets', 'the recipe does not say where its program listens', remedy);
  }
  const guard = ownedSocketsOver(async (asked, signal) => {
    const command = await enforce(
      remoteCommand,
      ownedListeners({ record: asked.record, token: asked.token }),
      { ...options, signal },
    );
    return outputOf(connection, command, signal);
  }, 'remote');
  const timeoutMs = options.timeoutMs ?? 30_000 + waitSeconds * 1_000;
  return await enforce(guard, { record, token, granted, waitSeconds }, { ...options, timeoutMs });
}
