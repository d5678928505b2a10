// Checks that a share which somebody else mounted is there and writable, and prints its path. Exit 72 says it is not.
import * as z from 'zod';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface ShareCheckRequest extends CommonRequest {
  readonly recipe: 'share-check';
  /** Absolute or `~/rest`. */
  readonly share: string;
}

const CHECK = `if [ ! -d "$1" ] || [ ! -w "$1" ]; then
  echo 'the cluster share is not visible or not writable on this host' >&2
  exit 72
fi
printf '%s\\n' "$1"`;

export const shareCheckRecipe: Recipe<ShareCheckRequest> = {
  id: 'share-check',
  request: z.strictObject({ recipe: z.literal('share-check'), share: someText, ...common }),
  invocation: ({ share, prefix }) =>
    command(prefix, constantScript(CHECK, RemotePath.parseShare(share).word)),
};

/** Returns the request that checks a mounted share. */
export function shareCheck(input: Input<ShareCheckRequest>): ShareCheckRequest {
  return { recipe: 'share-check', ...input };
}
