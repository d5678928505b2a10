// Runs a program on a host with the local ssh: ssh -o BatchMode=yes ... -- [USER@]HOST COMMAND. ssh joins what it is
// given and hands it to the login shell, so the program's words go as one neutral word.
import { parseTarget } from '../fragments/endpoint.ts';
import { type Argument, argumentVector, parseArgv, someText } from '../fragments/program.ts';
import { renderInvocation, words } from '../invocation.ts';
import { neutral } from '../neutral.ts';
import { quote } from '../quote.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface RunOverSshRequest extends RecipeRequest<'run-over-ssh'> {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** What runs on the host. Here `{ path: '~/x' }` is the home directory there. */
  readonly argv: readonly Argument[];
}

/** Returns the request that runs a program on a host with the local ssh. */
export const runOverSsh: Recipe<RunOverSshRequest> = defineRecipe({
  id: 'run-over-ssh',
  fields: {
    host: someText,
    user: someText.optional(),
    port: port.optional(),
    argv: argumentVector,
  },
  invocation: ({ host, user, port, argv, prefix }) =>
    command(
      prefix,
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
      port === undefined ? [] : words('-p', String(port)),
      ['--', parseTarget(host, user).ssh],
      neutral(renderInvocation(command(undefined, parseArgv(argv, 'argv')), quote)),
    ),
});
