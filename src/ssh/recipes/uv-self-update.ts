// Updates uv in place: uv self update
import { parseTool, type Tool, tool } from '../fragments/program.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface UvSelfUpdateRequest extends RecipeRequest<'uv-self-update'> {
  readonly tool: Tool;
}

/** Returns the request that updates uv in place. */
export const uvSelfUpdate: Recipe<UvSelfUpdateRequest> = defineRecipe({
  id: 'uv-self-update',
  fields: { tool },
  invocation: ({ tool, prefix }) => command(prefix, parseTool(tool), 'self', 'update'),
});
