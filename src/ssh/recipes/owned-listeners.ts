// Prints on which sockets the processes listen that were started owned, of a record and its token: for each its family
// and its address as the kernel writes it, between a first line that says how the processes were known and a last one.
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { OWNERSHIP_SCRIPT } from '../process/ownership-script.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest, token } from './recipe.ts';

export interface OwnedListenersRequest extends RecipeRequest<'owned-listeners'> {
  /** Path of the record that the start wrote, absolute or `~/rest`. */
  readonly record: string;
  /** 32 lowercase hex digits, as at the start. */
  readonly token: string;
}

/** Returns the request that looks where owned processes listen. */
export const ownedListeners: Recipe<OwnedListenersRequest> = defineRecipe({
  id: 'owned-listeners',
  fields: { record: someText, token },
  invocation: ({ record, token, prefix }) => {
    const path = RemotePath.parseAnchored(record, 'the record');
    return command(prefix, constantScript(OWNERSHIP_SCRIPT, 'listeners', path.word, token));
  },
});
