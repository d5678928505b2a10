// From a recipe and its input to the line that a login shell is given, past the guard like every command.
import type { EvidenceSink } from '../evidence/record.ts';
import { enforce } from '../kernel/enforce.ts';
import { neutral } from './neutral.ts';
import type { RemoteCommandRequest } from './recipes/index.ts';
import { type RemoteCommand, remoteCommand } from './remote-command.ts';

/** `posix`: any shell of the POSIX family reads it. `any`: every login shell that can `exec /bin/sh` does. */
export type ShellFamily = 'posix' | 'any';

/**
 * Returns the line for a granted command.
 *
 * @throws CodedError `ssh.too-long` when the neutral form does not fit a command line.
 */
export function lineOf(command: RemoteCommand, shell: ShellFamily): string {
  return shell === 'posix' ? command.script : neutral(command.script);
}

/**
 * Returns the line that carries out a recipe, after the guard has allowed it and its record is durable. `input` is the
 * request without its `recipe`.
 *
 * @throws GuardRefusal as `enforce`. @throws CodedError `ssh.too-long`.
 */
export async function render(
  recipe: string,
  input: object,
  { journal, shell = 'posix' }: { readonly journal: EvidenceSink; readonly shell?: ShellFamily },
): Promise<string> {
  // Unjudged until here: the guard's schema is what decides whether this is a request.
  const request = { ...input, recipe } as RemoteCommandRequest;
  return lineOf(await enforce(remoteCommand, request, { journal }), shell);
}
