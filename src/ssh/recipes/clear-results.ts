// Makes a directory for results and removes the .csv files of an earlier run from it.
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface ClearResultsRequest extends RecipeRequest<'clear-results'> {
  readonly directory: string;
}

// The glob is the script's own; the directory in front of it is quoted.
const CLEAR = `mkdir -p -- "$1" && rm -f -- "$1"/*.csv`;

/** Returns the request that empties a directory of earlier results. */
export const clearResults: Recipe<ClearResultsRequest> = defineRecipe({
  id: 'clear-results',
  fields: { directory: someText },
  invocation: ({ directory, prefix }) =>
    command(prefix, constantScript(CLEAR, RemotePath.parseShare(directory, 'the directory').word)),
});
