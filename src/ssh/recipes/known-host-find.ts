// Looks a host up in a known_hosts file with the local ssh-keygen: ssh-keygen -F NAME -f FILE
import * as z from 'zod';
import { parseKnownName } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, port, type Recipe } from './recipe.ts';

export interface KnownHostFindRequest extends CommonRequest {
  readonly recipe: 'known-host-find';
  readonly host: string;
  readonly port?: number | undefined;
  readonly file: string;
}

export const knownHostFindRecipe: Recipe<KnownHostFindRequest> = {
  id: 'known-host-find',
  request: z.strictObject({
    recipe: z.literal('known-host-find'),
    host: someText,
    port: port.optional(),
    file: someText,
    ...common,
  }),
  invocation: ({ host, port = 22, file, prefix }) =>
    command(
      prefix,
      ['ssh-keygen', '-F', parseKnownName(host, port)],
      ['-f', RemotePath.parseAnchored(file, 'the known_hosts file').word],
    ),
};

/** Returns the request that looks a host up in a known_hosts file. */
export function knownHostFind(input: Input<KnownHostFindRequest>): KnownHostFindRequest {
  return { recipe: 'known-host-find', ...input };
}
