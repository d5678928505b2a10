// Looks a host up in a known_hosts file with the local ssh-keygen: ssh-keygen -F NAME -f FILE
import { parseKnownName } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface KnownHostFindRequest extends RecipeRequest<'known-host-find'> {
  readonly host: string;
  readonly port?: number | undefined;
  readonly file: string;
}

/** Returns the request that looks a host up in a known_hosts file. */
export const knownHostFind: Recipe<KnownHostFindRequest> = defineRecipe({
  id: 'known-host-find',
  fields: {
    host: someText,
    port: port.optional(),
    file: someText,
  },
  invocation: ({ host, port = 22, file, prefix }) =>
    command(
      prefix,
      ['ssh-keygen', '-F', parseKnownName(host, port)],
      ['-f', RemotePath.parseAnchored(file, 'the known_hosts file').word],
    ),
});
