// Runs a program on a host with the local ssh: ssh -o BatchMode=yes ... -- [USER@]HOST COMMAND. ssh joins what it is
// given and hands it to the login shell, so the program's words go as one neutral word.
import * as z from 'zod';
import { parseTarget } from '../fragments/endpoint.ts';
import { type Argument, argumentVector, parseArgv, someText } from '../fragments/program.ts';
import { renderInvocation, words } from '../invocation.ts';
import { neutral } from '../neutral.ts';
import { quote } from '../quote.ts';
import { type CommonRequest, command, common, type Input, port, type Recipe } from './recipe.ts';

export interface RunOverSshRequest extends CommonRequest {
  readonly recipe: 'run-over-ssh';
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** What runs on the host. Here `{ path: '~/x' }` is the home directory there. */
  readonly argv: readonly Argument[];
}

export const runOverSshRecipe: Recipe<RunOverSshRequest> = {
  id: 'run-over-ssh',
  request: z.strictObject({
    recipe: z.literal('run-over-ssh'),
    host: someText,
    user: someText.optional(),
    port: port.optional(),
    argv: argumentVector,
    ...common,
  }),
  invocation: ({ host, user, port, argv, prefix }) =>
    command(
      prefix,
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
      port === undefined ? [] : words('-p', String(port)),
      ['--', parseTarget(host, user).ssh],
      neutral(renderInvocation(command(undefined, parseArgv(argv, 'argv')), quote)),
    ),
};

/** Returns the request that runs a program on a host with the local ssh. */
export function runOverSsh(input: Input<RunOverSshRequest>): RunOverSshRequest {
  return { recipe: 'run-over-ssh', ...input };
}
