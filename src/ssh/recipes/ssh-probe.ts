// Asks whether a host lets this user in with a key: ssh -o BatchMode=yes ... -- [USER@]HOST true
import * as z from 'zod';
import { parseTarget } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { words } from '../invocation.ts';
import { type CommonRequest, command, common, type Input, port, type Recipe } from './recipe.ts';

export interface SshProbeRequest extends CommonRequest {
  readonly recipe: 'ssh-probe';
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

export const sshProbeRecipe: Recipe<SshProbeRequest> = {
  id: 'ssh-probe',
  request: z.strictObject({
    recipe: z.literal('ssh-probe'),
    host: someText,
    user: someText.optional(),
    port: port.optional(),
    ...common,
  }),
  invocation: ({ host, user, port, prefix }) =>
    command(
      prefix,
      ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=5'],
      port === undefined ? [] : words('-p', String(port)),
      ['--', parseTarget(host, user).ssh, 'true'],
    ),
};

/** Returns the request that asks whether a host lets this user in with a key. */
export function sshProbe(input: Input<SshProbeRequest>): SshProbeRequest {
  return { recipe: 'ssh-probe', ...input };
}
