// Asks a host for its keys with the local ssh-keyscan: ssh-keyscan -H -T 5 -p PORT -t TYPES -- HOST. What comes back is
// what answered, not who it was; comparing it is the caller's part.
import * as z from 'zod';
import { parseSshHost } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

type KeyType = 'ed25519' | 'ecdsa' | 'rsa';

export interface HostKeyScanRequest extends RecipeRequest<'host-key-scan'> {
  readonly host: string;
  readonly port?: number | undefined;
  readonly types?: readonly KeyType[] | undefined;
}

/** Returns the request that asks a host for its keys. */
export const hostKeyScan: Recipe<HostKeyScanRequest> = defineRecipe({
  id: 'host-key-scan',
  fields: {
    host: someText,
    port: port.optional(),
    types: z
      .array(z.enum(['ed25519', 'ecdsa', 'rsa']))
      .min(1)
      .max(3)
      .optional(),
  },
  invocation: ({ host, port = 22, types = ['ed25519', 'ecdsa', 'rsa'], prefix }) =>
    command(
      prefix,
      ['ssh-keyscan', '-H', '-T', '5', '-p', String(port), '-t', types.join(',')],
      ['--', parseSshHost(host)],
    ),
});
