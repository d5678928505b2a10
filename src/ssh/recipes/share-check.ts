// Checks that a share which somebody else mounted is there and writable, and prints its path. Exit 72 says it is not.
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface ShareCheckRequest extends RecipeRequest<'share-check'> {
  /** Absolute or `~/rest`. */
  readonly share: string;
}

const CHECK = `if [ ! -d "$1" ] || [ ! -w "$1" ]; then
  echo 'the cluster share is not visible or not writable on this host' >&2
  exit 72
fi
printf '%s\\n' "$1"`;

/** Returns the request that checks a mounted share. */
export const shareCheck: Recipe<ShareCheckRequest> = defineRecipe({
  id: 'share-check',
  fields: { share: someText },
  invocation: ({ share, prefix }) =>
    command(prefix, constantScript(CHECK, RemotePath.parseShare(share).word)),
});
