// Prints three lines about a host: system, machine and, on macOS, the product version. A line that the host cannot
// fill stays empty.
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export type PlatformFactsRequest = RecipeRequest<'platform-facts'>;

const FACTS = `printf '%s\\n' "$(uname -s 2>/dev/null)" "$(uname -m 2>/dev/null)" "$(sw_vers -productVersion 2>/dev/null)"`;

/** Returns the request for system, machine and product version of a host. */
export const platformFacts: Recipe<PlatformFactsRequest> = defineRecipe({
  id: 'platform-facts',
  fields: {},
  invocation: ({ prefix }) => command(prefix, constantScript(FACTS)),
});
