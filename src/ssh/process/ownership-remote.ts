// Process ownership on a host, through a connection: any recipe can be started owned, and only what is owned is
// stopped. Each step is a granted command like every other, so each leaves its evidence.
import { CodedError } from '../../evidence/coded-error.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import { argv } from '../recipes/argv.ts';
import type { RemoteCommandRequest } from '../recipes/index.ts';
import { type RemoteCommand, remoteCommand } from '../remote-command.ts';
import type { Connection } from '../transport/connection.ts';
import { type Ownership, type OwnershipShell, ownedBy, ownershipArgv, startedPid } from './ownership.ts';

async function outputOf(
  connection: Connection,
  command: RemoteCommand,
  signal: AbortSignal | undefined,
): Promise<string> {
  const result = await connection.run(command, signal ? { signal } : {});
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
