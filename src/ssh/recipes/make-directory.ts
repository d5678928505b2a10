// Makes a directory and its parents: mkdir -p -- DIR
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface MakeDirectoryRequest extends RecipeRequest<'make-directory'> {
  readonly directory: string;
}

/** Returns the request that makes a directory and its parents. */
export const makeDirectory: Recipe<MakeDirectoryRequest> = defineRecipe({
  id: 'make-directory',
  fields: { directory: someText },
  invocation: ({ directory, prefix }) =>
    command(prefix, 'mkdir', '-p', '--', RemotePath.parseAnchored(directory, 'the directory').word),
});
