// Asks which system a host runs: uname -s
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export type SystemNameRequest = RecipeRequest<'system-name'>;

/** Returns the request that asks which system a host runs. */
export const systemName: Recipe<SystemNameRequest> = defineRecipe({
  id: 'system-name',
  fields: {},
  invocation: ({ prefix }) => command(prefix, 'uname', '-s'),
});
