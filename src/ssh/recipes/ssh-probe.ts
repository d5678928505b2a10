// Asks whether a host lets this user in with a key: ssh -o BatchMode=yes ... -- [USER@]HOST true
import { parseTarget } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { words } from '../invocation.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface SshProbeRequest extends RecipeRequest<'ssh-probe'> {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

/** Returns the request that asks whether a host lets this user in with a key. */
export const sshProbe: Recipe<SshProbeRequest> = defineRecipe({
  id: 'ssh-probe',
  fields: {
    host: someText,
    user: someText.optional(),
    port: port.optional(),
  },
  invocation: ({ host, user, port, prefix }) =>
    command(
      prefix,
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=5'],
      port === undefined ? [] : words('-p', String(port)),
      ['--', parseTarget(host, user).ssh, 'true'],
    ),
});
