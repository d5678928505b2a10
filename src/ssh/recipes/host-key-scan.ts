// Asks a host for its keys with the local ssh-keyscan: ssh-keyscan -H -T 5 -p PORT -t TYPES -- HOST. What comes back is
// what answered, not who it was; comparing it is the caller's part.
import * as z from 'zod';
import { parseSshHost } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { type CommonRequest, command, common, type Input, port, type Recipe } from './recipe.ts';

type KeyType = 'ed25519' | 'ecdsa' | 'rsa';

export interface HostKeyScanRequest extends CommonRequest {
  readonly recipe: 'host-key-scan';
  readonly host: string;
  readonly port?: number | undefined;
  readonly types?: readonly KeyType[] | undefined;
}

export const hostKeyScanRecipe: Recipe<HostKeyScanRequest> = {
  id: 'host-key-scan',
  request: z.strictObject({
    recipe: z.literal('host-key-scan'),
    host: someText,
    port: port.optional(),
    types: z
      .array(z.enum(['ed25519', 'ecdsa', 'rsa']))
      .min(1)
      .max(3)
      .optional(),
    ...common,
  }),
  invocation: ({ host, port = 22, types = ['ed25519', 'ecdsa', 'rsa'], prefix }) =>
    command(
      prefix,
      ['ssh-keyscan', '-H', '-T', '5', '-p', String(port), '-t', types.join(',')],
      ['--', parseSshHost(host)],
    ),
};

/** Returns the request that asks a host for its keys. */
export function hostKeyScan(input: Input<HostKeyScanRequest>): HostKeyScanRequest {
  return { recipe: 'host-key-scan', ...input };
}
